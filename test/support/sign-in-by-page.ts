import { createHash, randomBytes } from 'node:crypto';
import { DomainError } from '../../core/errors.ts';

export interface SignInOptions {
  readonly issuer: string;
  readonly clientId: string;
  readonly userName: string;
  readonly password: string;
  /** Set where `password` is a temporary one. @default - a forced change ends in FORBIDDEN */
  readonly newPassword?: string;
  /** @default 'openid' */
  readonly scope?: string;
  /** The API the token is for. @default - the realm's only one */
  readonly resource?: string;
  /** A redirect URI of the client. @default 'http://127.0.0.1/callback' (the command line's) */
  readonly redirectUri?: string;
  /** @default - the global one */
  readonly fetch?: typeof fetch;
}

export interface Tokens {
  readonly accessToken: string;
  readonly idToken: string;
  readonly refreshToken?: string;
  /** Of the access token, in seconds. */
  readonly expiresIn: number;
}

interface Discovery {
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
}

/** The parts of a realm's page that tests use. */
export interface Page {
  readonly status: number;
  readonly url: string;
  /** `data-page` of web/pages. */
  readonly name: string | undefined;
  readonly heading: string | undefined;
  readonly alert: string | undefined;
  readonly action: string;
  /** Hidden fields. */
  readonly fields: Record<string, string>;
}

const MAX_REDIRECTS = 10;

/**
 * A test tool: signs in as a browser does, by the realm's pages, with code and PKCE.
 * Throws UNAUTHENTICATED for a wrong password, FORBIDDEN for a disabled user or a password that must be changed first,
 * TOO_MANY after too many tries, INVALID for a weak new password, UNAVAILABLE if the realm does not respond.
 */
export async function signIn(options: SignInOptions): Promise<Tokens> {
  const { issuer, userName, password, newPassword } = options;
  const browser = createBrowser(options.redirectUri ?? 'http://127.0.0.1/callback', options.fetch ?? fetch);
  const discovery = await browser.json<Discovery>(`${issuer}/.well-known/openid-configuration`);
  const verifier = randomBytes(32).toString('base64url');
  const state = randomBytes(16).toString('base64url');

  let at = await browser.open(authorizationUrl(discovery.authorization_endpoint, options, verifier, state));
  if (isPage(at, 'sign-in')) at = await browser.submit(at, { userName, password });
  if (isPage(at, 'sign-in')) throw refusal(at);
  if (isPage(at, 'change-password')) {
    if (newPassword === undefined)
      throw new DomainError('FORBIDDEN', 'the temporary password must be changed; give a new password, too');
    at = await browser.submit(at, { newPassword, repeated: newPassword });
    if (isPage(at, 'change-password')) throw new DomainError('INVALID', at.alert ?? 'the new password is too weak');
  }
  if (!(at instanceof URL)) throw new DomainError('UNAVAILABLE', `the realm responded with status ${at.status}`);
  if (at.searchParams.get('state') !== state)
    throw new DomainError('UNAUTHENTICATED', 'the response does not belong to the request');
  const code = at.searchParams.get('code');
  if (!code) throw new DomainError('FORBIDDEN', `sign-in refused: ${at.searchParams.get('error') ?? 'no code given'}`);
  return browser.tokens(discovery.token_endpoint, {
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: browser.redirectUri,
    client_id: options.clientId,
  });
}

/** Exchanges a refresh token, once, for new tokens. Throws UNAUTHENTICATED if it is no longer valid. */
export async function refresh(options: {
  readonly issuer: string;
  readonly clientId: string;
  readonly refreshToken: string;
  readonly fetch?: typeof fetch;
}): Promise<Tokens> {
  const browser = createBrowser('', options.fetch ?? fetch);
  const discovery = await browser.json<Discovery>(`${options.issuer}/.well-known/openid-configuration`);
  return browser.tokens(discovery.token_endpoint, {
    grant_type: 'refresh_token',
    refresh_token: options.refreshToken,
    client_id: options.clientId,
  });
}

function authorizationUrl(endpoint: string, options: SignInOptions, verifier: string, state: string): string {
  const query = new URLSearchParams({
    client_id: options.clientId,
    redirect_uri: options.redirectUri ?? 'http://127.0.0.1/callback',
    response_type: 'code',
    scope: options.scope ?? 'openid',
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    login_hint: options.userName,
    ...(options.resource !== undefined && { resource: options.resource }),
  });
  return `${endpoint}?${query}`;
}

