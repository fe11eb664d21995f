import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { createBrowser, type Page } from '../../../support/sign-in-by-page.ts';
import { ACME, type RealmServer, startRealmServer } from './realm-server.ts';

const PASSWORD = 'Correct-horse-7';
const USER = 'jo@acme.example';
const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const POLL_MS = 5_000;

interface Device {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete: string;
  readonly expires_in: number;
}

interface TokenResponse {
  readonly status: number;
  readonly body: { error?: string; access_token?: string; refresh_token?: string; scope?: string };
}

let server: RealmServer;
beforeEach(async () => {
  server = await startRealmServer();
  const user = { userName: USER, email: USER, role: 'TenantUser', tenantId: ACME, password: PASSWORD };
  await server.identity.createUser('pool', user);
});
afterEach(async () => server.close());

async function post(path: string, fields: Record<string, string>): Promise<TokenResponse> {
  const response = await fetch(`${server.issuer('pool')}${path}`, {
    method: 'POST',
    headers: { accept: 'application/json' },
    body: new URLSearchParams({ client_id: 'tierplane-cli', ...fields }),
  });
  return { status: response.status, body: (await response.json()) as TokenResponse['body'] };
}

async function requestCode(scope = 'openid'): Promise<Device> {
  return (await post('/device/auth', { scope })).body as unknown as Device;
}

function poll({ device_code }: Device): Promise<TokenResponse> {
  return post('/token', { grant_type: GRANT, device_code });
}

async function pollLater(device: Device): Promise<TokenResponse> {
  server.advance(POLL_MS);
  return poll(device);
}

function browser() {
  const opened = createBrowser('http://nowhere.invalid/', fetch);
  const submit = async (page: Page, values: Record<string, string>) => (await opened.submit(page, values)) as Page;
  return {
    submit,
    open: async (url: string) => (await opened.open(url)) as Page,
    async enter(code: string): Promise<Page> {
      return submit((await opened.open(`${server.issuer('pool')}/device`)) as Page, { user_code: code });
    },
    /** Enters the code, confirms it and signs in. */
    async allow(code: string): Promise<Page> {
      const next = await submit(await this.enter(code), { confirm: 'yes' });
      return next.name === 'sign-in' ? submit(next, { userName: USER, password: PASSWORD }) : next;
    },
  };
}

