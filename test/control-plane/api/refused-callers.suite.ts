import { createHmac } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { LOCAL_OPERATIONS } from '../../../control-plane/api/local-operations.ts';
import { createOperations } from '../../../control-plane/api/operations.ts';
import { SCOPES } from '../../../core/identity/issuers.ts';
import type { BadInputHome } from './bad-input.home.ts';
import { type Reply, registration } from './home.ts';

interface Forgery {
  readonly header?: object;
  /** Replace those of the admin's token. A claim that is undefined is left out. */
  readonly claims?: Record<string, unknown>;
  /** @default - the issuer's own */
  readonly key?: CryptoKey;
}

/** How the suite checks responses. */
export interface Checks {
  /** Makes the call and checks that it changes nothing. */
  refused(call: () => Promise<Reply>): Promise<Reply>;
  /** Compares the response with `expected`, or with the row of the table of differences for this request. */
  expectResponse(request: string, response: Reply, expected: { status: number; body: unknown }): void;
}

const UNAUTHORIZED = { status: 401, body: { message: 'Unauthorized' } };
const FORBIDDEN = { status: 403, body: { message: 'Forbidden' } };

const ROUTES = createOperations(LOCAL_OPERATIONS).map(({ method, path, access }) => ({
  method,
  path: path.replaceAll(/\{\w+\}/g, 'nope'),
  access,
  name: `${method} ${path}`,
}));
type Target = (typeof ROUTES)[number];
const USER_ROUTES = ROUTES.filter(({ access }) => access.kind === 'user');
/** Every user may end the own sessions, with any token. */
const SCOPED_ROUTES = USER_ROUTES.filter(({ path }) => path !== '/me/sessions');
/** Operations for the machine client at a method and path that no operation for users shares. */
const INTERNAL = ROUTES.filter(
  (one) => one.access.kind === 'machine' && !USER_ROUTES.some(({ name }) => name === one.name),
);
const ALL = Object.values(SCOPES).join(' ');

