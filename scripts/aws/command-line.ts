import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import {
  CognitoIdentityProviderClient,
  DescribeUserPoolClientCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { addressesOf } from '../../adapters/aws/installation/addresses.ts';

const TIERPLANE = join(import.meta.dirname, '..', '..', 'bin', 'tierplane');

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  /** Only collected where it is not shown. */
  readonly stderr: string;
}

/** `tierplane --aws ENVIRONMENT`, signed in with the stack's client for scripts. IAM decides who may read its secret. */
export class AwsCommandLine {
  readonly #environment: string;
  readonly #credential: Readonly<Record<string, string>>;

  private constructor(environment: string, credential: Readonly<Record<string, string>>) {
    this.#environment = environment;
    this.#credential = credential;
  }

  /** @throws DomainError NOT_FOUND if the environment is not installed */
  static async open(environment: string): Promise<AwsCommandLine> {
    const { adminPoolId: UserPoolId, automationClientId: ClientId } = await addressesOf(environment);
    const cognito = new CognitoIdentityProviderClient({});
    const { UserPoolClient } = await cognito.send(new DescribeUserPoolClientCommand({ UserPoolId, ClientId }));
    return new AwsCommandLine(environment, {
      TIERPLANE_CLIENT_ID: ClientId,
      TIERPLANE_CLIENT_SECRET: UserPoolClient?.ClientSecret ?? '',
    });
  }

  /** Runs a command to its end. @param show whether the user sees its output on stderr */
  async run(args: readonly string[], show = false): Promise<CommandResult> {
    const child = spawn(TIERPLANE, [`--aws=${this.#environment}`, ...args], {
      stdio: ['ignore', 'pipe', show ? 'inherit' : 'pipe'],
      env: { ...process.env, ...this.#credential },
    });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
      });
    }
    const [code] = (await once(child, 'close')) as [number | null];
    return { ...output, code: code ?? 1 };
  }
}
