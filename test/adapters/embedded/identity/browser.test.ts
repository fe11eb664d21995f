import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ACME, type RealmServer, startRealmServer } from './realm-server.ts';

const EMAIL = 'jo@acme.example';
const PASSWORD = 'Correct-horse-7';
const VERIFIER = randomBytes(32).toString('base64url');
const CALLBACK = 'http://127.0.0.1/callback';
let server: RealmServer;

beforeAll(async () => {
  server = await startRealmServer();
  const user = { userName: EMAIL, email: EMAIL, role: 'TenantAdmin', tenantId: ACME, password: PASSWORD };
  await server.identity.createUser('pool', user);
});
afterAll(async () => server?.close());

/** The part of a browser that a sign-in needs: keeps cookies, and follows redirects one by one. */
class Browser {
  readonly #cookies = new Map<string, string>();
  readonly #headers: Record<string, string>;

  constructor(headers: Record<string, string> = {}) {
    this.#headers = headers;
  }

  async open(url: string, form?: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(new URL(url, server.url), {
      redirect: 'manual',
      headers: { ...this.#headers, ...headers, cookie },
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    return response;
  }

  /** Opens the sign-in form. */
  async start(change: Record<string, string | undefined> = {}): Promise<{ action: string; csrf: string }> {
    const response = await this.open(authorizationUrl(change));
    expect(response.status).toBe(303);
    const action = response.headers.get('location') ?? '';
    const csrf = /name="csrf" value="([^"]+)"/.exec(await (await this.open(action)).text())?.[1] ?? '';
    return { action, csrf };
  }

  /** @returns the code at the end of a sign-in */
  async signIn(): Promise<string> {
    const { action, csrf } = await this.start();
    let response = await this.open(action, { csrf, userName: EMAIL, password: PASSWORD });
    let location = response.headers.get('location') ?? '';
    while (!location.startsWith(CALLBACK)) {
      expect(location).not.toBe('');
      response = await this.open(location);
      location = response.headers.get('location') ?? '';
    }
    return new URL(location).searchParams.get('code') ?? '';
  }
}

function authorizationUrl(change: Record<string, string | undefined> = {}): string {
  const query = {
    client_id: 'tierplane-cli',
    redirect_uri: CALLBACK,
    response_type: 'code',
    scope: 'openid',
    resource: 'urn:tierplane:api',
    code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
    code_challenge_method: 'S256',
    ...change,
  };
  const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return `${server.issuer('pool')}/auth?${new URLSearchParams(given as [string, string][])}`;
}

async function token(form: Record<string, string>) {
  const body = new URLSearchParams({ client_id: 'tierplane-cli', ...form });
  const response = await fetch(`${server.issuer('pool')}/token`, { method: 'POST', body });
  return { status: response.status, body: (await response.json()) as Record<string, string> };
}

describe('a sign-in form', () => {
  const filled = { userName: EMAIL, password: PASSWORD };

  test('SE-6: is accepted only with its own token, from its own page, in the browser that requested it', async () => {
    const [browser, other] = [new Browser(), new Browser()];
    const { action, csrf } = await browser.start();
    const foreign = await other.start();
    expect((await browser.open(action, filled)).status).toBe(403);
    expect((await browser.open(action, { ...filled, csrf: foreign.csrf })).status).toBe(403);
    expect((await browser.open(action, { ...filled, csrf }, { origin: 'https://evil.example' })).status).toBe(403);
    expect((await browser.open(action, { ...filled, csrf }, { origin: 'null' })).status).toBe(403);
    expect((await new Browser().open(action, { ...filled, csrf })).status).toBe(400);
    expect((await other.open(action, { ...filled, csrf })).status).toBe(400);
    expect((await browser.open(action, { ...filled, csrf }, { origin: server.url })).status).toBe(303);
  });

  test('ID-1: the form of a forced password change needs the ticket of its own interaction', async () => {
    const email = 'new@acme.example';
    await server.identity.createUser('pool', { userName: email, email, role: 'TenantUser', tenantId: ACME });
    const password = await server.invitedPassword(email);
    const [browser, other] = [new Browser(), new Browser()];
    const { action, csrf } = await browser.start();
    const page = await (await browser.open(action, { csrf, userName: email, password })).text();
    const ticket = /name="ticket" value="([^"]+)"/.exec(page)?.[1] ?? '';
    const elsewhere = await other.start();
    const chosen = { newPassword: PASSWORD, repeated: PASSWORD };
    const stolen = await other.open(`${elsewhere.action}/password`, { ...chosen, csrf: elsewhere.csrf, ticket });
    expect(stolen.status).toBe(401);
    const forged = ticket.replace(/^[^.]+/, (await server.identity.user('pool', EMAIL))?.subject ?? '');
    expect((await browser.open(`${action}/password`, { ...chosen, csrf, ticket: forged })).status).toBe(401);
    expect((await browser.open(`${action}/password`, { ...chosen, csrf, ticket })).status).toBe(303);
    expect((await browser.open(`${action}/password`, { ...chosen, csrf, ticket })).status).toBe(401);
  });