/** Callers that every home refuses whatever the input: by their token, its scopes, or the role of the user. */
export function refusedCallers(home: () => BadInputHome, { refused, expectResponse }: Checks): void {
  async function forge({ header = {}, claims = {}, key }: Forgery): Promise<string> {
    const { signer, claims: own } = home();
    return new SignJWT({ ...own, ...claims })
      .setProtectedHeader({ alg: signer.alg, kid: signer.kid, ...header })
      .sign(key ?? signer.key);
  }

  /** Registers a tenant with this `Authorization` header. */
  function registerBy(authorization: string | undefined): Promise<Reply> {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    return home().call('POST', '/tenant-registrations', registration('Intruder'), { token: 'none', headers });
  }

  function listBy(token: string): Promise<Reply> {
    return home().call('GET', '/tenants', undefined, { token });
  }

  const seconds = () => Math.floor(Date.now() / 1000);
  const invalidTokens: readonly (readonly [string, () => Forgery | Promise<Forgery>])[] = [
    ['that has expired', () => ({ claims: { exp: seconds() - 1 } })],
    ['that is not valid yet', () => ({ claims: { nbf: seconds() + 600 } })],
    ['of another issuer', () => ({ claims: { iss: 'https://evil.example/pool' } })],
    ['whose issuer only begins like the trusted one', () => ({ claims: { iss: `${home().claims.iss}x` } })],
    [
      'whose issuer contains the trusted one in its query',
      () => ({ claims: { iss: `https://evil.example/?${home().claims.iss}` } }),
    ],
    ['without issuer', () => ({ claims: { iss: undefined } })],
    ['of another client', () => ({ claims: { client_id: 'another' } })],
    ['of no client', () => ({ claims: { client_id: undefined } })],
    ['of an unknown user', () => ({ claims: { sub: 'unknown' } })],
    ['that is not an access token', () => ({ claims: { token_use: 'refresh' } })],
    ['without a token use', () => ({ claims: { token_use: undefined } })],
    ['signed by another key', async () => ({ key: (await otherKey()).privateKey })],
    [
      'that brings its own key',
      async () => {
        const { privateKey, publicKey } = await otherKey();
        return { key: privateKey, header: { jwk: await exportJWK(publicKey), jku: 'https://evil.example/jwks' } };
      },
    ],
    ['whose kid is not that of its key', () => ({ header: { kid: 'another' } })],
  ];

  function otherKey() {
    return generateKeyPair(home().signer.alg, { extractable: true });
  }

  describe('SE-1.2: a token', () => {
    test('with the claims of the admin that the issuer signs is accepted', async () => {
      expect((await listBy(await forge({}))).status).toBe(200);
    });

    test.each(invalidTokens)('%s is refused, and nothing changes', async (_name, forgery) => {
      const token = await forge(await forgery());
      await expectRefused(`Bearer ${token}`);
    });

    test('with a change in any part is refused, and nothing changes', async () => {
      const [header = '', claims = '', signature = ''] = (await forge({})).split('.');
      const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const { kid } = home().signer;
      const mac = createHmac('sha256', 'guess').update(`${header}.${claims}`).digest('base64url');
      const flipped = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
      for (const token of [
        `${header}.${encode({ ...home().claims, sub: 'other' })}.${signature}`,
        `${header}.${claims}.${flipped}`,
        `${header}.${claims}.${signature.slice(0, -4)}`,
        `${header}.${claims}.`,
        `${encode({ alg: 'none', kid })}.${claims}.`,
        `${encode({ alg: 'HS256', kid })}.${claims}.${mac}`,
        `${header}.${Buffer.from('not json').toString('base64url')}.${signature}`,
        `${header}.${claims}`,
      ]) {
        await expectRefused(`Bearer ${token}`);
      }
    });

    test('that is missing, of another scheme, or sent twice is refused, and nothing changes', async () => {
      const good = await forge({});
      for (const authorization of [
        undefined,
        'Bearer',
        'Bearer abc',
        'Basic YWRtaW46YWRtaW4=',
        `Basic ${good}`,
        `Bearer ${good}, Bearer ${good}`,
        `Bearer Bearer ${good}`,
      ]) {
        await expectRefused(authorization);
      }
    });

    test('that is an ID token is refused, and nothing changes', async () => {
      const { idToken } = home();
      for (const path of ['/tenants', '/users']) {
        const listed = await refused(() => home().call('GET', path, undefined, { token: idToken }));
        expectResponse(`GET ${path} by an ID token`, listed, UNAUTHORIZED);
      }
      const registered = await refused(() => registerBy(`Bearer ${idToken}`));
      expectResponse('POST /tenant-registrations by an ID token', registered, UNAUTHORIZED);
    });

    test('without its scheme is refused', async () => {
      const headers = { authorization: await forge({}) };
      const response = await home().call('GET', '/users/nope', undefined, { token: 'none', headers });
      expectResponse('GET /users/nope by a token without its scheme', response, UNAUTHORIZED);
    });

    async function expectRefused(authorization: string | undefined): Promise<void> {
      const { status, body } = await refused(() => registerBy(authorization));
      expect({ status, body }).toEqual(UNAUTHORIZED);
    }
  });

  describe('an operation', () => {
    /** Tokens of callers that lack a role, a scope, or all of them. */
    const tokens: Record<'support' | 'reader' | 'tenantsOnly' | 'scopeless' | 'alike', string> = {
      support: '',
      reader: '',
      tenantsOnly: '',
      scopeless: '',
      alike: '',
    };

    beforeAll(async () => {
      const support = await home().createUser('sue', 'CustomerSupport');
      const scoped = (scope: string | undefined) => forge({ claims: { scope } });
      tokens.support = await forge({ claims: { sub: support, username: 'sue', scope: ALL } });
      tokens.reader = await scoped(`${SCOPES.tenantRead} ${SCOPES.userRead}`);
      tokens.tenantsOnly = await scoped(`${SCOPES.tenantRead} ${SCOPES.tenantWrite}`);
      tokens.scopeless = await scoped(undefined);
      tokens.alike = await scoped(ALL.replaceAll(/(\S+)/g, '$1s'));
    });

    async function expectAt({ method, path, name }: Target, token: string, expected: typeof FORBIDDEN): Promise<void> {
      const response = await home().call(method, path, undefined, { token });
      expectResponse(name, response, expected);
    }

    async function statusAt({ method, path }: Target, token: string): Promise<number> {
      return (await home().call(method, path, undefined, { token })).status;
    }

    test.each(USER_ROUTES)('SE-6: $name without a token is 401 Unauthorized', async (target) => {
      const before = await home().stored();
      for (const token of ['none', 'wrong', 'a.b.c']) await expectAt(target, token, UNAUTHORIZED);
      expect(await home().stored()).toEqual(before);
    });

    test.each(SCOPED_ROUTES)('ID-3: $name requires its scope, and SystemAdmin to write', async (target) => {
      const { access } = target;
      if (access.kind !== 'user') return;
      const before = await home().stored();
      for (const token of [tokens.scopeless, tokens.alike]) await expectAt(target, token, FORBIDDEN);
      for (const [token, isRefused] of [
        [tokens.support, access.role !== undefined],
        [tokens.reader, access.role !== undefined],
        [tokens.tenantsOnly, access.scope?.startsWith('user/')],
      ] as const) {
        if (isRefused) await expectAt(target, token, FORBIDDEN);
        else expect(await statusAt(target, token)).not.toBe(403);
      }
      expect(await home().stored()).toEqual(before);
    });

    test.each(INTERNAL)('$name gives 403 to every user and to callers without a token', async (target) => {
      const before = await home().stored();
      for (const token of ['none', 'wrong', await forge({}), tokens.support]) await expectAt(target, token, FORBIDDEN);
      expect(await home().stored()).toEqual(before);
    });

    test('ID-3: refuses a disabled user at once', async () => {
      const token = await forge({ claims: { sub: await home().createUser('leaver', 'SystemAdmin') } });
      expect((await listBy(token)).status).toBe(200);
      expect((await home().call('PUT', '/users/leaver/disable')).status).toBe(200);
      const { status, body } = await refused(() => listBy(token));
      expect({ status, body }).toEqual(UNAUTHORIZED);
    });
  });
}
