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
import { clientConfig } from './bus-watch.ts';
import { type EmulatedAccount, killGroup } from './emulated-account.ts';
import { type SignInOptions, signIn, type Tokens } from './managed-login.ts';
import { askPublic, type PublicAnswer } from './public-address.ts';

const ROOT = join(import.meta.dirname, '..');
const SCOPE = 'openid tenant/tenant_read tenant/tenant_write user/user_read user/user_write';

const Outputs = z.object({
  'controlplane-stack': z.object({
    ControlPlaneIdpClientId: z.string(),
    ControlPlaneIdpUserPoolId: z.string(),
    controlPlaneAPIEndpoint: z.url(),
    eventBridgeArn: z.string(),
    adminDomain: z.url(),
    prefix: z.string(),
  }),
});

/** A control plane in an emulated account, and its first admin. */
export interface Installation {
  readonly account: EmulatedAccount;
  readonly outputs: z.output<typeof Outputs>['controlplane-stack'];
  /** Asks the API; `token` is put into the Authorization header. */
  call(
    method: string,
    path: string,
    options?: {
      readonly token?: string;
      readonly headers?: Readonly<Record<string, string>>;
      /** A string is sent as it is. */
      readonly body?: unknown;
    },
  ): Promise<PublicAnswer & { readonly body: unknown }>;
}

/** Runs scripts/sbt-install.sh in the account, as anybody would. Throws an Error with the end of what it said. */
export async function install(account: EmulatedAccount, adminEmail: string): Promise<Installation> {
  await runInstaller(account, [adminEmail]);
  const outputs = Outputs.parse(JSON.parse(readFileSync(join(folderOf(account), 'main-outputs.json'), 'utf8')))[
    'controlplane-stack'
  ];
  const base = outputs.controlPlaneAPIEndpoint.replace(/\/$/, '');
  return {
    account,
    outputs,
    async call(method, path, { token, headers, body } = {}) {
      const answer = await askPublic(account, `${base}${path}`, {
        method: method as 'GET',
        headers: {
          ...(token !== undefined && { authorization: token }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      return { ...answer, body: asJson(answer.text) };
    },
  };
}

/** Runs the installer to its end. @returns all it said */
export async function runInstaller(account: EmulatedAccount, args: readonly string[]): Promise<string> {
  const child = spawn(join(ROOT, 'scripts', 'sbt-install.sh'), args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, which ends with this process: nobody would be left to install for.
    detached: true,
    env: {
      ...{ PATH: process.env.PATH, HOME: process.env.HOME, CI: 'true', ...account.environment },
      TIERPLANE_CDK_OUTPUT: folderOf(account),
    },
  });
  const kill = (): void => void killGroup(child);
  process.once('exit', kill);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
  }
  const [code] = (await once(child, 'close').finally(() => process.off('exit', kill))) as [number | null];
  if (code !== 0) throw new Error(`sbt-install.sh ended with ${code}: ${said.slice(-3000)}`);
  return said;
}

/** Templates of the account's own, as others may install at the same time. */
function folderOf({ directory }: EmulatedAccount): string {
  return join(directory, 'cdk');
}

/** Signs the first admin in for the first time, by the password of the mail. */
export async function signInAdmin(installation: Installation, newPassword: string): Promise<Tokens> {
  return signInAgain(installation, { password: await invitedPassword(installation.account), newPassword });
}

/** Signs the first admin in, by `password`. */
export async function signInAgain(
  { account, outputs }: Installation,
  options: Pick<SignInOptions, 'password' | 'newPassword' | 'verifier'>,
): Promise<Tokens> {
  return signIn(account, {
    domain: outputs.adminDomain,
    clientId: outputs.ControlPlaneIdpClientId,
    callbackUrl: 'http://localhost',
    scope: SCOPE,
    userName: 'admin',
    ...options,
  });
}

/** By client credentials, as EventBridge's connection gets it: SBT's own client may report results. */
export async function machineToken({ account, outputs }: Installation): Promise<string> {
  const cognito = new CognitoIdentityProviderClient(clientConfig(account));
  const UserPoolId = outputs.ControlPlaneIdpUserPoolId;
  const { UserPoolClients = [] } = await cognito.send(new ListUserPoolClientsCommand({ UserPoolId }));
  const other = UserPoolClients.find(({ ClientId }) => ClientId !== outputs.ControlPlaneIdpClientId);
  const described = await cognito.send(new DescribeUserPoolClientCommand({ UserPoolId, ClientId: other?.ClientId }));
  const { ClientId = '', ClientSecret = '' } = described.UserPoolClient ?? {};
  const answer = await askPublic(account, `${outputs.adminDomain}/oauth2/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      ...{ grant_type: 'client_credentials', client_id: ClientId, client_secret: ClientSecret },
      scope: 'tenant/tenant_write',
    }).toString(),
  });
  return (JSON.parse(answer.text) as { access_token: string }).access_token;
}

const Mails = z.object({ messages: z.record(z.string(), z.array(z.object({ BodyText: z.string() }))) });

/** The temporary password of the newest invitation. */
async function invitedPassword({ endpoint }: EmulatedAccount): Promise<string> {
  const answer = await fetch(`${endpoint}/_ministack/ses/messages`);
  const mails = Object.values(Mails.parse(await answer.json()).messages).flat();
  const password = mails.map(({ BodyText }) => /temporary password (\S+)/.exec(BodyText)?.[1]).findLast(Boolean);
  if (password === undefined) throw new Error('no invitation was sent');
  return password;
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
