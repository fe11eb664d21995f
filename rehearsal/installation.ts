import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CognitoIdentityProviderClient,
  DescribeUserPoolClientCommand,
  ListUserPoolClientsCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import * as z from 'zod';
import { jsonIn } from '../core/encoding/json.ts';
import { ADMIN_SIGN_IN_SCOPE, PASSWORD_CLIENT } from '../core/identity/issuers.ts';
import { clientConfig } from './bus-watch.ts';
import { EARLY_COLLECTION, type EmulatedAccount, killGroup } from './emulated-account.ts';
import { pathWithEngine } from './engine-command.ts';
import { invitedPassword } from './invited-password.ts';
import { type SignInOptions, signIn, type Tokens } from './managed-login.ts';
import { type PublicResponse, requestPublic } from './public-address.ts';

const ROOT = join(import.meta.dirname, '..');
const PRELOAD = join(import.meta.dirname, 'fetch-by-account.ts');

const Outputs = z.object({
  'controlplane-stack': z.object({
    ControlPlaneIdpClientId: z.string(),
    AutomationClientId: z.string(),
    ControlPlaneIdpUserPoolId: z.string(),
    controlPlaneAPIEndpoint: z.url(),
    eventBridgeArn: z.string(),
    adminDomain: z.url(),
    prefix: z.string(),
  }),
});

/** A control plane in an emulated account. */
export interface Installation {
  readonly account: EmulatedAccount;
  readonly adminEmail: string;
  readonly outputs: z.output<typeof Outputs>['controlplane-stack'];
  /** Sends a request to the API. `token` is the value of the Authorization header. */
  call(
    method: string,
    path: string,
    options?: {
      readonly token?: string;
      readonly headers?: Readonly<Record<string, string>>;
      /** A string is sent as is; any other value is sent as JSON. */
      readonly body?: unknown;
    },
  ): Promise<PublicResponse & { readonly body: unknown }>;
}

/** Runs scripts/sbt-install.sh in the account, for the control plane alone. @throws Error with the end of the script's output */
export async function install(account: EmulatedAccount, adminEmail: string): Promise<Installation> {
  await runInstaller(account, [adminEmail, '--control-plane-only']);
  return openInstallation(account, adminEmail);
}

/**
 * Runs scripts/install.sh in an account with containers.
 * @param options.release @default - the version of the package
 * @param options.onImages called when the images are built
 * @throws Error with the end of the script's output
 */
export async function installProduct(
  account: EmulatedAccount,
  adminEmail: string,
  options: { readonly release?: string; readonly onImages?: () => void } = {},
): Promise<Installation> {
  const { release, onImages } = options;
  const variables = { PATH: pathWithEngine(account), TIERPLANE_IMAGE_PREFIX: account.engine?.imagePrefix ?? '' };
  const args = [adminEmail, '--from-scratch', ...(release === undefined ? [] : ['--release', release])];
  const onOutput = (text: string): void => {
    if (/^Built release /m.test(text)) onImages?.();
  };
  await runInstaller(account, args, { script: 'install.sh', variables, onOutput });
  return openInstallation(account, adminEmail);
}

/** Deletes an installation by scripts/cleanup/cleanup.sh. @returns its output */
export async function cleanUp(installation: Installation): Promise<string> {
  const variables = { SKIP_CONFIRM: 'yes', ...variablesOfCommandLine(installation) };
  return runInstaller(installation.account, [], { script: 'cleanup/cleanup.sh', variables });
}

/** Lets the command line reach the account by its public addresses. */
export function variablesOfCommandLine({ account, outputs }: Pick<Installation, 'account' | 'outputs'>) {
  const rehearsed = { endpoint: account.endpoint, port: account.port, domain: outputs.adminDomain };
  return {
    NODE_OPTIONS: `--import=${PRELOAD} --disable-warning=ExperimentalWarning`,
    REHEARSED_ACCOUNT: JSON.stringify(rehearsed),
  };
}

/** @param file the outputs of the stacks, as the CDK CLI has written them @default - by the scripts */
export function openInstallation(
  account: EmulatedAccount,
  adminEmail: string,
  file = join(folderOf(account), 'main-outputs.json'),
): Installation {
  return installationWith(account, adminEmail, JSON.parse(readFileSync(file, 'utf8'))['controlplane-stack']);
}

