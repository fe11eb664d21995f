/**
 * Loaded into the command line (`node --import`): sends requests for AWS's public names to the emulated account. All other
 * requests, such as those to this machine, stay as they are.
 */
import { requestPublic } from './public-address.ts';

const account = JSON.parse(process.env.REHEARSED_ACCOUNT ?? '{}') as {
  readonly endpoint: string;
  readonly port: number;
  /** The address of the user pool's managed login. */
  readonly domain: string;
};
const direct = globalThis.fetch;

globalThis.fetch = async (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input);
  if (!/\.(amazonaws|amazoncognito)\.com$/.test(url.hostname)) return direct(input, init);
  const response = await requestPublic(account, url.href, {
    method: (init?.method ?? 'GET') as 'GET',
    headers: {
      ...Object.fromEntries(new Headers(init?.headers)),
      ...(init?.body instanceof URLSearchParams && { 'content-type': 'application/x-www-form-urlencoded' }),
    },
    ...(init?.body != null && { body: String(init.body) }),
  });
  const headers = new Headers(
    Object.entries(response.headers).flatMap(([name, value]) => [value ?? []].flat().map((one) => [name, one])) as [
      string,
      string,
    ][],
  );
  return new Response(response.text === '' ? null : withPublicNames(url, response.text), {
    status: response.status,
    headers,
  });
};

/** The emulator's OpenID configuration names the host of the request; Cognito's names the domain of managed login. */
function withPublicNames({ pathname }: URL, text: string): string {
  if (!pathname.endsWith('/.well-known/openid-configuration')) return text;
  return text.replaceAll(/http:\/\/[^/"]+\/oauth2\//g, `${account.domain}/oauth2/`);
}
