import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { signIn } from '../support/sign-in-by-page.ts';
import { request, TestPlatform } from './harness.ts';

const ORIGIN = 'http://localhost:4200';
const CALLBACK = `${ORIGIN}/dashboard`;
/** The scopes that SBT's own admin page requests. */
const SBT_SCOPE = 'openid profile email tenant/tenant_read tenant/tenant_write user/user_read user/user_write';
const platform = new TestPlatform({
  config: { corsOrigins: [ORIGIN], adminClients: [{ clientId: 'sbt-admin', redirectUris: [CALLBACK] }] },
});
beforeAll(async () => {
  await platform.start();
}, 60_000);
afterAll(() => platform.dispose(), 30_000);

function signInAt(redirectUri: string, clientId = 'sbt-admin') {
  const { email, password } = platform.ready.admin;
  const issuer = `${platform.urls.publicUrl}/realms/admin`;
  // Browsers send the origin of the page with its requests.
  const fromPage: typeof fetch = (url, init = {}) => {
    const headers = new Headers(init.headers);
    if (String(url).endsWith('/token')) headers.set('origin', ORIGIN);
    return fetch(url, { ...init, headers });
  };
  const user = { userName: email, password: password ?? '' };
  return signIn({ issuer, clientId, redirectUri, scope: SBT_SCOPE, fetch: fromPage, ...user });
}

describe('ON-1: an admin page made for SBT and named in config.json', () => {
  test("signs in by code and PKCE with SBT's scopes, and calls the control plane from its own origin", async () => {
    const { accessToken } = await signInAt(CALLBACK);
    const call = (method: string, path: string, body?: object) =>
      request<{ data: { tenantRegistrationId: string } }>(
        method,
        `${platform.urls.controlPlane}${path}`,
        accessToken,
        body,
        { origin: ORIGIN },
      );
    const made = await call('POST', '/tenant-registrations', {
      tenantId: 'ignored',
      tenantData: { tenantName: 'Paged', email: 'a@paged.example', tier: 'BASIC', prices: [] },
      tenantRegistrationData: { registrationStatus: 'In progress' },
    });
    const removed = await call('DELETE', `/tenant-registrations/${made.body.data.tenantRegistrationId}`, { any: 1 });
    const responses = [made, removed, await call('GET', '/tenant-registrations'), await call('GET', '/users')];
    expect(responses.map(({ status }) => status)).toEqual([201, 200, 200, 200]);
    for (const { headers } of responses) expect(headers.get('access-control-allow-origin')).toBe(ORIGIN);
  });

  test('may call from its own origin only, also to read a refusal', async () => {
    const url = `${platform.urls.controlPlane}/tenants`;
    const preflight = (origin: string) =>
      fetch(url, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } });
    const [own, foreign] = await Promise.all([preflight(ORIGIN), preflight('http://localhost:4201')]);
    expect([own.status, own.headers.get('access-control-allow-origin')]).toEqual([204, ORIGIN]);
    expect(own.headers.get('access-control-allow-headers')).toContain('authorization');
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
    const refused = await request('GET', url, 'no token', undefined, { origin: ORIGIN });
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, ORIGIN]);
  });

  test.each([
    ['at another address', 'http://localhost:4201/dashboard', 'sbt-admin'],
    ['as another client', CALLBACK, 'sbt-other'],
  ])('cannot sign in %s', async (_what, redirectUri, clientId) => {
    await expect(signInAt(redirectUri, clientId)).rejects.toThrow();
  });
});