/** The control plane whose stack has these outputs. */
export function installationWith(account: EmulatedAccount, adminEmail: string, stackOutputs: unknown): Installation {
  const outputs = Outputs.shape['controlplane-stack'].parse(stackOutputs);
  const base = outputs.controlPlaneAPIEndpoint.replace(/\/$/, '');
  return {
    account,
    adminEmail,
    outputs,
    async call(method, path, { token, headers, body } = {}) {
      const response = await requestPublic(account, `${base}${path}`, {
        method: method as 'GET',
        headers: {
          ...(token !== undefined && { authorization: token }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      return { ...response, body: jsonIn(response.text) };
    },
  };
}

/** Runs a script of scripts/ to its end. @returns its output @throws Error with the end of the output if it fails */
export async function runInstaller(
  account: EmulatedAccount,
  args: readonly string[],
  options: {
    readonly script?: string;
    readonly variables?: Readonly<Record<string, string>>;
    /** Receives the output as it arrives. */
    readonly onOutput?: (text: string) => void;
  } = {},
): Promise<string> {
  const { script = 'sbt-install.sh', variables = {}, onOutput } = options;
  const child = spawn(join(ROOT, 'scripts', script), args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Its own process group, which ends with this process.
    detached: true,
    env: {
      ...{ PATH: process.env.PATH, HOME: process.env.HOME, CI: 'true', ...account.environment },
      NODE_OPTIONS: EARLY_COLLECTION,
      TIERPLANE_CDK_OUTPUT: folderOf(account),
      ...variables,
    },
  });
  const kill = (): void => void killGroup(child);
  process.once('exit', kill);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      onOutput?.(chunk);
    });
  }
  const [code] = (await once(child, 'close').finally(() => process.off('exit', kill))) as [number | null];
  if (code !== 0) throw new Error(`${script} exited with status ${code}: ${output.slice(-3000)}`);
  return output;
}

/** Templates are kept per account, because installations may run at the same time. */
function folderOf({ directory }: EmulatedAccount): string {
  return join(directory, 'cdk');
}

/** Signs the first administrator in with the password from the invitation, and sets a new one. */
export async function signInAdmin(installation: Installation, newPassword: string): Promise<Tokens> {
  const password = await invitedPassword(installation.account, installation.adminEmail);
  return signInAgain(installation, { password, newPassword });
}

/** Signs an administrator in with `password`. @param options.userName @default - the first administrator */
export async function signInAgain(
  { account, outputs }: Installation,
  options: Pick<SignInOptions, 'password' | 'newPassword' | 'verifier'> & Partial<Pick<SignInOptions, 'userName'>>,
): Promise<Tokens> {
  return signIn(account, {
    domain: outputs.adminDomain,
    clientId: outputs.ControlPlaneIdpClientId,
    callbackUrl: 'http://localhost',
    scope: ADMIN_SIGN_IN_SCOPE,
    userName: 'admin',
    ...options,
  });
}

/** An access token of SBT's machine client, by client credentials, as EventBridge's connection gets it. */
export async function machineToken({ account, outputs }: Installation): Promise<string> {
  const cognito = new CognitoIdentityProviderClient(clientConfig(account));
  const UserPoolId = outputs.ControlPlaneIdpUserPoolId;
  const { UserPoolClients = [] } = await cognito.send(new ListUserPoolClientsCommand({ UserPoolId }));
  const known = [outputs.ControlPlaneIdpClientId, outputs.AutomationClientId, PASSWORD_CLIENT];
  const other = UserPoolClients.find((one) => ![one.ClientId, one.ClientName].some((id) => known.includes(id ?? '')));
  const ClientId = other?.ClientId ?? '';
  const ClientSecret = await clientSecret({ account, outputs }, ClientId);
  const response = await requestPublic(account, `${outputs.adminDomain}/oauth2/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      ...{ grant_type: 'client_credentials', client_id: ClientId, client_secret: ClientSecret },
      scope: 'tenant/tenant_write',
    }).toString(),
  });
  return (JSON.parse(response.text) as { access_token: string }).access_token;
}

/** The secret of a confidential client of the user pool, as an operator reads it. */
export async function clientSecret(
  { account, outputs }: Pick<Installation, 'account' | 'outputs'>,
  ClientId: string,
): Promise<string> {
  const cognito = new CognitoIdentityProviderClient(clientConfig(account));
  const UserPoolId = outputs.ControlPlaneIdpUserPoolId;
  const described = await cognito.send(new DescribeUserPoolClientCommand({ UserPoolId, ClientId }));
  return described.UserPoolClient?.ClientSecret ?? '';
}
