import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exportJWK, exportSPKI, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import { realmKeysKey } from '../../../../adapters/embedded/identity/realm-keys.ts';
import { createSignature, type Signature } from '../../../../adapters/shared/identity/signature.ts';
import { type Authorize, createAuthorize, MAX_AUTHORIZATION_LENGTH } from '../../../../core/identity/authorize.ts';
import { trustRealms } from '../../../../core/identity/issuers.ts';
import type { RealmId } from '../../../../core/ports/identity.ts';
import { startKeySetServer } from '../../../support/key-set-server.ts';
import { signIn } from '../../../support/sign-in-by-page.ts';
import { ACME, GLOBEX, INITECH, type RealmServer, startRealmServer } from './realm-server.ts';

const PASSWORD = 'Correct-horse-7';
let server: RealmServer;
let remote: Signature;
let ahead = 0;
const clock = {
  now: () => Date.now() + ahead,
  monotonic: () => performance.now() + ahead,
  after: () => ({ cancel: () => undefined }),
};
/** As in the gateway and the services: fetches keys over HTTP. */
let authorize: Authorize;
let good: string;
let idToken: string;

beforeAll(async () => {
  server = await startRealmServer();
  remote = createSignature({ jwksUri: (issuer) => `${issuer}/jwks`, clock });
  authorize = createAuthorize({
    issuers: trustRealms({ publicUrl: server.url }),
    verifySignature: remote.verify,
    clock,
  });
  const user = { userName: 'ann@acme.example', email: 'ann@acme.example', role: 'TenantAdmin', tenantId: ACME };
  await server.identity.createUser('pool', { ...user, password: PASSWORD });
  const { accessToken, idToken: id } = await signIn({
    issuer: server.issuer('pool'),
    clientId: 'tierplane-cli',
    userName: user.userName,
    password: PASSWORD,
  });
  good = accessToken;
  idToken = id;
});
afterAll(async () => {
  await server?.close();
});

interface Forgery {
  readonly signedBy?: RealmId;
  readonly kidOf?: RealmId;
  readonly header?: object;
  readonly claims?: Record<string, unknown>;
}

async function keyOf(realm: RealmId): Promise<JWK> {
  const stored = await server.table.get(realmKeysKey(realm));
  const [key] = stored?.data.keys ?? [];
  if (!key) throw new Error('no key');
  return key;
}

/** A token as the pool issues it, except for the given parts. */
async function forge({ signedBy = 'pool', kidOf = signedBy, header = {}, claims = {} }: Forgery): Promise<string> {
  const jwk = await keyOf(signedBy);
  const now = Math.floor(Date.now() / 1000);
  const payload = {
    iss: server.issuer('pool'),
    sub: 'somebody',
    aud: 'urn:tierplane:api',
    client_id: 'tierplane-cli',
    token_use: 'access',
    tenantId: ACME,
    tier: 'basic',
    role: 'TenantAdmin',
    iat: now,
    exp: now + 600,
    ...claims,
  };
  return new SignJWT(payload)
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: (await keyOf(kidOf)).kid ?? '', ...header })
    .sign(await importJWK(jwk, 'ES256'));
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

async function refusal(token: string | undefined, by: Authorize = authorize): Promise<unknown> {
  return by(token === undefined ? undefined : `Bearer ${token}`).then(
    () => 'taken',
    (error: { code: string; message: string }) => {
      for (const part of token?.split('.') ?? []) {
        if (part.length > 8) expect(JSON.stringify([error.message, error])).not.toContain(part);
      }
      return error.code;
    },
  );
}

