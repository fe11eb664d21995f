import { DomainError, isDomainError } from '../core/errors.ts';
import { issuerOf } from '../core/identity/issuers.ts';
import { type DataDir, readJson } from '../embedded/data-dir.ts';
import type { LocalCredential } from '../embedded/local-credential.ts';
import { type CliContext, requireRunning } from './context.ts';
import { CliError } from './exit-codes.ts';
import { describePlatform, metadataOf, type PlatformDescription } from './sign-in/discovery.ts';
import type { Profile } from './sign-in/profiles.ts';
import {
  type ClientSecret,
  clientCredentialTokens,
  OAuthError,
  refreshTokens,
  type Tokens,
} from './sign-in/token-endpoint.ts';
import { urlOfTarget, userProfiles } from './target.ts';

/** A token is replaced this long before it expires, in milliseconds. */
const TOKEN_MARGIN_MS = 30_000;

/** A platform that a command may call. */
export interface PlatformAccess {
  /** Its address, for messages. */
  readonly name: string;
  readonly controlPlaneUrl: string;
  /** Of the tenants' API. Absent where the platform has none yet. */
  readonly apiUrl?: string;
  /** An operator's access token. Throws signIn. */
  token(): Promise<string>;
  /** Forgets the token after the platform has refused it. @returns whether another one may be accepted */
  discardToken(): boolean;
}

/** Finds the platform and the credentials for it. Throws notRunning, signIn or usage. */
export async function accessTo(context: CliContext): Promise<PlatformAccess> {
  const { target } = context;
  if (target.kind === 'data-dir') return accessByDataDir(target.dir);
  const platform = await describe(await urlOfTarget(target));
  const isProfile = target.kind === 'url' && target.by === 'profile';
  const client = isProfile ? undefined : clientOfEnvironment();
  return client ? accessByClient(platform, client) : accessByProfile(context, platform);
}

/** The platform at this address. Throws notRunning without a response, usage if something else responds. */
export async function describe(url: string): Promise<PlatformDescription> {
  try {
    return await describePlatform(url);
  } catch (error) {
    if (isDomainError(error, 'UNAVAILABLE')) throw new CliError('notRunning', error.message, { cause: error });
    if (isDomainError(error, 'INVALID')) throw new CliError('usage', error.message, { cause: error });
    throw error;
  }
}

/** The machine-local credential of a running platform: whoever can read its data directory operates it. */
function accessByDataDir(dir: DataDir): PlatformAccess {
  const { urls } = requireRunning(dir);
  const client = readJson<LocalCredential>(dir.localCredential);
  if (!client) {
    throw new CliError('signIn', `${dir.localCredential} is missing`, {
      hint: 'restart the platform: it creates the file',
    });
  }
  const issuer = issuerOf(urls.publicUrl, 'admin');
  return {
    ...{ name: urls.publicUrl, controlPlaneUrl: urls.controlPlane, apiUrl: urls.api },
    ...cached(() => signedIn(urls.publicUrl, async () => clientCredentialTokens(await metadataOf(issuer), client))),
  };
}

/** A credential for scripts, from the environment. It is used only for a platform that is named explicitly. */
function clientOfEnvironment(): ClientSecret | undefined {
  const { TIERPLANE_CLIENT_ID: clientId, TIERPLANE_CLIENT_SECRET: clientSecret } = process.env;
  if (clientId && clientSecret) return { clientId, clientSecret };
  if (!clientId && !clientSecret) return undefined;
  throw new CliError('usage', 'TIERPLANE_CLIENT_ID and TIERPLANE_CLIENT_SECRET go together; one of them is missing');
}

function accessByClient(platform: PlatformDescription, client: ClientSecret): PlatformAccess {
  return {
    ...addressesOf(platform),
    ...cached(() =>
      signedIn(platform.url, async () => clientCredentialTokens(await metadataOf(platform.issuer), client)),
    ),
  };
}

