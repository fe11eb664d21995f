import { type Dispatcher, request } from 'undici';
import type { EmulatedAccount } from './emulated-account.ts';

export interface PublicAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/**
 * Asks for what in AWS has a public name, such as an API or a pool's sign-in page: the emulated account serves it itself
 * and knows it by its Host header. Redirects are not followed.
 */
export async function askPublic(
  { endpoint, port }: EmulatedAccount,
  address: string,
  options: {
    readonly method?: Dispatcher.HttpMethod;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string | Uint8Array;
  } = {},
): Promise<PublicAnswer> {
  const { hostname, pathname, search } = new URL(address);
  const api = /^(\w+)\.execute-api\./.exec(hostname)?.[1];
  const host = api === undefined ? hostname : `${api}.execute-api.localhost`;
  const answer = await request(`${endpoint}${pathname}${search}`, {
    method: options.method ?? 'GET',
    headers: { ...options.headers, host: `${host}:${port}` },
    ...(options.body !== undefined && { body: options.body }),
  });
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
}
