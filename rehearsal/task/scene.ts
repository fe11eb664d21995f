import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { build } from 'esbuild';
import { clientConfig } from '../bus-watch.ts';
import type { ContainerEngine } from '../container-engine.ts';
import { ACCOUNT_ID, type EmulatedAccount, REGION } from '../emulated-account.ts';
import { signIn } from '../managed-login.ts';
import { type PublicResponse, requestPublic } from '../public-address.ts';
import { type StackResult, Stacks } from '../stacks.ts';
import type { Attempt, AttemptResult } from './attempt.ts';
import { buildImageWith } from './images.ts';
import type { ServiceOutputs, ServiceParameters } from './service-stack.ts';
import { CALLBACK_URL, type SharedOutputs } from './shared-stack.ts';
import { synthesizeTemplates } from './templates.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** The password of the emulated account's users. The account exists only during the rehearsal. */
const PASSWORD = 'Rehearsed-horse-battery-7';
const PROBE = '/app/probe.cjs';

/** The tenant whose service runs, and another one. */
export const TENANT = 'acme000000000000000000001';
export const OTHER_TENANT = 'globex00000000000000000002';

/** The tag of an image, in the form that ECR would give it. */
export function tagOf(name: string): string {
  return `${ACCOUNT_ID}.dkr.ecr.${REGION}.amazonaws.com/tierplane/${name}:rehearsed`;
}

/** Builds what has changed in dist/. @throws Error with the output of the build */
export async function buildBundles(): Promise<void> {
  const script = join(ROOT, 'scripts', 'build.ts');
  const options = { cwd: ROOT };
  await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', script, '--if-stale'], options);
}

/** One service of ours in an emulated account with containers. Call the methods in their order. */
export class TaskScene {
  readonly #account: EmulatedAccount;
  readonly #stacks: Stacks;
  readonly #templates = synthesizeTemplates();
  #shared: SharedOutputs | undefined;
  #service: ServiceOutputs | undefined;

  constructor(account: EmulatedAccount) {
    this.#account = account;
    this.#stacks = new Stacks(account);
  }

  get engine(): ContainerEngine {
    assert(this.#account.engine, 'the account must run containers');
    return this.#account.engine;
  }

  get shared(): SharedOutputs {
    assert(this.#shared, 'the shared stack must be deployed');
    return this.#shared;
  }

  get service(): ServiceOutputs {
    assert(this.#service, 'the service must be deployed');
    return this.#service;
  }

  async deployShared(): Promise<void> {
    this.#shared = outputsOf<SharedOutputs>(await this.#stacks.create('task-shared', this.#templates.shared));
  }

  /** Builds the service's image with the probe beside the service. @returns its tag */
  async buildProbedImage(service: string): Promise<string> {
    const script = join(this.#account.directory, 'probe.cjs');
    await build({
      entryPoints: [join(import.meta.dirname, 'probe.ts')],
      ...{ outfile: script, bundle: true, platform: 'node', target: 'node24', format: 'cjs', logLevel: 'error' },
    });
    const tag = tagOf(`${service}-probed`);
    buildImageWith(this.engine, { base: tagOf(service), tag, script, path: PROBE });
    return tag;
  }

  /** Creates the service's stack, which ends when its task is healthy. @throws Error with the stack's failures */
  async deployService(ServiceName: string, Image: string): Promise<void> {
    const { UserPoolId, ClientId, ...shared } = this.shared;
    const issuer = `https://cognito-idp.${REGION}.amazonaws.com/${UserPoolId}`;
    const parameters: ServiceParameters = {
      ...{ ServiceName, Image, TenantId: TENANT, Priority: '1' },
      Issuers: JSON.stringify([{ issuer, realm: 'pool', clientIds: [ClientId] }]),
      CpuArchitecture: process.arch === 'arm64' ? 'ARM64' : 'X86_64',
      VpcId: shared.VpcId,
      SubnetIds: shared.SubnetIds,
      LoadBalancerGroupId: shared.LoadBalancerGroupId,
      ListenerArn: shared.ListenerArn,
    };
    const result = await this.#stacks.create('task-service', this.#templates.service, parameters);
    this.#service = outputsOf<ServiceOutputs>(result);
  }

  /** The name of the running container of the service's task. */
  container(): string {
    const names = this.engine.containers('label=com.amazonaws.ecs.container-name=service', 'status=running');
    const [name] = names;
    assert(name !== undefined && names.length === 1, 'exactly one container of the service must run');
    return name;
  }

  /** Runs a command in the service's container. @returns its output */
  exec(...command: readonly string[]): string {
    return this.engine.run('exec', this.container(), ...command);
  }

  /** Makes calls of AWS from the service's container. */
  probe(attempts: readonly Attempt[]): AttemptResult[] {
    return JSON.parse(this.exec('node', PROBE, JSON.stringify(attempts))) as AttemptResult[];
  }

  /** Creates a user of the tenant, who signs in by managed login. @returns the access token */
  async signIn(tenantId: string): Promise<string> {
    const { UserPoolId, ClientId, SignInUrl } = this.shared;
    const cognito = new CognitoIdentityProviderClient(clientConfig(this.#account));
    const Username = `jo-of-${tenantId}`;
    const attributes = { tenantId, tier: 'advanced', role: 'TenantAdmin' };
    const UserAttributes = Object.entries(attributes).map(([key, Value]) => ({ Name: `custom:${key}`, Value }));
    await cognito.send(new AdminCreateUserCommand({ UserPoolId, Username, UserAttributes, MessageAction: 'SUPPRESS' }));
    await cognito.send(new AdminSetUserPasswordCommand({ UserPoolId, Username, Password: PASSWORD, Permanent: true }));
    const tokens = await signIn(this.#account, {
      ...{ domain: SignInUrl, clientId: ClientId, callbackUrl: CALLBACK_URL, scope: 'openid' },
      ...{ userName: Username, password: PASSWORD },
    });
    return tokens.accessToken;
  }

  /**
   * Sends a request to the load balancer, with the headers that the gateway adds.
   * @param options.tenantPath chooses the rule. @default the service's tenant
   */
  request(
    method: 'GET' | 'POST',
    path: string,
    options: { readonly token: string; readonly tenantPath?: string; readonly body?: unknown },
  ): Promise<PublicResponse> {
    const { token, tenantPath = TENANT, body } = options;
    return requestPublic(this.#account, `http://${this.shared.DnsName}${path}`, {
      method,
      headers: {
        ...{ authorization: `Bearer ${token}`, tenantpath: tenantPath, 'x-tierplane-role': 'TenantAdmin' },
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  /** The sessions that IAM has allowed the action, oldest first, by the emulator's log. */
  callersOf(action: string): string[] {
    const line = new RegExp(`(arn:aws:sts::\\S+) called ${action} on `, 'g');
    return [...this.#account.log().matchAll(line)].map(([, arn = '']) => arn);
  }
}

function outputsOf<T>({ status, failures, outputs }: StackResult): T {
  if (status !== 'CREATE_COMPLETE') throw new Error(`the stack is ${status}: ${failures.join('; ')}`);
  return outputs as T;
}
