import { readdirSync, readFileSync, statSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ServiceStatus } from '../../core/ports/runtime.ts';
import { signIn } from '../support/sign-in-by-page.ts';
import { eventually, PASSWORD, request, type TenantRef, TestPlatform } from './harness.ts';

const platform = new TestPlatform();
let victim: TenantRef & { email: string };
let silo: TenantRef & { email: string };
let token: string;

beforeAll(async () => {
  await platform.start();
  victim = await platform.onboard('Victim', 'basic');
  silo = await platform.onboard('Silo', 'advanced');
  token = await platform.tenantToken('Victim', victim.email);
}, 60_000);
afterAll(() => platform.dispose(), 60_000);

/** The current rows of a table of the platform. */
function stored<T>(pk: string): T[] {
  const db = new DatabaseSync(join(platform.dataDir, 'platform.db'), { readOnly: true });
  try {
    const rows = db.prepare('SELECT data FROM items WHERE pk GLOB ?').all(pk) as { data: string }[];
    return rows.map(({ data }) => JSON.parse(data) as T);
  } finally {
    db.close();
  }
}

/** A request with headers that fetch does not allow to set. */
function send(path: string, headers: Record<string, string>, body?: Buffer): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(platform.urls.publicUrl);
    const method = body === undefined ? 'GET' : 'POST';
    const sending = httpRequest({ hostname, port, path, method, headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sending.on('error', reject);
    for (let at = 0; body && at < body.length; at += 65_536) sending.write(body.subarray(at, at + 65_536));
    sending.end();
  });
}

