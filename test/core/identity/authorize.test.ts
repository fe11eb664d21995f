import { beforeEach, describe, expect, test } from '@jest/globals';
import { DomainError } from '../../../core/errors.ts';
import {
  type Authorize,
  createAuthorize,
  MAX_AUTHORIZATION_LENGTH,
  type TrustedIssuer,
} from '../../../core/identity/authorize.ts';
import { API_AUDIENCE } from '../../../core/identity/issuers.ts';
import type { RealmId } from '../../../core/ports/identity.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const ISSUER = 'https://a.example/realms/pool';
const NOW = Date.parse('2026-01-01T00:00:00Z') / 1000;
const HEADER = { alg: 'ES256', kid: 'k' };
const CLAIMS = {
  iss: ISSUER,
  sub: 'subject-1',
  aud: API_AUDIENCE,
  client_id: 'app',
  token_use: 'access',
  exp: NOW + 600,
  tenantId: 'tenantaaaa',
};

let clock: ManualClock;
let realm: RealmId;
let trusted: TrustedIssuer | undefined;
/** Tokens whose signature was checked. The check accepts everything, so `authorize` refuses by itself. */
let checked: string[];
let authorize: Authorize;

beforeEach(() => {
  clock = new ManualClock(NOW * 1000);
  realm = 'pool';
  checked = [];
  trusted = { issuer: ISSUER, realm, clientIds: ['app'], audience: API_AUDIENCE };
  authorize = createAuthorize({
    issuers: () => trusted,
    verifySignature: async (token) => checked.push(token) > 0,
    clock,
  });
});

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function bearer(claims: object = {}, header: object = {}): string {
  return `Bearer ${encode({ ...HEADER, ...header })}.${encode({ ...CLAIMS, ...claims })}.c2ln`;
}

const UNAUTHENTICATED = { code: 'UNAUTHENTICATED' };