  test('cannot be framed or cached, runs no script, and sets cookies that no script can read', async () => {
    const browser = new Browser();
    const { action } = await browser.start();
    const { headers } = await browser.open(action);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toMatch(
      /default-src 'none'.*base-uri 'none'; frame-ancestors 'none'/,
    );
    const cookies = (await fetch(authorizationUrl(), { redirect: 'manual' })).headers.getSetCookie();
    expect(cookies.length).toBeGreaterThan(0);
    for (const cookie of cookies) expect(cookie).toMatch(/path=\/realms\/pool\/.*; samesite=lax; httponly/);
  });
});

describe('an authorization request', () => {
  const places = [
    'https://evil.example/',
    'http://127.0.0.1@evil.example/callback',
    'http://127.0.0.1/callback/../x',
    'http://127.0.0.1/callback?to=evil',
    'http://localhost/callback',
    'https://127.0.0.1/callback',
    'javascript:alert(1)',
  ];
  test.each(places)('does not redirect to %s', async (redirect_uri) => {
    const response = await new Browser().open(authorizationUrl({ redirect_uri }));
    expect([response.status, response.headers.get('location')]).toEqual([400, null]);
  });

  test('a sign-out does not redirect to a foreign page either', async () => {
    const query = 'client_id=tierplane-cli&post_logout_redirect_uri=https://evil.example/';
    const response = await new Browser().open(`${server.issuer('pool')}/session/end?${query}`);
    expect([response.status, response.headers.get('location')]).toEqual([400, null]);
  });

  test.each([
    ['no challenge', { code_challenge: undefined, code_challenge_method: undefined }],
    ['a plain challenge', { code_challenge_method: 'plain' }],
    ['the implicit flow', { response_type: 'token' }],
    ['the hybrid flow', { response_type: 'code id_token', nonce: 'n' }],
    ['another API', { resource: 'https://evil.example' }],
  ])('with %s ends in an error, not in a form', async (_what, change) => {
    const response = await new Browser().open(authorizationUrl(change));
    const location = response.headers.get('location') ?? '';
    expect(location.startsWith(CALLBACK)).toBe(true);
    expect(location).toMatch(/[?#]error=/);
  });

  test('an error page does not repeat any of it as markup', async () => {
    const response = await new Browser().open(authorizationUrl({ client_id: '<script>alert(1)</script>' }));
    expect(response.status).toBe(400);
    expect(await response.text()).not.toContain('<script');
  });

  test.each(['x-forwarded-host', 'forwarded', 'x-forwarded-proto', 'x-original-host'])(
    'SE-1.2: the header %s does not change the URLs of a realm',
    async (name) => {
      const browser = new Browser({ [name]: name === 'x-forwarded-proto' ? 'ftp' : 'host=evil.example' });
      const issuer = server.issuer('pool');
      const discovery = await (await browser.open(`${issuer}/.well-known/openid-configuration`)).text();
      expect(JSON.parse(discovery)).toMatchObject({ issuer, token_endpoint: `${issuer}/token` });
      expect(discovery).not.toMatch(/evil|ftp:/);
      const account = await browser.open(`${issuer}/account`);
      expect(account.headers.get('location')).toMatch(new RegExp(`^${issuer}/auth`));
    },
  );
});

describe('a sign-out', () => {
  test('asks for confirmation, then ends the session and its refresh tokens', async () => {
    const browser = new Browser();
    const code = await browser.signIn();
    const exchange = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: VERIFIER };
    const first = await token(exchange);
    expect(first.status).toBe(200);

    const question = await browser.open(`${server.issuer('pool')}/session/end?client_id=tierplane-cli`);
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(await question.text())?.[1] ?? '';
    const again = await token({ grant_type: 'refresh_token', refresh_token: first.body.refresh_token ?? '' });
    expect(again.status).toBe(200);

    const confirm = `${server.issuer('pool')}/session/end/confirm`;
    for (const [from, forged] of [
      [browser, 'guessed'],
      [new Browser(), xsrf],
    ] as const) {
      const refused = await from.open(confirm, { xsrf: forged, logout: 'yes' }, { accept: 'text/html' });
      expect(refused.status).toBe(400);
      expect(await refused.text()).toContain('This page was too old, so nothing has changed.');
    }
    expect((await browser.open(confirm, { xsrf, logout: 'yes' })).status).toBe(303);
    const after = await token({ grant_type: 'refresh_token', refresh_token: again.body.refresh_token ?? '' });
    expect(after).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect((await browser.open(`${server.issuer('pool')}/account`)).status).toBe(303);
  });

  test('ID-1: an authorization code can be redeemed once, and only with its verifier', async () => {
    const code = await new Browser().signIn();
    const exchange = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK };
    expect((await token({ ...exchange, code_verifier: 'x'.repeat(43) })).body.error).toBe('invalid_grant');
    const second = await new Browser().signIn();
    const good = { ...exchange, code: second, code_verifier: VERIFIER };
    const tokens = await token(good);
    expect(tokens.status).toBe(200);
    expect((await token(good)).body.error).toBe('invalid_grant');
    const refreshed = await token({ grant_type: 'refresh_token', refresh_token: tokens.body.refresh_token ?? '' });
    expect(refreshed.body.error).toBe('invalid_grant');
  });
});
