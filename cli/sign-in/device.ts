import { setTimeout as wait } from 'node:timers/promises';
import * as z from 'zod';
import { DomainError } from '../../core/errors.ts';
import type { ProviderMetadata } from './discovery.ts';
import { requireSecure, sendJson } from './request.ts';
import { OAuthError, oauthError, requestTokens, type Tokens } from './token-endpoint.ts';

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
/** RFC 8628, section 3.2: the interval where the server names none, in seconds. */
const DEFAULT_INTERVAL = 5;
/** RFC 8628, section 3.5: what `slow_down` adds to the interval, in seconds. */
const SLOW_DOWN = 5;

const DeviceAuthorization = z.object({
  device_code: z.string(),
  user_code: z.string(),
  verification_uri: z.url(),
  verification_uri_complete: z.url().optional(),
  expires_in: z.number().positive(),
  interval: z.number().positive().optional(),
});

/** What the user needs to finish the sign-in in a browser, on any machine. */
export interface DevicePrompt {
  readonly verificationUri: string;
  readonly userCode: string;
  /** The address with the code in it. */
  readonly verificationUriComplete?: string;
  /** In seconds. */
  readonly expiresIn: number;
}

export interface DeviceSignInOptions {
  readonly clientId: string;
  readonly scope: string;
  /** Shows the address and the code. */
  readonly show: (prompt: DevicePrompt) => void;
  /** Ends the wait. */
  readonly signal: AbortSignal;
  /** Waits between two polls. @default - a timer */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

/**
 * The device authorization grant (RFC 8628): the user enters a code in a browser while this polls for the tokens.
 * Throws UNAUTHENTICATED if the user denies access or the code expires, UNAVAILABLE without a response, and what `pause`
 * throws when `signal` ends the wait.
 */
export async function deviceSignIn(metadata: ProviderMetadata, options: DeviceSignInOptions): Promise<Tokens> {
  const { clientId, scope, show, signal, pause = (ms) => wait(ms, undefined, { signal }) } = options;
  const granted = await authorizeDevice(metadata, clientId, scope);
  show({
    verificationUri: granted.verification_uri,
    userCode: granted.user_code,
    ...(granted.verification_uri_complete && { verificationUriComplete: granted.verification_uri_complete }),
    expiresIn: granted.expires_in,
  });
  const deadline = Date.now() + granted.expires_in * 1000;
  let interval = granted.interval ?? DEFAULT_INTERVAL;
  while (Date.now() < deadline) {
    await pause(interval * 1000, signal);
    const outcome = await poll(metadata, clientId, granted.device_code);
    if (typeof outcome === 'object') return outcome;
    if (outcome === 'slow_down') interval += SLOW_DOWN;
  }
  throw new DomainError('UNAUTHENTICATED', EXPIRED);
}

const EXPIRED = 'the code expired before the sign-in was finished';

async function authorizeDevice({ deviceAuthorizationEndpoint }: ProviderMetadata, clientId: string, scope: string) {
  if (deviceAuthorizationEndpoint === undefined) throw new Error('the issuer has no device authorization endpoint');
  const { status, body } = await sendJson(deviceAuthorizationEndpoint, {
    method: 'POST',
    headers: { accept: 'application/json' },
    body: new URLSearchParams({ client_id: clientId, scope }),
  });
  if (status >= 400 && status < 500) throw oauthError(body, status);
  const granted = DeviceAuthorization.safeParse(body);
  if (!granted.success) {
    throw new DomainError('UNAVAILABLE', `${deviceAuthorizationEndpoint} responds with status ${status} and no code`);
  }
  requireSecure(granted.data.verification_uri);
  return granted.data;
}

async function poll(
  metadata: ProviderMetadata,
  clientId: string,
  deviceCode: string,
): Promise<Tokens | 'authorization_pending' | 'slow_down'> {
  try {
    return await requestTokens(metadata, { grant_type: DEVICE_GRANT, device_code: deviceCode, client_id: clientId });
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    if (error.error === 'authorization_pending' || error.error === 'slow_down') return error.error;
    if (error.error === 'access_denied')
      throw new DomainError('UNAUTHENTICATED', 'access was denied', { cause: error });
    if (error.error === 'expired_token') throw new DomainError('UNAUTHENTICATED', EXPIRED, { cause: error });
    throw error;
  }
}