function accessByProfile({ tierplane }: CliContext, platform: PlatformDescription): PlatformAccess {
  let isRefused = false;
  return {
    ...addressesOf(platform),
    async token() {
      const profile = await signedIn(platform.url, () => currentProfile(platform, isRefused));
      isRefused = false;
      if (profile) return profile.accessToken;
      throw new CliError('signIn', `not signed in to ${platform.url}`, { hint: howToSignIn(tierplane, platform.url) });
    },
    discardToken() {
      isRefused = true;
      return true;
    },
  };
}

function howToSignIn(tierplane: string, url: string): string {
  const command = tierplane.replace(/ --(url|aws) .*/, '');
  return `run \`${command} login --url ${url}\`, or set TIERPLANE_URL, TIERPLANE_CLIENT_ID and TIERPLANE_CLIENT_SECRET`;
}

/**
 * The profile with a token that still works; refreshed and stored while no other command does the same, because a refresh
 * token is good for one use. undefined without a profile, or once its refresh token has ended.
 */
async function currentProfile(platform: PlatformDescription, isRefused: boolean): Promise<Profile | undefined> {
  const profiles = userProfiles();
  const known = profiles.get(platform.url);
  if (!known) return undefined;
  // A profile's tokens go to the issuer that gave them, whatever the address says today.
  if (known.issuer !== platform.issuer) {
    throw new DomainError('UNAUTHENTICATED', `the issuer changed from ${known.issuer} to ${platform.issuer}`);
  }
  if (isFresh(known) && !isRefused) return known;
  return profiles.change(platform.url, async (stored) => {
    if (stored && isFresh(stored) && stored.accessToken !== known.accessToken) return stored;
    if (!stored?.refreshToken) return undefined;
    try {
      return withTokens(
        stored,
        await refreshTokens(await metadataOf(stored.issuer), stored.clientId, stored.refreshToken),
      );
    } catch (error) {
      if (error instanceof OAuthError && error.error === 'invalid_grant') return undefined;
      throw error;
    }
  });
}

function isFresh({ expiresAt }: Pick<Profile, 'expiresAt'>): boolean {
  return expiresAt - TOKEN_MARGIN_MS > Date.now();
}

/** The profile with new tokens; an issuer that does not rotate refresh tokens sends none. */
export function withTokens<P extends Omit<Profile, 'accessToken' | 'expiresAt'>>(profile: P, tokens: Tokens) {
  const { accessToken, refreshToken, expiresIn } = tokens;
  const expiresAt = Date.now() + expiresIn * 1000;
  return { ...profile, accessToken, expiresAt, ...(refreshToken !== undefined && { refreshToken }) };
}

function addressesOf({ url, controlPlaneUrl, apiUrl }: PlatformDescription) {
  return { name: url, controlPlaneUrl, ...(apiUrl !== undefined && { apiUrl }) };
}

/** A token for the rest of the command; a client credential gets another one after a refusal. */
function cached(request: () => Promise<Tokens>): Pick<PlatformAccess, 'token' | 'discardToken'> {
  let current: { readonly accessToken: string; readonly expiresAt: number } | undefined;
  return {
    async token() {
      if (!current || !isFresh(current)) {
        const { accessToken, expiresIn } = await request();
        current = { accessToken, expiresAt: Date.now() + expiresIn * 1000 };
      }
      return current.accessToken;
    },
    discardToken() {
      const had = current !== undefined;
      current = undefined;
      return had;
    },
  };
}

/** Runs a sign-in. Throws signIn, or notRunning if the issuer does not respond; the message names the platform. */
export async function signedIn<T>(platform: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof CliError || !isDomainError(error)) throw error;
    if (error.code === 'UNAVAILABLE') throw new CliError('notRunning', error.message, { cause: error });
    if (error.code === 'CORRUPT') throw error;
    throw new CliError('signIn', `sign-in to ${platform} failed: ${error.message}`, { cause: error });
  }
}
