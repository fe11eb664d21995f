import { type Dispatcher, request } from 'undici';
import type { EmulatedAccount } from './emulated-account.ts';

export interface PublicResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/**
 * Sends a request to an address that is public on AWS, such as an API or a user pool's sign-in page. The emulated account
 * serves it and recognizes it by the Host header. Redirects are not followed.
 */
export async function requestPublic(
  { endpoint, port }: Pick<EmulatedAccount, 'endpoint' | 'port'>,
  address: string,
  options: {
    readonly method?: Dispatcher.HttpMethod;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string | Uint8Array;
  } = {},
): Promise<PublicResponse> {
  const { protocol, hostname, pathname, search } = new URL(address);
  const api = /^(\w+)\.execute-api\./.exec(hostname)?.[1];
  const host = api === undefined ? hostname : `${api}.execute-api.localhost`;
  const response = await request(`${endpoint}${pathname}${search}`, {
    method: options.method ?? 'GET',
    headers: { ...options.headers, ...viewerProtocol(protocol, hostname), host: `${host}:${port}` },
    ...(options.body !== undefined && { body: options.body }),
  });
  return { status: response.statusCode, headers: response.headers, text: await response.body.text() };
}

/** The emulated account speaks HTTP only. Its CloudFront redirects to HTTPS unless this header names the viewer's protocol. */
function viewerProtocol(protocol: string, hostname: string): Readonly<Record<string, string>> {
  return hostname.endsWith('.cloudfront.net') ? { 'x-forwarded-proto': protocol.slice(0, -1) } : {};
}
