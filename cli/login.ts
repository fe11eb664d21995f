import type { Command } from 'commander';
import { findRunning } from '../embedded/running.ts';
import { type CliContext, contextOf, examples } from './context.ts';
import { ControlPlane } from './control-plane.ts';
import { showDevicePrompt } from './device-prompt.ts';
import { CliError } from './exit-codes.ts';
import { interruptible } from './interrupt.ts';
import { note, printFields, printJson, printLine } from './output.ts';
import { describe, signedIn, withTokens } from './platform-access.ts';
import { deviceSignIn } from './sign-in/device.ts';
import { metadataOf, type PlatformDescription } from './sign-in/discovery.ts';
import { loopbackSignIn } from './sign-in/loopback.ts';
import { revokeToken, type Tokens } from './sign-in/token-endpoint.ts';
import { urlOfTarget, userProfiles } from './target.ts';

export function addSignInCommands(program: Command): void {
  program
    .command('login')
    .description('sign in to a platform with a browser; later commands address it')
    .addHelpText(
      'after',
      examples('login --url https://saas.example.com', 'login --aws', 'login --url http://127.0.0.1:8080 --json'),
    )
    .action(async (_options, command: Command) => login(contextOf(command)));
  program
    .command('logout')
    .description('revoke the refresh token of a platform and delete its profile')
    .addHelpText('after', examples('logout', 'logout --url https://saas.example.com'))
    .action(async (_options, command: Command) => logout(contextOf(command)));
  program
    .command('whoami')
    .description('show the platform that commands address, and the user or credential they act as')
    .addHelpText('after', examples('whoami', 'whoami --json'))
    .action(async (_options, command: Command) => whoami(contextOf(command)));
}

async function login(context: CliContext): Promise<void> {
  const platform = await describe(await urlOf(context));
  const tokens = await signedIn(platform.url, () =>
    interruptible((signal) => signInWithBrowser(context, platform, signal)),
  );
  const { url, issuer, clientId } = platform;
  const { userName } = claimsOf(tokens.accessToken);
  const profile = withTokens({ url, issuer, clientId, userName }, tokens);
  await userProfiles().change(url, async () => profile, true);
  if (context.json) printJson({ signedIn: true, url, userName });
  else printLine(`signed in to ${url} as ${userName}`);
}

/** The device authorization grant; a loopback redirect where the issuer has none. */
async function signInWithBrowser(
  { json }: CliContext,
  { issuer, clientId, scope }: PlatformDescription,
  signal: AbortSignal,
): Promise<Tokens> {
  const metadata = await metadataOf(issuer);
  if (metadata.deviceAuthorizationEndpoint !== undefined) {
    const show = json ? printJson : showDevicePrompt(note);
    return deviceSignIn(metadata, { clientId, scope, show, signal });
  }
  const show = (authorizationUrl: string): void => {
    if (json) printJson({ authorizationUrl });
    else note(`Open in a browser on this machine:\n${authorizationUrl}\nwaiting for the browser ...`);
  };
  return loopbackSignIn(metadata, { clientId, scope, show, signal });
}

/** Without an address, the platform that runs in the data directory. */
async function urlOf({ target, tierplane }: CliContext): Promise<string> {
  if (target.kind !== 'data-dir') return urlOfTarget(target);
  const running = findRunning(target.dir);
  if (running) return running.urls.publicUrl;
  throw new CliError('usage', `no platform runs in ${target.dir.root}; give --url`, {
    hint: `for example \`${tierplane} login --url https://saas.example.com\``,
  });
}

async function logout(context: CliContext): Promise<void> {
  const url = await urlOf(context);
  let isRevoked = false;
  const profiles = userProfiles();
  if (!profiles.get(url)) throw new CliError('refused', `not signed in to ${url}; nothing to do`);
  await profiles.change(url, async (profile) => {
    if (!profile?.refreshToken) return undefined;
    const { issuer, clientId, refreshToken } = profile;
    isRevoked = await metadataOf(issuer)
      .then((metadata) => revokeToken(metadata, clientId, refreshToken))
      .catch(() => false);
    return undefined;
  });
  if (!isRevoked) note(`${url} did not confirm that the refresh token is revoked; it ends by itself within a day`);
  if (context.json) printJson({ signedOut: true, url, revoked: isRevoked });
  else printLine(`signed out of ${url}`);
}

async function whoami(context: CliContext): Promise<void> {
  const controlPlane = await ControlPlane.open(context);
  // The platform decides whether the sign-in is still good.
  await controlPlane.call('GET', '/tenants?limit=1');
  const { userName, scope, expires } = claimsOf(await controlPlane.access.token());
  const found = { platform: controlPlane.access.name, user: userName, scope, 'token expires': expires };
  if (context.json) printJson({ url: found.platform, userName, scope, expires });
  else printFields(found);
}

/** Claims of an access token, for display only: the platform verifies it, the command line does not. */
function claimsOf(token: string): { readonly userName: string; readonly scope: string; readonly expires: string } {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
    readonly username?: string;
    readonly sub: string;
    readonly scope?: string;
    readonly exp: number;
  };
  return {
    userName: claims.username ?? claims.sub,
    scope: claims.scope ?? '',
    expires: new Date(claims.exp * 1000).toISOString(),
  };
}