function refusal({ status, alert }: Page): DomainError {
  const code = status === 429 ? 'TOO_MANY' : status === 403 ? 'FORBIDDEN' : 'UNAUTHENTICATED';
  return new DomainError(code, alert ?? `sign-in refused with status ${status}`);
}

function isPage<N extends string>(at: Page | URL, name: N): at is Page & { readonly name: N } {
  return !(at instanceof URL) && at.name === name;
}

/** The parts of a browser that a sign-in needs: cookies by path, redirects, forms. It stops at `redirectUri`. */
export function createBrowser(redirectUri: string, send: typeof fetch) {
  const cookies = new Map<string, { readonly path: string; readonly value: string }>();

  async function request(url: string, init: RequestInit): Promise<Response> {
    const { pathname } = new URL(url);
    const cookie = [...cookies]
      .filter(([, { path }]) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`))
      .map(([key, { value }]) => `${key.split(' ')[0]}=${value}`)
      .join('; ');
    const headers = { ...init.headers, ...(cookie && { cookie }) };
    const response = await send(url, { ...init, headers, redirect: 'manual' }).catch((cause: unknown) => {
      throw new DomainError('UNAVAILABLE', `${new URL(url).origin} does not respond`, { cause });
    });
    response.headers.getSetCookie().forEach(keep);
    return response;
  }

  function keep(header: string): void {
    const [pair = '', ...attributes] = header.split(/;\s*/);
    const [name = '', value = ''] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
    const path = attributes.find((one) => /^path=/i.test(one))?.slice('path='.length) ?? '/';
    const key = `${name} ${path}`;
    if (value === '') cookies.delete(key);
    else cookies.set(key, { path, value });
  }

  async function follow(url: string, response: Response): Promise<Page | URL> {
    let [at, current] = [url, response];
    for (let hops = 0; current.status >= 300 && current.status < 400; hops++) {
      await current.body?.cancel();
      const next = new URL(current.headers.get('location') ?? '', at);
      if (next.href.startsWith(`${redirectUri}?`)) return next;
      if (hops === MAX_REDIRECTS) throw new DomainError('UNAVAILABLE', 'the realm redirects in a loop');
      at = next.href;
      current = await request(at, {});
    }
    return readPage(at, current.status, await current.text());
  }

  return {
    redirectUri,
    async open(url: string): Promise<Page | URL> {
      return follow(url, await request(url, {}));
    },
    async submit(page: Page, values: Record<string, string>): Promise<Page | URL> {
      const url = new URL(page.action, page.url).href;
      const body = new URLSearchParams({ ...page.fields, ...values });
      return follow(url, await request(url, { method: 'POST', body }));
    },
    async json<T>(url: string): Promise<T> {
      const response = await request(url, {});
      if (response.ok) return (await response.json()) as T;
      await response.body?.cancel();
      const code = response.status === 404 ? 'NOT_FOUND' : 'UNAVAILABLE';
      throw new DomainError(code, `the realm responded with status ${response.status}`);
    },
    async tokens(endpoint: string, parameters: Record<string, string>): Promise<Tokens> {
      const response = await request(endpoint, { method: 'POST', body: new URLSearchParams(parameters) });
      const body = (await response.json()) as Record<string, unknown>;
      if (!response.ok) throw new DomainError('UNAUTHENTICATED', `no token was given: ${String(body.error)}`);
      return {
        accessToken: String(body.access_token),
        idToken: String(body.id_token),
        ...(typeof body.refresh_token === 'string' && { refreshToken: body.refresh_token }),
        expiresIn: Number(body.expires_in),
      };
    },
  };
}

function readPage(url: string, status: number, text: string): Page {
  const fields = [...text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
  return {
    status,
    url,
    name: /data-page="([^"]+)"/.exec(text)?.[1],
    heading: plain(/<h1>([\s\S]*?)<\/h1>/.exec(text)?.[1]),
    alert: plain(/role="alert">([\s\S]*?)<\/div>/.exec(text)?.[1]),
    action: unescaped(/<form method="post" action="([^"]*)"/.exec(text)?.[1] ?? ''),
    fields: Object.fromEntries(fields.map(([, name = '', value = '']) => [name, unescaped(value)])),
  };
}

function plain(markup: string | undefined): string | undefined {
  return (
    markup &&
    unescaped(markup.replace(/<[^>]*>/g, ' '))
      .replace(/\s+/g, ' ')
      .trim()
  );
}

function unescaped(text: string): string {
  const characters: Record<string, string> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' };
  return text.replace(/&(lt|gt|quot|#39|amp);/g, (_, name: string) => characters[name] ?? '');
}
