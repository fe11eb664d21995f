import { isDomainError } from '../core/errors.ts';
import { slugOf } from '../core/fields/slug.ts';
import { CLI_CLIENT } from '../core/identity/issuers.ts';
import { type CliContext, requireRunning } from './context.ts';
import { showDevicePrompt } from './device-prompt.ts';
import { CliError } from './exit-codes.ts';
import { interruptible } from './interrupt.ts';
import { note } from './output.ts';
import { describe, signedIn } from './platform-access.ts';
import { deviceSignIn } from './sign-in/device.ts';
import { metadataOf } from './sign-in/discovery.ts';
import { passwordSignIn } from './sign-in/password.ts';
import { sendJson } from './sign-in/request.ts';
import { urlOfTarget } from './target.ts';
import { tenantOfArgument } from './tenant-argument.ts';

/** What the APIs take of a tenant's user. */
const SCOPE = 'openid';

/** A tenant user's access token, by password. Throws signIn, or refused for an unknown tenant. */
export async function signInTenantUser(
  context: CliContext,
  tenant: string,
  userName: string,
  password: string,
): Promise<string> {
  const issuer = await issuerOfTenant(context, tenant);
  try {
    return (await passwordSignIn({ issuer, userName, password, scope: SCOPE })).accessToken;
  } catch (cause) {
    if (!isDomainError(cause)) throw cause;
    if (cause.code === 'UNAVAILABLE') throw new CliError('notRunning', cause.message, { cause });
    throw new CliError('signIn', `sign-in of ${userName} failed: ${cause.message}`, {
      cause,
      ...(cause.code === 'UNAUTHENTICATED' && { hint: whereToFindPasswords(context) }),
      ...(cause.code === 'FORBIDDEN' && { hint: `${issuer}/account tells more, and changes a temporary password` }),
    });
  }
}

function whereToFindPasswords({ tierplane }: CliContext): string {
  return `\`${tierplane} demo\` shows the demo users; other users chose a password, or got one by mail`;
}

/** A tenant user's access token, by the device authorization grant. Throws signIn, or refused for an unknown tenant. */
export async function signInTenantUserByDevice(context: CliContext, tenant: string): Promise<string> {
  const issuer = await issuerOfTenant(context, tenant);
  const tokens = await signedIn(issuer, async () => {
    const metadata = await metadataOf(issuer);
    const show = showDevicePrompt(note);
    return interruptible((signal) => deviceSignIn(metadata, { clientId: CLI_CLIENT, scope: SCOPE, show, signal }));
  });
  return tokens.accessToken;
}

interface PublicConfig {
  readonly authServer: string;
  readonly apiUrl?: string;
  readonly tenantName: string;
}

/** The address of the tenant's API, where it has one. Throws refused if no active tenant has this name or id. */
export async function apiOfTenant(context: CliContext, tenant: string): Promise<string | undefined> {
  return (await configOfTenant(context, tenant)).apiUrl;
}

/** The issuer in the tenant's public configuration. Throws refused if no active tenant has this name or id. */
async function issuerOfTenant(context: CliContext, tenant: string): Promise<string> {
  return (await configOfTenant(context, tenant)).authServer;
}

async function configOfTenant({ target, tierplane }: CliContext, tenant: string): Promise<PublicConfig> {
  const controlPlane =
    target.kind === 'data-dir'
      ? requireRunning(target.dir).urls.controlPlane
      : (await describe(await urlOfTarget(target))).controlPlaneUrl;
  const config = await tenantOfArgument<PublicConfig>(tenant, {
    byId: (id) => publicConfig(controlPlane, `?tenantId=${id}`),
    byName: (name) => publicConfig(controlPlane, `/${encodeURIComponent(slugOf(name))}`),
    labelOf: ({ tenantName }) => `'${tenantName}'`,
  });
  if (config) return config;
  throw new CliError('refused', `no active tenant has the name or id '${tenant}'`, {
    hint: `\`${tierplane} tenants list\` shows all tenants with their states`,
  });
}

/** The tenant's public configuration, or undefined if no active tenant is meant. */
async function publicConfig(controlPlane: string, tenant: string): Promise<PublicConfig | undefined> {
  const { status, body } = await signedIn(controlPlane, () => sendJson(`${controlPlane}/tenant-config${tenant}`));
  if (status === 404) return undefined;
  if (status !== 200) throw new CliError('failed', `the tenant's configuration responds with status ${status}`);
  return body as PublicConfig;
}
