import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createDeviceCookies, type DeviceRequest } from '../../../../adapters/embedded/identity/oidc/device-cookies.ts';
import { createSeal } from '../../../../adapters/embedded/identity/seal.ts';
import { batchesOf } from '../../../../core/collections/batches.ts';
import { LOCAL_CREDENTIAL } from '../../../../core/identity/issuers.ts';
import { signIn } from '../../../support/sign-in-by-page.ts';
import { ACME, INITECH, type RealmServer, startRealmServer } from './realm-server.ts';

const PASSWORD = 'Correct-horse-7';
const REALM = 'pool';
const OTHER_REALM = `tenant-${INITECH}` as const;
let server: RealmServer;
let made = 0;

beforeAll(async () => {
  // Cheap hashes, because these tests check hundreds of passwords.
  server = await startRealmServer({ logN: 4 });
});
afterAll(async () => server?.close());

async function newUser(realm: typeof REALM | typeof OTHER_REALM = REALM): Promise<string> {
  made += 1;
  const email = `limited${made}@acme.example`;
  const tenantId = realm === REALM ? ACME : INITECH;
  const user = { userName: `limited-${made}`, email, role: 'TenantUser', tenantId, password: PASSWORD };
  await server.identity.createUser(realm, user);
  return user.userName;
}

/** A client at an address, as the gateway reports it, that keeps its device cookie. */
class Client {
  readonly address: string;
  cookie: string | undefined;
  /** The device cookie as it was set last. */
  setCookie: string | undefined;
  retryAfter: string | null = null;

  constructor(address: string, cookie?: string) {
    this.address = address;
    this.cookie = cookie;
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set('x-forwarded-for', this.address);
    const cookies = [headers.get('cookie'), this.cookie].filter(Boolean);
    if (cookies.length > 0) headers.set('cookie', cookies.join('; '));
    const response = await fetch(input, { ...init, headers });
    this.setCookie =
      response.headers.getSetCookie().find((one) => one.startsWith('tierplane_device=')) ?? this.setCookie;
    this.cookie = this.setCookie?.split(';')[0] ?? this.cookie;
    this.retryAfter = response.headers.get('retry-after') ?? this.retryAfter;
    return response;
  };

  /** 'signed in', or the code and message of the refusal. */
  async enter(userName: string, password = PASSWORD, realm: string = REALM): Promise<string> {
    const options = { issuer: server.issuer(realm), clientId: 'tierplane-cli', userName, password, fetch: this.fetch };
    return signIn(options).then(
      () => 'signed in',
      (error) => error.code,
    );
  }
}

/** Attackers send as many requests at the same time. */
const AT_ONCE = 8;

/** Wrong passwords from these addresses in turn. @returns the number of each result */
async function attack(userName: string, count: number, addresses: readonly string[]): Promise<Record<string, number>> {
  const results: Record<string, number> = {};
  const tries = Array.from({ length: count }, (_, tried) => tried);
  for (const batch of batchesOf(tries, AT_ONCE)) {
    const attempt = (tried: number): Promise<string> =>
      new Client(addresses[tried % addresses.length] as string).enter(userName, `Wrong-horse-${tried}`);
    for (const result of await Promise.all(batch.map(attempt))) results[result] = (results[result] ?? 0) + 1;
  }
  return results;
}