describe('authorize', () => {
  test('returns the claims of the token, without those that are absent', async () => {
    expect(await authorize(bearer())).toStrictEqual({
      ...{ issuer: ISSUER, realm: 'pool', subject: 'subject-1', clientId: 'app', scopes: [] },
      ...{ tenantId: 'tenantaaaa', issuedAt: 0, expiresAt: NOW + 600 },
    });
    const more = {
      iat: NOW - 5,
      scope: 'openid  a/b',
      role: 'TenantAdmin',
      tier: 'basic',
      username: 'ann',
      email: 'ann@a.example',
    };
    expect(await authorize(bearer(more))).toStrictEqual({
      ...{ issuer: ISSUER, realm: 'pool', subject: 'subject-1', clientId: 'app', scopes: ['openid', 'a/b'] },
      ...{ tenantId: 'tenantaaaa', issuedAt: NOW - 5, expiresAt: NOW + 600 },
      ...{ role: 'TenantAdmin', tier: 'basic', userName: 'ann', email: 'ann@a.example' },
    });
  });

  test.each(['none', 'None', 'HS256', 'RS512', 'PS256', 'EdDSA', ''])('SE-1.2: refuses alg %j', async (alg) => {
    await expect(authorize(bearer({}, { alg }))).rejects.toMatchObject(UNAUTHENTICATED);
  });

  test.each([{ crit: ['b64'] }, { typ: 'id+jwt' }, { kid: undefined }, { kid: '' }])(
    'SE-1.2: refuses the header %j',
    async (header) => {
      await expect(authorize(bearer({}, header))).rejects.toMatchObject(UNAUTHENTICATED);
    },
  );

  test.each(['at+jwt', 'application/at+jwt', 'JWT', undefined])('accepts the type %j', async (typ) => {
    await expect(authorize(bearer({}, { typ }))).resolves.toMatchObject({ subject: 'subject-1' });
  });

  test.each([
    { tier: 'A Tier' },
    { tier: 'basic!' },
    { tier: '!basic' },
    { tier: 'x'.repeat(65) },
    { sub: '' },
    { token_use: 'id' },
    { client_id: 'other' },
    { aud: 'urn:other' },
  ])('SE-1.2: refuses the claims %j', async (claims) => {
    await expect(authorize(bearer(claims))).rejects.toMatchObject(UNAUTHENTICATED);
    expect(checked).toEqual([]);
  });

  test('SE-1.2: refuses an issuer other than the one it asked for', async () => {
    trusted = { issuer: `${ISSUER}/`, realm, clientIds: ['app'], audience: API_AUDIENCE };
    await expect(authorize(bearer())).rejects.toMatchObject(UNAUTHENTICATED);
    trusted = undefined;
    await expect(authorize(bearer())).rejects.toMatchObject(UNAUTHENTICATED);
  });

  test.each<[RealmId, string | undefined, boolean]>([
    ['admin', undefined, true],
    ['admin', 'tenantaaaa', false],
    ['pool', 'tenantaaaa', true],
    ['pool', undefined, false],
    ['tenant-tenantaaaa', 'tenantaaaa', true],
    ['tenant-tenantbbbb', 'tenantaaaa', false],
  ])('SE-1.2: realm %s holds tenant %s: %s', async (id, tenantId, holds) => {
    trusted = { issuer: ISSUER, realm: id, clientIds: ['app'], audience: API_AUDIENCE };
    const outcome = await authorize(bearer({ tenantId })).then(
      () => true,
      () => false,
    );
    expect(outcome).toBe(holds);
  });

  test('refuses what is not a bearer token, without a signature check', async () => {
    const good = bearer();
    const token = good.slice('Bearer '.length);
    const parts = token.split('.');
    for (const header of [
      undefined,
      '',
      token,
      `Basic ${token}`,
      `x${good}`,
      `${good} x`,
      `${good}.x`,
      `Bearer ${parts[0]}.${parts[1]}`,
      `Bearer ${parts[0]}.${Buffer.from([0x22, 0xff, 0x22]).toString('base64url')}.${parts[2]}`,
      `Bearer ${parts[0]}.bm90IGpzb24.${parts[2]}`,
    ]) {
      await expect(authorize(header)).rejects.toMatchObject(UNAUTHENTICATED);
    }
    expect(checked).toEqual([]);
  });

  test('refuses a header of more than 8192 characters', async () => {
    const short = bearer({ email: '' }).length;
    const padded = (length: number) => {
      const header = `${bearer({ email: '' })}`;
      return header + 'x'.repeat(length - short);
    };
    await expect(authorize(padded(MAX_AUTHORIZATION_LENGTH))).resolves.toMatchObject({ subject: 'subject-1' });
    await expect(authorize(padded(MAX_AUTHORIZATION_LENGTH + 1))).rejects.toMatchObject(UNAUTHENTICATED);
  });

  test('a token is valid from nbf up to, and not including, exp', async () => {
    await expect(authorize(bearer({ nbf: NOW }))).resolves.toMatchObject({ subject: 'subject-1' });
    await expect(authorize(bearer({ nbf: NOW + 1 }))).rejects.toMatchObject(UNAUTHENTICATED);
    await expect(authorize(bearer({ exp: NOW }))).rejects.toMatchObject(UNAUTHENTICATED);
    await expect(authorize(bearer({ exp: NOW + 1 }))).resolves.toMatchObject({ subject: 'subject-1' });
  });

  test('checks a signature once per token; checks expiry and issuer for every call', async () => {
    await authorize(bearer());
    await authorize(bearer());
    expect(checked).toHaveLength(1);
    const before = trusted;
    trusted = undefined;
    await expect(authorize(bearer())).rejects.toMatchObject(UNAUTHENTICATED);
    trusted = before;
    await authorize(bearer());
    expect(checked).toHaveLength(2);
    clock.advance(600_000);
    await expect(authorize(bearer())).rejects.toMatchObject(UNAUTHENTICATED);
  });

  test('a client is accepted by its name or, where the issuer has a prefix, by that prefix', async () => {
    const credential = bearer({ client_id: 'credential-1' });
    await expect(authorize(credential)).rejects.toMatchObject(UNAUTHENTICATED);
    trusted = { issuer: ISSUER, realm, clientIds: ['app'], clientIdPrefix: 'credential-', audience: API_AUDIENCE };
    await expect(authorize(credential)).resolves.toMatchObject({ clientId: 'credential-1' });
    await expect(authorize(bearer())).resolves.toMatchObject({ clientId: 'app' });
    await expect(authorize(bearer({ client_id: 'a-credential-' }))).rejects.toMatchObject(UNAUTHENTICATED);
  });

  test('SE-1.2: refuses a token whose signature does not verify', async () => {
    const doubting = createAuthorize({ issuers: () => trusted, verifySignature: async () => false, clock });
    await expect(doubting(bearer())).rejects.toMatchObject(UNAUTHENTICATED);
    await expect(doubting(bearer())).rejects.toMatchObject(UNAUTHENTICATED);
  });

  describe('with an issuer whose audience is its client, such as a Cognito user pool', () => {
    beforeEach(() => {
      trusted = { issuer: ISSUER, realm, clientIds: ['app', 'other'] };
    });

    test.each([undefined, 'app', ['app']])('accepts the audience %j', async (aud) => {
      await expect(authorize(bearer({ aud }))).resolves.toMatchObject({ clientId: 'app' });
    });

    test.each(['other', API_AUDIENCE, ['app', 'other'], ''])(
      'SE-1.2: refuses the audience %j, even if it is another client of the realm',
      async (aud) => {
        await expect(authorize(bearer({ aud }))).rejects.toMatchObject(UNAUTHENTICATED);
        expect(checked).toEqual([]);
      },
    );

    test('SE-1.2: refuses a client of another pool', async () => {
      await expect(authorize(bearer({ aud: undefined, client_id: 'foreign' }))).rejects.toMatchObject(UNAUTHENTICATED);
    });
  });

  test('SE-1.2: a token without audience is refused by an issuer that has one', async () => {
    await expect(authorize(bearer({ aud: undefined }))).rejects.toMatchObject(UNAUTHENTICATED);
    await expect(authorize(bearer({ aud: [] }))).rejects.toMatchObject(UNAUTHENTICATED);
  });

  describe('with issuers that are read from a store', () => {
    beforeEach(() => {
      authorize = createAuthorize({
        issuers: async (name) => (name === trusted?.issuer ? trusted : undefined),
        verifySignature: async (token) => checked.push(token) > 0,
        clock,
      });
    });

    test('accepts a token as long as the store has its issuer, and refuses it at once when it has not', async () => {
      await expect(authorize(bearer())).resolves.toMatchObject({ subject: 'subject-1' });
      await expect(authorize(bearer())).resolves.toMatchObject({ subject: 'subject-1' });
      expect(checked).toHaveLength(1);
      trusted = undefined;
      await expect(authorize(bearer())).rejects.toMatchObject(UNAUTHENTICATED);
    });

    test('SE-1.2: refuses an issuer that the store does not have, without a signature check', async () => {
      await expect(authorize(bearer({ iss: `${ISSUER}/` }))).rejects.toMatchObject(UNAUTHENTICATED);
      expect(checked).toEqual([]);
    });

    test('reports that the store cannot be read, for a new token and for a known one', async () => {
      let available = true;
      authorize = createAuthorize({
        issuers: async () => {
          if (!available) throw new DomainError('UNAVAILABLE', 'the registry cannot be read');
          return trusted;
        },
        verifySignature: async () => true,
        clock,
      });
      await authorize(bearer());
      available = false;
      await expect(authorize(bearer())).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      await expect(authorize(bearer({ sub: 'subject-2' }))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      available = true;
      await expect(authorize(bearer())).resolves.toMatchObject({ subject: 'subject-1' });
    });
  });

  test('a known token is accepted within one step of the microtask queue if the issuer is in memory', async () => {
    await authorize(bearer());
    const outcomes: string[] = [];
    void authorize(bearer()).then(() => outcomes.push('authorized'));
    await Promise.resolve();
    expect(outcomes).toEqual(['authorized']);
  });
});