describe('the device authorization grant', () => {
  test('DX-9: gives tokens to the command line once its user has confirmed the code and signed in', async () => {
    const device = await requestCode();
    expect(device).toMatchObject({
      user_code: expect.stringMatching(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/),
      verification_uri: `${server.issuer('pool')}/device`,
      expires_in: 600,
    });
    expect(await poll(device)).toMatchObject({ status: 400, body: { error: 'authorization_pending' } });

    const user = browser();
    const confirm = await user.enter(device.user_code.toLowerCase().replace('-', ' '));
    expect([confirm.name, confirm.status]).toEqual(['device-confirm', 200]);
    const signIn = await user.submit(confirm, { confirm: 'yes' });
    expect(signIn.name).toBe('sign-in');
    expect(await pollLater(device)).toMatchObject({ status: 400, body: { error: 'authorization_pending' } });
    const allowed = await user.submit(signIn, { userName: USER, password: PASSWORD });
    expect([allowed.name, allowed.status]).toEqual(['device-allowed', 200]);

    const { status, body } = await pollLater(device);
    expect(status).toBe(200);
    expect(decodeJwt(body.access_token ?? '')).toMatchObject({
      iss: server.issuer('pool'),
      aud: 'urn:tierplane:api',
      client_id: 'tierplane-cli',
      token_use: 'access',
      tenantId: ACME,
      role: 'TenantUser',
      scope: 'openid',
    });
    await expect(server.realms.authorize(`Bearer ${body.access_token}`)).resolves.toMatchObject({ tenantId: ACME });
  });

  test('grants no more than a sign-in does: no scope of another realm, no tokens for a tenant that is not active', async () => {
    const device = await requestCode('openid tenant/tenant_write');
    await browser().allow(device.user_code);
    expect((await pollLater(device)).body.scope).toBe('openid');

    const second = await requestCode();
    await browser().allow(second.user_code);
    server.changeTenant(ACME, { active: false });
    expect((await pollLater(second)).status).toBe(400);
  });

  test('refuses polls that come too early with slow_down, and lengthens the interval', async () => {
    const device = await requestCode();
    expect((await poll(device)).body.error).toBe('authorization_pending');
    expect((await poll(device)).body.error).toBe('slow_down');
    expect((await pollLater(device)).body.error).toBe('slow_down');
    server.advance(3 * POLL_MS);
    expect((await poll(device)).body.error).toBe('authorization_pending');
  });

  test('refuses a code that has expired, on the page and at the token endpoint', async () => {
    const device = await requestCode();
    // oidc-provider reads the system clock. The store removes expired records by the clock of the test.
    server.advance(601_000);
    const page = await browser().enter(device.user_code);
    expect([page.name, page.status]).toEqual(['device-code', 400]);
    expect(page.alert).toMatch(/not valid|expired/);
    expect((await poll(device)).body.error).toMatch(/^(expired_token|invalid_grant)$/);
  });

  test('reports to the command line that its user denied access', async () => {
    const device = await requestCode();
    const user = browser();
    const denied = await user.submit(await user.enter(device.user_code), { abort: 'yes' });
    expect([denied.name, denied.status]).toEqual(['device-denied', 200]);
    expect((await poll(device)).body.error).toBe('access_denied');
  });

  test('accepts a code once, and gives its tokens once', async () => {
    const device = await requestCode();
    await browser().allow(device.user_code);
    expect((await browser().enter(device.user_code)).alert).toMatch(/used already/);
    expect((await pollLater(device)).status).toBe(200);
    expect(await pollLater(device)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  test('refuses a form without its token, or with the token of another browser', async () => {
    const device = await requestCode();
    const [own, other] = [browser(), browser()];
    const page = await own.open(`${server.issuer('pool')}/device`);
    const foreign = await other.open(`${server.issuer('pool')}/device`);
    for (const xsrf of ['', foreign.fields.xsrf ?? '']) {
      const refused = await own.submit({ ...page, fields: { xsrf } }, { user_code: device.user_code, confirm: 'yes' });
      expect([refused.name, refused.status]).toEqual(['device-code', 400]);
    }
    expect((await poll(device)).body.error).toBe('authorization_pending');
  });

  test('limits wrong codes by address, and does not count right ones', async () => {
    const user = browser();
    for (let i = 0; i < 6; i++) {
      const device = await requestCode();
      expect((await user.allow(device.user_code)).name).toBe('device-allowed');
    }
    for (let i = 0; i < 10; i++) expect((await user.enter('BBBB-BBBB')).alert).toMatch(/not valid/);
    const device = await requestCode();
    expect((await user.enter(device.user_code)).status).toBe(429);
    server.advance(5 * 60_000);
    expect((await user.enter('BBBB-BBBB')).status).toBe(400);
  });

  test('fills in the code of the complete address, and still requires confirmation', async () => {
    const device = await requestCode();
    const response = await fetch(device.verification_uri_complete);
    const text = await response.text();
    expect(text).toContain('data-page="device-code"');
    expect(text).toContain(`value="${device.user_code}"`);
    expect(text).not.toContain('<script');
    const hostile = await fetch(`${device.verification_uri}?user_code=${encodeURIComponent('"><b>')}`);
    expect(await hostile.text()).not.toContain('<b>');
  });

  test('ID-7: leaves other devices signed in when one signs out, and ends all when the user is disabled', async () => {
    const user = browser();
    const tokens: string[] = [];
    for (let i = 0; i < 2; i++) {
      const device = await requestCode();
      await user.allow(device.user_code);
      tokens.push((await pollLater(device)).body.refresh_token ?? '');
    }
    const [first = '', second = ''] = tokens;
    const revoked = await fetch(`${server.issuer('pool')}/token/revocation`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: 'tierplane-cli', token: first }),
    });
    expect(revoked.status).toBe(200);
    const renew = (refresh_token: string) => post('/token', { grant_type: 'refresh_token', refresh_token });
    expect((await renew(first)).body.error).toBe('invalid_grant');
    const { body } = await renew(second);
    expect(body.refresh_token).not.toBe(second);
    await server.identity.setUserEnabled('pool', USER, false);
    expect((await renew(body.refresh_token ?? '')).body.error).toBe('invalid_grant');
  });

  test('SE-1.10: logs no code and no token', async () => {
    const device = await requestCode();
    await browser().allow(device.user_code);
    const { body } = await pollLater(device);
    const logged = server.logged.join('\n');
    for (const secret of [device.user_code, device.device_code, body.access_token, body.refresh_token]) {
      expect(logged).not.toContain(secret);
    }
  });
});