const addressesOf = (network: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${network}.${index + 1}`);

describe('a device cookie', () => {
  test('is set by a sign-in, for the realm only, out of reach of scripts and other sites, and names nobody', async () => {
    const userName = await newUser();
    const client = new Client('198.51.100.1');
    expect(await client.enter(userName)).toBe('signed in');
    expect(client.setCookie).toMatch(
      /^tierplane_device=[\w-]{22}\.[\w-]{43}; Path=\/realms\/pool; Max-Age=15552000; HttpOnly; SameSite=Lax$/,
    );
    const first = client.cookie;
    expect(await client.enter(userName)).toBe('signed in');
    expect(client.cookie).toBe(first);
  });

  test('is not set by a wrong password', async () => {
    const client = new Client('198.51.100.1');
    expect(await client.enter(await newUser(), 'Wrong-horse-1')).toBe('UNAUTHENTICATED');
    expect(client.setCookie).toBeUndefined();
  });

  test('keeps the five users of a browser who signed in last', async () => {
    const users = await Promise.all(Array.from({ length: 6 }, () => newUser()));
    const client = new Client('198.51.100.1');
    for (const user of users) expect(await client.enter(user)).toBe('signed in');
    const kept = client.cookie?.split('~') ?? [];
    expect(kept).toHaveLength(5);
    expect(await client.enter(users[5] as string)).toBe('signed in');
    expect(client.cookie?.split('~')).toEqual(kept);
  });

  test('is sent by HTTPS only where the public URL is HTTPS', () => {
    const seal = createSeal(Buffer.alloc(32, 7));
    const cookies = createDeviceCookies({ seal, random: (count) => new Uint8Array(count), isSecure: true });
    const set: string[] = [];
    const res = { appendHeader: (_name: string, value: string) => set.push(value) };
    const request = { req: { headers: {} }, res, spec: { id: 'pool' }, mount: '/realms/pool' };
    cookies.give(request as unknown as DeviceRequest, 'subject');
    expect(set[0]).toMatch(/; Secure$/);
  });
});

describe('RT-9: the sign-in', () => {
  test('after 40 wrong passwords from five addresses admits the own device at once, and a new one within a minute', async () => {
    const userName = await newUser();
    const own = new Client('198.51.100.2');
    expect(await own.enter(userName)).toBe('signed in');
    const tried = await attack(userName, 40, addressesOf('192.0.2', 5));
    expect(tried).toEqual({ UNAUTHENTICATED: 10, TOO_MANY: 30 });

    expect(await new Client('198.51.100.3', own.cookie).enter(userName)).toBe('signed in');
    const fresh = new Client('198.51.100.4');
    expect(await fresh.enter(userName)).toBe('TOO_MANY');
    expect(Number(fresh.retryAfter)).toBeGreaterThan(0);
    expect(Number(fresh.retryAfter)).toBeLessThanOrEqual(60);
    server.advance(60_000);
    expect(await fresh.enter(userName)).toBe('signed in');
  });

  test('after 80 wrong passwords from one address admits those who signed in from there before', async () => {
    const [bystander, stranger] = [await newUser(), await newUser()];
    const office = '203.0.113.80';
    const own = new Client(office);
    expect(await own.enter(bystander)).toBe('signed in');
    for (let user = 0; user < 10; user++) await attack(`nobody${user}`, 8, [office]);
    expect(await own.enter(bystander)).toBe('signed in');
    expect(await new Client(office).enter(stranger)).toBe('TOO_MANY');
    expect(await new Client('203.0.113.81').enter(stranger)).toBe('signed in');
  });

  test('counts the user name and the email of a user together, and unknown names like users', async () => {
    const userName = await newUser();
    const names = [userName, userName.replace('limited-', 'limited').concat('@acme.example'), userName.toUpperCase()];
    const spread = addressesOf('192.0.2', 60).slice(20);
    for (let tried = 0; tried < 10; tried++) {
      const name = names[tried % names.length] as string;
      expect(await new Client(spread[tried] as string).enter(name, 'Wrong-horse-1')).toBe('UNAUTHENTICATED');
    }
    expect(await new Client(spread[11] as string).enter(userName)).toBe('TOO_MANY');
    const unknown = await attack(`invented-by-${userName}`, 11, spread);
    expect(unknown).toEqual({ UNAUTHENTICATED: 10, TOO_MANY: 1 });
  });

  test('counts IPv6 clients by /64 network', async () => {
    const userName = await newUser();
    const oneNetwork = Array.from({ length: 8 }, (_, index) => `2001:db8:0:7:${index}::1`);
    await attack(userName, 8, oneNetwork);
    expect(await new Client('2001:db8:0:7:ffff::9').enter(userName)).toBe('TOO_MANY');
    expect(await new Client('2001:db8:0:8::1').enter(userName)).toBe('signed in');
  });

  test('ignores the cookie of another user or realm, and a forged one', async () => {
    const [victim, attacker, namesake] = [await newUser(), await newUser(), await newUser(OTHER_REALM)];
    const own = new Client('198.51.100.5');
    await own.enter(victim);
    const foreign = new Client('198.51.100.6');
    await foreign.enter(attacker);
    const elsewhere = new Client('198.51.100.7');
    expect(await elsewhere.enter(namesake, PASSWORD, OTHER_REALM)).toBe('signed in');
    await attack(victim, 20, addressesOf('192.0.2', 20));
    const [id = '', mac = ''] = own.cookie?.split('.') ?? [];
    const forged = `${id}.${mac.startsWith('A') ? 'B' : 'A'}${mac.slice(1)}`;
    for (const cookie of [
      foreign.cookie,
      elsewhere.cookie,
      forged,
      'tierplane_device=',
      `tierplane_device=${'~'.repeat(99)}`,
    ])
      expect(await new Client('198.51.100.8', cookie).enter(victim)).toBe('TOO_MANY');
    const among = `${foreign.cookie}~${own.cookie?.replace('tierplane_device=', '')}`;
    expect(await new Client('198.51.100.8', among).enter(victim)).toBe('signed in');
  });

  test('a stolen cookie admits eight wrong passwords, and its owner is then treated like a new device', async () => {
    const userName = await newUser();
    const own = new Client('198.51.100.9');
    await own.enter(userName);
    const thief = new Client('192.0.2.200', own.cookie);
    for (let tried = 0; tried < 16; tried++) expect(await thief.enter(userName, 'Wrong-1')).toBe('UNAUTHENTICATED');
    expect(await thief.enter(userName, 'Wrong-1')).toBe('TOO_MANY');
    server.advance(5 * 60_000);
    expect(await own.enter(userName)).toBe('signed in');
  });

  test('logs the client of each attempt', async () => {
    const userName = await newUser();
    await new Client('2001:db8::5').enter(userName, 'Wrong-horse-1');
    await new Client('198.51.100.77').enter(userName);
    const lines = server.logged.join('\n');
    expect(lines).toMatch(/"client":"2001:db8::5","outcome":"wrong"/);
    expect(lines).toMatch(/"client":"198.51.100.77","outcome":"signed-in"/);
  });
});

describe('RT-9: the limits of a realm', () => {
  test.each([
    '/DEVICE',
    '/Device',
    '/device/',
    '/device/AUTH',
    '/TOKEN',
    '/token/',
    '/token/Revocation',
    '/ME',
    '/me/',
  ])('cannot be bypassed by another spelling of a path: %s', async (path) => {
    const method = path.toLowerCase().startsWith('/me') ? 'GET' : 'POST';
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const body = method === 'POST' ? 'user_code=BBBB-BBBB&client_id=tierplane-cli' : null;
    const response = await fetch(`${server.issuer('pool')}${path}`, { method, headers, body });
    expect(response.status).toBe(404);
  });

  test('permit a client 500 requests for tokens at once, and others theirs', async () => {
    const request = (address: string) => {
      const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x', client_id: 'tierplane-cli' });
      const headers = { 'x-forwarded-for': address };
      return fetch(`${server.issuer('pool')}/token`, { method: 'POST', headers, body });
    };
    const refusals: Response[] = [];
    for (let sent = 0; sent < 500; sent++) {
      const response = await request('192.0.2.50');
      await response.body?.cancel();
      if (response.status === 429) refusals.push(response);
    }
    expect(refusals).toEqual([]);
    const refused = await request('192.0.2.50');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect((await request('192.0.2.51')).status).toBe(400);
  });
});

describe('RT-9: wrong client secrets', () => {
  const token = async (clientId: string, secret: string, address: string): Promise<number> => {
    const authorization = `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`;
    const body = new URLSearchParams({ grant_type: 'client_credentials' });
    const headers = { authorization, 'x-forwarded-for': address };
    return (await fetch(`${server.issuer('admin')}/token`, { method: 'POST', body, headers })).status;
  };

  test('are limited per client, for each credential and in all; others are served', async () => {
    const create = () => server.credentials.create({ name: 'ci', scopes: ['tenant/tenant_read'], createdBy: 'root' });
    const { credential, clientSecret } = await create();
    for (let tried = 0; tried < 20; tried++) expect(await token(credential.clientId, 'wrong', '192.0.2.1')).toBe(401);
    expect(await token(credential.clientId, clientSecret, '192.0.2.1')).toBe(429);
    expect(await token(credential.clientId, clientSecret, '192.0.2.2')).toBe(200);
    for (let tried = 0; tried < 60; tried++) expect(await token(`nobody${tried}`, 'x', '192.0.2.1')).toBe(401);
    const other = await create();
    expect(await token(other.credential.clientId, other.clientSecret, '192.0.2.1')).toBe(429);
    server.advance(5 * 60_000);
    expect(await token(other.credential.clientId, other.clientSecret, '192.0.2.1')).toBe(200);
  });

  test("never keep this machine's own credential out, also if everybody shares one address", async () => {
    const secret = await server.credentials.renewLocal();
    for (let tried = 0; tried < 100; tried++) await token(`nobody${tried}`, 'x', '192.0.2.3');
    for (let tried = 0; tried < 100; tried++) await token(LOCAL_CREDENTIAL, 'x', '192.0.2.3');
    expect(await token('nobody', 'x', '192.0.2.3')).toBe(429);

    expect(await token(LOCAL_CREDENTIAL, secret, '192.0.2.3')).toBe(200);
  });
});