describe('authorize', () => {
  test("SE-1.2: accepts the realm's token, and a forged one with the same claims and key", async () => {
    await expect(authorize(`Bearer ${good}`)).resolves.toMatchObject({
      tenantId: ACME,
      role: 'TenantAdmin',
      realm: 'pool',
      clientId: 'tierplane-cli',
    });
    await expect(authorize(`Bearer ${await forge({})}`)).resolves.toMatchObject({ subject: 'somebody' });
  });

  test('refuses a missing header, other schemes and text that is not a token', async () => {
    for (const header of [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      'Basic YTpi',
      'Bearer a.b',
      'Bearer a.b.c.d',
      `x ${good}`,
    ]) {
      await expect(authorize(header)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    }
  });

  test('refuses a header of more than 8 KB', async () => {
    const long = await forge({ claims: { padding: 'x'.repeat(MAX_AUTHORIZATION_LENGTH) } });
    expect(await refusal(long)).toBe('UNAUTHENTICATED');
  });

  test('SE-1.2: refuses a token that has expired, is not valid yet, or has no expiry', async () => {
    const now = Math.floor(Date.now() / 1000);
    expect(await refusal(await forge({ claims: { exp: now - 1 } }))).toBe('UNAUTHENTICATED');
    expect(await refusal(await forge({ claims: { nbf: now + 60 } }))).toBe('UNAUTHENTICATED');
    expect(await refusal(await forge({ claims: { exp: undefined } }))).toBe('UNAUTHENTICATED');
    expect(await refusal(await forge({ claims: { exp: String(now + 60) } }))).toBe('UNAUTHENTICATED');
  });

  test('refuses a token from its cache once the token has expired', async () => {
    const token = await forge({});
    expect(await refusal(token)).toBe('taken');
    ahead = 601_000;
    expect(await refusal(token)).toBe('UNAUTHENTICATED');
    ahead = 0;
  });

  test('refuses a token from its cache once the issuer is no longer trusted', async () => {
    const trusted = trustRealms({ publicUrl: server.url });
    let open = true;
    const closing = createAuthorize({
      issuers: (issuer) => (open ? trusted(issuer) : undefined),
      verifySignature: remote.verify,
      clock,
    });
    expect(await refusal(good, closing)).toBe('taken');
    open = false;
    expect(await refusal(good, closing)).toBe('UNAUTHENTICATED');
  });

  test("SE-1.2: refuses another realm's key under any issuer and kid", async () => {
    for (const signedBy of ['admin', `tenant-${INITECH}`] as const) {
      expect(await refusal(await forge({ signedBy }))).toBe('UNAUTHENTICATED');
      expect(await refusal(await forge({ signedBy, kidOf: 'pool' }))).toBe('UNAUTHENTICATED');
    }
  });

  test("SE-1.2: a key with the kid of another realm's key signs for its own realm only", async () => {
    // The premium realm's operator publishes a key under the pool's kid.
    const realm: RealmId = `tenant-${INITECH}`;
    const { kid = '' } = await keyOf('pool');
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const shop = await startKeySetServer([{ ...(await exportJWK(publicKey)), kid }]);
    const signature = createSignature({
      jwksUri: (issuer) => (issuer.endsWith(realm) ? shop.url : `${issuer}/jwks`),
      clock,
    });
    try {
      const both = createAuthorize({
        issuers: trustRealms({ publicUrl: server.url }),
        verifySignature: signature.verify,
        clock,
      });
      const now = Math.floor(Date.now() / 1000);
      const signed = (iss: string, tenantId: string) =>
        new SignJWT({
          iss,
          sub: 's',
          aud: 'urn:tierplane:api',
          client_id: 'tierplane-app',
          token_use: 'access',
          tenantId,
        })
          .setExpirationTime(now + 60)
          .setProtectedHeader({ alg: 'ES256', kid })
          .sign(privateKey);
      expect(await refusal(await signed(server.issuer(realm), INITECH), both)).toBe('taken');
      expect(await refusal(await signed(server.issuer('pool'), ACME), both)).toBe('UNAUTHENTICATED');
      expect(await refusal(await signed(server.issuer(realm), ACME), both)).toBe('UNAUTHENTICATED');
    } finally {
      await shop.close();
    }
  });

  test("SE-1.2: refuses a wrong audience, a foreign client and a realm's token for another tenant", async () => {
    const cases: Forgery[] = [
      { claims: { aud: 'urn:other:api' } },
      { claims: { aud: ['urn:other:api'] } },
      { claims: { aud: undefined } },
      { claims: { client_id: 'tierplane-account' } },
      { claims: { client_id: 'tierplane-admin' } },
      { claims: { client_id: undefined } },
      { claims: { tenantId: undefined } },
      { claims: { tenantId: 'short' } },
      { claims: { tenantId: '../../etc' } },
      { claims: { tenantId: [ACME] } },
      { claims: { tier: 7 } },
      { claims: { tier: 'Not a name!' } },
      {
        signedBy: `tenant-${INITECH}`,
        claims: { iss: server.issuer(`tenant-${INITECH}`), tenantId: GLOBEX },
      },
      { signedBy: 'admin', claims: { iss: server.issuer('admin'), tenantId: ACME } },
    ];
    for (const one of cases) expect(await refusal(await forge(one))).toBe('UNAUTHENTICATED');
  });

  test('SE-1.2: refuses an ID token, and an access token that claims to be one', async () => {
    expect(await refusal(idToken)).toBe('UNAUTHENTICATED');
    expect(await refusal(await forge({ claims: { token_use: 'id' } }))).toBe('UNAUTHENTICATED');
    expect(await refusal(await forge({ claims: { token_use: undefined } }))).toBe('UNAUTHENTICATED');
    expect(await refusal(await forge({ header: { typ: 'logout+jwt' } }))).toBe('UNAUTHENTICATED');
  });

  test('SE-1.2: refuses issuers that look like a trusted one', async () => {
    const pool = server.issuer('pool');
    const names = [
      `${pool}/`,
      `${pool}?`,
      `${pool}#`,
      pool.toUpperCase(),
      pool.replace('127.0.0.1', '127.0.0.1.evil.example'),
      pool.replace('http://', 'https://'),
      pool.replace('/realms/', '/realms//'),
      pool.replace('/realms/pool', '/realms/x/../pool'),
      `https://evil.example/?${pool}`,
      `${server.url}/realms/tenant-x`,
      '',
    ];
    for (const iss of names) expect(await refusal(await forge({ claims: { iss } }))).toBe('UNAUTHENTICATED');
  });

  test('SE-1.2: refuses alg none in every spelling, and a missing or foreign kid', async () => {
    const [, claims = ''] = good.split('.');
    const { kid } = await keyOf('pool');
    for (const alg of ['none', 'None', 'NONE', '', undefined, 'RS512', 'PS256', 'EdDSA']) {
      const header = encode({ alg, typ: 'at+jwt', kid });
      expect(await refusal(`${header}.${claims}.`)).toBe('UNAUTHENTICATED');
      expect(await refusal(`${header}.${claims}.${good.split('.')[2]}`)).toBe('UNAUTHENTICATED');
    }
    expect(await refusal(await forge({ header: { kid: 'unknown' } }))).toBe('UNAUTHENTICATED');
    expect(await refusal(await forge({ header: { kid: undefined } }))).toBe('UNAUTHENTICATED');
    expect(await refusal(await forge({ header: { kid: '__proto__' } }))).toBe('UNAUTHENTICATED');
  });

  test('SE-1.2: refuses HS256 with the public key as its secret', async () => {
    const { d: _, kid, ...publicPart } = await keyOf('pool');
    const [, claims = ''] = good.split('.');
    const key = (await importJWK(publicPart, 'ES256', { extractable: true })) as Parameters<typeof exportSPKI>[0];
    for (const secret of [await exportSPKI(key), JSON.stringify(publicPart), publicPart.x ?? '']) {
      const input = `${encode({ alg: 'HS256', typ: 'at+jwt', kid })}.${claims}`;
      const mac = createHmac('sha256', secret).update(input).digest('base64url');
      expect(await refusal(`${input}.${mac}`)).toBe('UNAUTHENTICATED');
    }
  });

  test('SE-1.2: refuses a token that brings its own key', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = await exportJWK(publicKey);
    const claims = JSON.parse(Buffer.from(good.split('.')[1] ?? '', 'base64url').toString());
    const { kid = '' } = await keyOf('pool');
    for (const more of [{ jwk }, { jku: 'https://evil.example/jwks' }, { x5u: 'https://evil.example/x' }]) {
      const token = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid, ...more }).sign(privateKey);
      expect(await refusal(token)).toBe('UNAUTHENTICATED');
    }
  });

  test('SE-1.2: refuses unknown critical extensions', async () => {
    const { kid } = await keyOf('pool');
    const [, claims, mac] = good.split('.');
    const header = encode({ alg: 'ES256', kid, typ: 'at+jwt', crit: ['exp'] });
    expect(await refusal(`${header}.${claims}.${mac}`)).toBe('UNAUTHENTICATED');
  });

  test('SE-1.2: refuses a token with a change in any part', async () => {
    const [header = '', claims = '', mac = ''] = good.split('.');
    const richer = { ...JSON.parse(Buffer.from(claims, 'base64url').toString()), tenantId: GLOBEX, tier: 'premium' };
    const flipped = `${mac.startsWith('A') ? 'B' : 'A'}${mac.slice(1)}`;
    expect(await refusal(`${header}.${encode(richer)}.${mac}`)).toBe('UNAUTHENTICATED');
    expect(await refusal(`${header}.${claims}.${flipped}`)).toBe('UNAUTHENTICATED');
    expect(await refusal(`${header}.${claims}.${mac.slice(0, -4)}`)).toBe('UNAUTHENTICATED');
    expect(await refusal(`${header}.${claims}.${mac}AAAA`)).toBe('UNAUTHENTICATED');
    expect(await refusal(`${header}.${Buffer.from('not json').toString('base64url')}.${mac}`)).toBe('UNAUTHENTICATED');
    expect(await refusal(`${header}.${Buffer.from([0xff, 0xfe]).toString('base64url')}.${mac}`)).toBe(
      'UNAUTHENTICATED',
    );
  });
});