describe('the sign-in form as JSON', () => {
  async function start(accept: string, clientId = 'tierplane-cli'): Promise<{ url: string; cookie: string }> {
    const query = new URLSearchParams({
      ...{ client_id: clientId, redirect_uri: 'http://127.0.0.1/callback', response_type: 'code', scope: 'openid' },
      ...{ code_challenge: 'a'.repeat(43), code_challenge_method: 'S256' },
    });
    const response = await fetch(`${server.issuer('pool')}/auth?${query}`, { redirect: 'manual', headers: { accept } });
    const cookie = response.headers.getSetCookie().map((one) => one.split(';')[0]);
    return { url: new URL(response.headers.get('location') ?? '', server.url).href, cookie: cookie.join('; ') };
  }

  test('is offered to clients that ask for it, with the limits and the messages of the page', async () => {
    const { url, cookie } = await start('application/json');
    const headers = { accept: 'application/json', 'content-type': 'application/json', cookie };
    const form = await fetch(url, { headers });
    const { page, csrf } = (await form.json()) as { page: string; csrf: string };
    expect(page).toBe('sign-in');
    const send = (fields: object, more: Record<string, string> = {}) =>
      fetch(url, {
        method: 'POST',
        redirect: 'manual',
        headers: { ...headers, ...more },
        body: JSON.stringify(fields),
      });
    const guess = { csrf, userName: USER, password: 'wrong' };
    for (let i = 0; i < 8; i++) expect((await send(guess)).status).toBe(401);
    const limited = await send({ ...guess, password: PASSWORD });
    expect(limited.status).toBe(429);
    expect(await limited.json()).toMatchObject({ page: 'sign-in', message: expect.stringContaining('Too many') });
    server.advance(5 * 60_000);
    expect((await send({ ...guess, csrf: 'x', password: PASSWORD })).status).toBe(403);
    expect((await send({ ...guess, password: PASSWORD }, { origin: 'https://evil.example' })).status).toBe(403);
    expect((await send({ ...guess, password: PASSWORD })).status).toBe(303);
  });

  test('does not change a temporary password', async () => {
    const email = 'new@acme.example';
    await server.identity.createUser('pool', { userName: email, email, role: 'TenantUser', tenantId: ACME });
    const password = await server.invitedPassword(email);
    const { url, cookie } = await start('application/json');
    const headers = { accept: 'application/json', 'content-type': 'application/json', cookie };
    const { csrf } = (await (await fetch(url, { headers })).json()) as { csrf: string };
    const body = JSON.stringify({ csrf, userName: email, password });
    const response = await fetch(url, { method: 'POST', redirect: 'manual', headers, body });
    expect([response.status, await response.json()]).toEqual([
      403,
      { page: 'change-password', message: expect.stringContaining('with a browser') },
    ]);
  });
});