describe('identity', () => {
  test("SE-1.16: a tenant's own API key identifies no one, alone or beside another tenant's token", async () => {
    const [route] = stored<{ apiKey: string }>(`route#${victim.tenantId}`);
    const key = route?.apiKey ?? '';
    expect(key).toMatch(/.{16}/);
    const places: Record<string, string>[] = [
      { 'x-api-key': key },
      { authorization: key },
      { authorization: `Bearer ${key}` },
      { cookie: `key=${key}` },
    ];
    for (const headers of places) {
      expect((await send('/api/products', headers)).status).toBe(401);
      expect((await send(`/api/products?api_key=${key}`, headers)).status).toBe(401);
    }
    const other = await platform.tenantToken('Silo', silo.email);
    await platform.api('POST', '/products', token, {
      name: 'Mine',
      sku: 'M-1',
      category: 'c',
      price: { amount: 1, currency: 'EUR' },
    });
    const response = await send('/api/products', { authorization: `Bearer ${other}`, 'x-api-key': key });
    expect(response).toEqual({ status: 200, text: '{"data":[]}' });
  });

  test('ID-4: a disabled user loses access at once: at the gateway, the users API, refresh and a new sign-in', async () => {
    const email = 'leaver@victim.example';
    expect((await platform.api('POST', '/users', token, { email, role: 'TenantAdmin' })).status).toBe(201);
    const mails = await request<{ data: { to: string; text: string }[] }>(
      'GET',
      `${platform.urls.publicUrl}/mailbox.json`,
      await platform.adminToken(),
    );
    const invitation = mails.body.data.find(({ to }) => to === email)?.text ?? '';
    const password = /Temporary password: (\S+)/.exec(invitation)?.[1] ?? '';
    const issuer = `${platform.urls.publicUrl}/realms/pool`;
    const who = { issuer, clientId: 'tierplane-cli', userName: email };
    const tokens = await signIn({ ...who, password, newPassword: PASSWORD });
    expect((await platform.api('GET', '/users', tokens.accessToken)).status).toBe(200);
    expect((await platform.api('PATCH', `/users/${email}`, token, { enabled: false })).status).toBe(200);

    expect((await platform.api('GET', '/products', tokens.accessToken)).status).toBe(401);
    expect((await request('GET', `${issuer}/users`, tokens.accessToken)).status).toBe(401);
    expect((await request('GET', `${issuer}/me`, tokens.accessToken)).status).toBe(401);
    const refreshed = await fetch(`${issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: 'tierplane-cli',
        refresh_token: tokens.refreshToken ?? '',
      }),
    });
    expect([refreshed.status, await refreshed.json()]).toEqual([
      400,
      expect.objectContaining({ error: 'invalid_grant' }),
    ]);
    await expect(signIn({ ...who, password: PASSWORD })).rejects.toThrow(/disabled/);
  });

  test('ON-4: the token of a deleted tenant stays invalid when another tenant takes its name', async () => {
    const first = await platform.onboard('Phoenix', 'basic');
    const old = await platform.tenantToken('Phoenix', first.email);
    expect((await platform.api('GET', '/products', old)).status).toBe(200);
    await platform.cliJson('tenants', 'delete', 'Phoenix', '--yes', '--wait');
    expect((await platform.api('GET', '/products', old)).status).toBe(401);
    const second = await platform.onboard('Phoenix', 'basic');
    expect(second.tenantId).not.toBe(first.tenantId);
    expect((await platform.api('GET', '/products', old)).status).toBe(401);
  }, 30_000);

  test('a probe can use up the usage plan and do nothing else', async () => {
    const path = `/operator/tenants/${victim.tenantId}/probe`;
    const made = await platform.admin<{ data: { userName: string; password: string } }>('POST', path);
    const { userName, password } = made.body.data;
    const issuer = `${platform.urls.publicUrl}/realms/pool`;
    const { accessToken } = await signIn({ issuer, clientId: 'tierplane-cli', userName, password });
    for (const url of ['/products', '/orders', '/users']) {
      expect((await platform.api('GET', url, accessToken)).status).toBe(403);
      expect((await platform.api('POST', url, accessToken, {})).status).toBe(403);
    }
    expect((await request('GET', `${issuer}/users`, accessToken)).status).toBe(403);
    expect((await request('GET', `${platform.urls.controlPlane}/tenants`, accessToken)).status).toBe(401);
    await platform.admin('DELETE', path);
    expect((await platform.api('GET', '/products', accessToken)).status).toBe(401);
  });
});

describe('secrets', () => {
  /** Everything under the data directory that another user could read or enter, with its mode. */
  function open(folder: string, into: string[] = []): string[] {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isSymbolicLink()) continue;
      const others = statSync(path).mode & 0o077;
      // Tasks must pass through directories whose names they know; listing them is what must be impossible.
      if (entry.isDirectory() ? (others & 0o066) !== 0 : others !== 0) into.push(path.slice(platform.dataDir.length));
      if (entry.isDirectory()) open(path, into);
    }
    return into;
  }

  test('SE-1.10: only the owner can read the files, except the program code that tasks run', async () => {
    await platform.api('GET', '/products', token);
    const mine = open(platform.dataDir).filter((path) => !path.startsWith('/cache'));
    expect(mine).toEqual([]);
    expect(statSync(join(platform.dataDir, 'gateway.db')).mode & 0o777).toBe(0o600);
  });

  test('SE-1.10: no process shows a secret in its arguments or its environment', async () => {
    const [keys] = stored<Record<string, string>>('identity');
    const realms = stored<{ keys?: { d: string }[] }>('realm#*').flatMap((realm) => realm.keys ?? []);
    const secrets = [
      PASSWORD,
      token,
      platform.ready.admin.password ?? '',
      ...stored<{ apiKey: string }>('route#*').map(({ apiKey }) => apiKey),
      ...Object.values(keys ?? {}),
      ...realms.map(({ d }) => d),
    ];
    expect(secrets.length).toBeGreaterThanOrEqual(10);
    for (const secret of secrets) expect(secret).toMatch(/.{8}/);

    const status = await platform.cliJson<{ gateway: { pid: number }; agents: { pid: number }[] }>('status');
    const services = await platform.cliJson<ServiceStatus[]>('services', 'list');
    const tasks = services.flatMap((service) => service.tasks.map((task) => task.pid));
    expect(tasks.length).toBeGreaterThanOrEqual(6);
    for (const pid of [platform.pid, status.gateway.pid, ...status.agents.map((agent) => agent.pid), ...tasks]) {
      const shown = ['cmdline', 'environ'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'utf8')).join(' ');
      for (const secret of secrets) expect(shown.includes(secret)).toBe(false);
    }
  });
});

describe("the operator's pages", () => {
  test('SE-1: no address and no header opens them; only the token in the link that `status` prints does', async () => {
    const { host, port } = new URL(platform.urls.publicUrl);
    const { mailbox, startPage } = await platform.cliJson<{ mailbox: string; startPage: string }>('status');
    for (const link of [mailbox, startPage]) {
      expect(link.startsWith(platform.urls.publicUrl)).toBe(true);
      const response = await send(link.slice(platform.urls.publicUrl.length), { host: `evil.example:${port}` });
      expect([response.status, response.text.includes(platform.dataDir) || link === mailbox]).toEqual([200, true]);
    }
    for (const headers of [{}, { host }, { host: 'localhost' }, { host, 'x-forwarded-for': '127.0.0.1' }]) {
      expect((await send('/mailbox', headers)).status).toBe(403);
      expect((await send('/', headers)).text).not.toContain(platform.dataDir);
      expect((await send('/control-plane/docs', headers)).text).not.toContain(platform.dataDir);
    }
  });

  test('SE-1: a request in HTTP/1.0 without a host does not open the mailbox', async () => {
    const { hostname, port } = new URL(platform.urls.publicUrl);
    const socket = connect(Number(port), hostname);
    socket.write('GET /mailbox HTTP/1.0\r\n\r\n');
    const response = Buffer.concat(await socket.toArray()).toString();
    expect(response).toMatch(/^HTTP\/1\.[01] [34]\d\d /);
    expect(response).not.toContain('<table>');
  });

  test("SE-1.10: the operator's token is in no log", async () => {
    const { mailbox } = await platform.cliJson<{ mailbox: string }>('status');
    const token = new URL(mailbox).searchParams.get('token') ?? '';
    expect(token.length).toBeGreaterThanOrEqual(32);
    expect((await fetch(mailbox, { headers: { referer: mailbox } })).status).toBe(200);
    const logs = join(platform.dataDir, 'logs');
    for (const name of readdirSync(logs)) expect(readFileSync(join(logs, name), 'utf8').includes(token)).toBe(false);
  });
});

describe('requests', () => {
  const TOO_LONG = Buffer.alloc(11 * 1024 * 1024, ' ');

  test.each(['/api/products', '/control-plane/onboarding', '/realms/pool/users'])(
    'RT-1: a body over 10 MB for %s is a 413, declared or sent piece by piece',
    async (path) => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      expect((await send(path, { ...headers, 'content-length': String(TOO_LONG.length) }, TOO_LONG)).status).toBe(413);
      expect((await send(path, headers, TOO_LONG)).status).toBe(413);
    },
  );

  test('OB-1: one request id passes through gateway, orders and products and is in the log of each', async () => {
    const requestId = 'walk-through-4711';
    const product = await platform.api<{ productId: string }>('POST', '/products', token, {
      name: 'Traced',
      sku: 'T-1',
      category: 'c',
      price: { amount: 5, currency: 'EUR' },
    });
    const order = { name: 'Traced', lines: [{ productId: product.body.productId, quantity: 1 }] };
    const made = await request('POST', `${platform.urls.api}/orders`, token, order, { 'x-request-id': requestId });
    expect([made.status, made.headers.get('x-request-id')]).toEqual([201, requestId]);
    for (const name of ['gateway.log', 'pool.pooled.orders.log', 'pool.pooled.products.log']) {
      await eventually(`the line in ${name}`, () =>
        readFileSync(join(platform.dataDir, 'logs', name), 'utf8').includes(`"${requestId}"`),
      );
    }
    const { status } = await request('GET', `${platform.urls.api}/users`, token, undefined, {
      'x-request-id': `${requestId}-u`,
    });
    expect(status).toBe(200);
    await eventually('the line of the realm`s users', () => {
      const lines = readFileSync(join(platform.dataDir, 'logs', 'gateway.log'), 'utf8').split('\n');
      return lines.some((line) => line.includes(`"${requestId}-u"`) && line.includes('/realms/pool/users'));
    });
  });
});
