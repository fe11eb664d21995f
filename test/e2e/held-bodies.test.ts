import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CLI_CLIENT } from '../../core/identity/issuers.ts';
import { type HeldRequest, holdRequest } from '../support/held-request.ts';
import { signIn } from '../support/sign-in-by-page.ts';
import { eventually, PASSWORD, request, type TenantRef, TestPlatform } from './harness.ts';

/** The requests of the test are not what the usage plan limits. */
const basic = { usagePlan: { rate: 1_000, burst: 1_000, quotaPerDay: 100_000 } };
const platform = new TestPlatform({ config: { tiers: { basic } } });
const PRODUCT = { name: 'Late', sku: 'LATE', category: 'late', price: { amount: 1, currency: 'EUR' } };
const LATE_USER = { email: 'late@acme.example', role: 'TenantAdmin' };

let acme: TenantRef & { readonly email: string };
let admin: string;

beforeAll(async () => {
  await platform.start();
  acme = await platform.onboard('Acme', 'basic');
  admin = await platform.tenantToken(acme.tenantName, acme.email);
}, 60_000);
afterAll(() => platform.dispose(), 60_000);

const usersUrl = () => `${platform.urls.publicUrl}/realms/pool/users`;

function hold(url: string, token: string, body: object, headers: Record<string, string> = {}): Promise<HeldRequest> {
  const options = { method: 'POST', headers: { authorization: `Bearer ${token}`, ...headers } };
  return holdRequest(url, { ...options, body: JSON.stringify(body) });
}

/** Requests of each kind: to identity, and to a service with a body that the gateway streams or reads first. */
function holdAll(token: string): Promise<HeldRequest[]> {
  const length = { 'content-length': String(JSON.stringify(PRODUCT).length) };
  return Promise.all([
    hold(usersUrl(), token, LATE_USER),
    hold(`${platform.urls.api}/users`, token, LATE_USER),
    hold(`${platform.urls.api}/products`, token, PRODUCT),
    hold(`${platform.urls.api}/products`, token, PRODUCT, length),
  ]);
}

async function finishAll(held: readonly HeldRequest[]): Promise<number[]> {
  return (await Promise.all(held.map((one) => one.finish()))).map(({ status }) => status);
}

/** Invites an administrator, who then signs in. */
async function newAdmin(email: string): Promise<string> {
  expect((await request('POST', usersUrl(), admin, { email, role: 'TenantAdmin' })).status).toBe(201);
  const url = `${platform.urls.publicUrl}/mailbox.json`;
  const password = await eventually(`the invitation of ${email}`, async () => {
    const { body } = await request<{ data: { to: string; text: string }[] }>('GET', url, await platform.adminToken());
    const mail = body.data.find(({ to }) => to === email);
    return /Temporary password: (\S+)/.exec(mail?.text ?? '')?.[1];
  });
  const issuer = `${platform.urls.publicUrl}/realms/pool`;
  const options = { issuer, clientId: CLI_CLIENT, userName: email, password, newPassword: PASSWORD };
  return (await signIn(options)).accessToken;
}

/** Rows of the pooled services and of identity that hold something late. */
function lateRows(): unknown[] {
  const files = [
    ...['products', 'orders', 'users'].map((name) => join('tenants', 'pool', `${name}.db`)),
    'platform.db',
  ];
  return files.flatMap((file) => {
    const db = new DatabaseSync(join(platform.dataDir, file), { readOnly: true });
    const rows = db.prepare("SELECT pk, sk FROM items WHERE data LIKE '%late%' OR sk LIKE '%late%'").all();
    db.close();
    return rows;
  });
}

describe('ID-4: a request whose caller loses the right while its body is on its way', () => {
  test.each([
    ['demoted', 'PATCH', { role: 'TenantUser' }, [403, 403]],
    ['disabled', 'PATCH', { enabled: false }, [401, 401, 401, 401]],
    ['deleted', 'DELETE', undefined, [401, 401, 401, 401]],
  ])(
    'has no effect when the caller is %s',
    async (loss, method, change, statuses) => {
      const email = `${loss}@acme.example`;
      const held = await holdAll(await newAdmin(email));
      const url = `${usersUrl()}/${encodeURIComponent(email)}`;
      expect((await request(method, url, admin, change)).status).toBeLessThan(300);
      // A demoted user may still create products.
      const concerned = held.slice(0, statuses.length);
      expect(await finishAll(concerned)).toEqual(statuses);
      expect(lateRows()).toEqual([]);
    },
    60_000,
  );

  test('has no effect on the control plane when the credential is deleted', async () => {
    const made = await platform.admin<{ data: { clientId: string; clientSecret: string } }>('POST', '/credentials', {
      name: 'soon gone',
    });
    const { clientId, clientSecret } = made.body.data;
    const response = await fetch(`${platform.urls.publicUrl}/realms/admin/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    });
    const { access_token: token } = (await response.json()) as { access_token: string };
    const registration = {
      tenantData: { tenantName: 'Late', email: 'admin@late.example', tier: 'basic' },
      tenantRegistrationData: {},
    };
    const held = await hold(`${platform.urls.controlPlane}/tenant-registrations`, token, registration);
    expect((await platform.admin('DELETE', `/credentials/${clientId}`)).status).toBe(200);
    expect(await finishAll([held])).toEqual([401]);
    expect(lateRows()).toEqual([]);
  });
});

test('ON-6: a request whose tenant is deleted while its body is on its way leaves no user and no row', async () => {
  const held = await holdAll(admin);
  await platform.admin('DELETE', `/tenant-registrations/${acme.tenantRegistrationId}`);
  await eventually('the tenant is deleted', async () => (await platform.tenant(acme.tenantId)).state === 'deleted');
  for (const status of await finishAll(held)) expect([401, 403, 404, 409]).toContain(status);
  expect(lateRows()).toEqual([]);
  // The email is free again.
  const again = await platform.admin('POST', '/tenant-registrations', {
    tenantData: { tenantName: 'Second', email: LATE_USER.email, tier: 'basic' },
    tenantRegistrationData: {},
  });
  expect(again.status).toBe(201);
}, 60_000);
