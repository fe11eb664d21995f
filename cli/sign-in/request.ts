import { jsonIn } from '../../core/encoding/json.ts';
import { DomainError } from '../../core/errors.ts';

/** A server that has not responded within this time counts as unavailable, in milliseconds. */
const TIMEOUT_MS = 15_000;

export interface JsonResponse {
  readonly status: number;
  readonly headers: Headers;
  /** undefined for a body that is not JSON. */
  readonly body: unknown;
}

/** Plain HTTP is allowed to this machine only. Throws INVALID. */
export function requireSecure(address: string): URL {
  const url = URL.parse(address);
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))) return url;
  throw new DomainError('INVALID', `an address must begin with https://, or http:// on this machine, got '${address}'`);
}

export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/**
 * Sends one request and reads its response as JSON. Redirects are not followed, so that a token or a secret never reaches
 * another server. Throws INVALID for an insecure address, UNAVAILABLE without a response.
 */
export async function sendJson(address: string, init: RequestInit = {}): Promise<JsonResponse> {
  const url = requireSecure(address);
  const signal = init.signal ?? AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(url, { ...init, signal, redirect: 'manual' }).catch((cause: unknown) => {
    throw new DomainError('UNAVAILABLE', `${url.origin} does not respond`, { cause });
  });
  return { status: response.status, headers: response.headers, body: jsonIn(await response.text()) };
}

/** As `sendJson`. Throws UNAVAILABLE for any other status than 200 as well, and for a redirect. */
export async function getJson(address: string): Promise<unknown> {
  const { status, headers, body } = await sendJson(address, { headers: { accept: 'application/json' } });
  if (status === 200) return body;
  const location = headers.get('location');
  const target = location === null ? '' : ` and redirects to ${URL.parse(location, address)?.origin ?? location}`;
  throw new DomainError('UNAVAILABLE', `${address} responds with status ${status}${target}`);
}
