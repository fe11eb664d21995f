import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { APIGatewayAuthorizerResult } from 'aws-lambda';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { issuerKey, issuerOfPool } from '../../../adapters/aws/identity/issuer-record.ts';
import { cachedRegistry, tableRegistry } from '../../../app-plane/gateway/registry.ts';
import { createAuthorizer } from '../../../app-plane/lambda/authorize-request.ts';
import { createRealmAuthorize } from '../../../app-plane/lambda/realm-authorize.ts';
import type { RealmId } from '../../../core/ports/identity.ts';
import { put, type Table } from '../../../core/ports/table.ts';
import { keyCheckKey } from '../../../core/routing/key-check.ts';
import { type Route, routeKey, type Subject, subjectKey } from '../../../core/routing/registry.ts';
import { functionCode } from '../../../infra/function-code.ts';
import { type KeySetServer, startKeySetServer } from '../../support/key-set-server.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { openScratchTable } from '../../support/scratch-table.ts';
import { tenantRoute } from '../gateway/fixture.ts';

const A = 'tenantaaaa';
const B = 'tenantbbbb';
const STAGE = 'arn:aws:execute-api:eu-west-1:123456789012:abcdef/prod';
const POOL = 'eu-west-1_pool';
const keys = await generateKeyPair('RS256');
const foreignKeys = await generateKeyPair('RS256');

let scratch: Awaited<ReturnType<typeof openScratchTable>>;
let pools: KeySetServer;
let reads: string[];
let logged: string[];
let call: (authorizationToken: string | undefined, path?: string) => Promise<APIGatewayAuthorizerResult>;

beforeEach(async () => {
  scratch = await openScratchTable();
  pools = await startKeySetServer([{ ...(await exportJWK(keys.publicKey)), kid: 'k1' }]);
  reads = [];
  logged = [];
  const { table, clock } = scratch;
  const counted: Pick<Table, 'get'> = {
    get: (key) => {
      reads.push(key.pk);
      return table.get(key);
    },
  };
  const authorizer = createAuthorizer({
    authorize: createRealmAuthorize(counted, clock, new URL(pools.url).origin),
    registry: cachedRegistry(tableRegistry(counted), { clock }),
    keyCheck: async (ticket) => (await counted.get(keyCheckKey(ticket)))?.data,
    clock,
    log: recordingLog(logged),
  });
  call = (authorizationToken, path = 'GET/s1/products') =>
    authorizer({ authorizationToken, methodArn: `${STAGE}/${path}` });
  await trustPool(POOL, 'pool');
  await write(tenantRoute(A));
  await write(userOf(A));
});

afterEach(async () => {
  await pools.close();
  await scratch.close();
});

function trustPool(userPoolId: string, realm: RealmId): Promise<void> {
  const key = issuerKey(issuerOfPool('eu-west-1', userPoolId));
  return scratch.table.transact([put({ ...key, version: 1, data: { realm, clientId: 'app' } })]);
}

function write(data: Route | Subject): Promise<void> {
  const item =
    'subject' in data
      ? put({ ...subjectKey(data.realm, data.subject), version: 1, data })
      : put({ ...routeKey(data.tenantId), version: 1, data });
  return scratch.table.transact([item]);
}

function userOf(tenantId: string, change: Partial<Subject> = {}): Subject {
  const email = `admin@${tenantId}.example`;
  return {
    ...{ issuer: 'any', subject: `${tenantId}-user`, realm: 'pool', userName: email, email, role: 'TenantAdmin' },
    ...{ tenantId, enabled: true, ...change },
  };
}

interface Facts {
  readonly tenantId?: string;
  readonly userPoolId?: string;
  readonly claims?: JWTPayload;
  readonly forged?: boolean;
}

async function tokenOf({ tenantId = A, userPoolId = POOL, claims = {}, forged = false }: Facts = {}): Promise<string> {
  const now = Math.floor(scratch.clock.now() / 1_000);
  const jwt = new SignJWT({
    ...{ iss: issuerOfPool('eu-west-1', userPoolId), sub: `${tenantId}-user`, client_id: 'app', token_use: 'access' },
    ...{ tenantId, iat: now, exp: now + 600, ...claims },
  }).setProtectedHeader({ alg: 'RS256', kid: 'k1' });
  return `Bearer ${await jwt.sign((forged ? foreignKeys : keys).privateKey)}`;
}

function effectOf({ policyDocument }: APIGatewayAuthorizerResult): unknown {
  return policyDocument.Statement;
}

describe('a check of an API key', () => {
  const ticket = 'T'.repeat(43);
  const permit = () => {
    const data = { tenantId: A, apiKey: `key-${A}`, until: scratch.clock.now() + 60_000 };
    return scratch.table.transact([put({ ...keyCheckKey(ticket), version: 1, data })]);
  };
  const unauthorized = { message: 'Unauthorized' };

  test('SE-1.16: is counted by the key, and reaches the path of checks only', async () => {
    await permit();
    expect(await call(`KeyCheck ${ticket}`, 'GET/key-check')).toEqual({
      principalId: 'key-check',
      policyDocument: {
        Version: '2012-10-17',
        Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: `${STAGE}/GET/key-check` }],
      },
      usageIdentifierKey: `key-${A}`,
      context: { tenantId: A },
    });
  });

  test.each([
    ['an unknown ticket', `KeyCheck ${'U'.repeat(43)}`],
    ['a shorter ticket', `KeyCheck ${ticket.slice(1)}`],
    ['a ticket as a token', `Bearer ${ticket}`],
    ['another case', `keycheck ${ticket}`],
    ['something behind it', `KeyCheck ${ticket}#x`],
    ['a key of another record', `KeyCheck ${ticket.slice(6)}route#`],
  ])('SE-1.16: is refused with %s', async (_what, authorization) => {
    await permit();
    await expect(call(authorization, 'GET/key-check')).rejects.toMatchObject(unauthorized);
  });

  test('SE-1.16: is refused after its minute, although the table still has it', async () => {
    await permit();
    scratch.clock.advance(60_001);
    await expect(call(`KeyCheck ${ticket}`, 'GET/key-check')).rejects.toMatchObject(unauthorized);
  });
});

describe('the authorizer of the REST API', () => {
  test('RT-1: admits a served tenant to the whole stage, with its metering key and the facts that headers come from', async () => {
    const result = await call(await tokenOf(), 'POST/s1/orders/../../other/x');
    expect(result).toEqual({
      principalId: `${A}-user`,
      policyDocument: {
        Version: '2012-10-17',
        Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: `${STAGE}/*` }],
      },
      usageIdentifierKey: `key-${A}`,
      context: { tenantPath: 'pool', tenantId: A, tier: 'basic' },
    });
  });

  test.each(['advanced', 'premium'] as const)('RT-1: routes a tenant of tier %s to its own tasks', async (tier) => {
    const route = tenantRoute(B, tier);
    await trustPool('eu-west-1_own', route.realm);
    await write(route);
    await write(userOf(B, { realm: route.realm }));
    const userPoolId = tier === 'premium' ? 'eu-west-1_own' : POOL;
    const result = await call(await tokenOf({ tenantId: B, userPoolId }));
    expect(result).toMatchObject({ usageIdentifierKey: `key-${B}`, context: { tenantPath: B, tenantId: B, tier } });
  });

  test('takes the tier from the registry, not from the token', async () => {
    const result = await call(await tokenOf({ claims: { tier: 'premium', role: 'SystemAdmin' } }));
    expect(result.context).toEqual({ tenantPath: 'pool', tenantId: A, tier: 'basic' });
  });

  test('makes no outgoing call while keys and registry are cached, and reads the registry again after two seconds', async () => {
    const token = await tokenOf();
    await call(token);
    const issuer = `issuer#${issuerOfPool('eu-west-1', POOL)}`;
    const caller = [`subject#pool#${A}-user`, `route#${A}`];
    expect(reads).toEqual([issuer, ...caller]);
    expect(pools.requests()).toBe(1);
    scratch.clock.advance(1_999);
    for (let i = 0; i < 100; i++) await call(token);
    await call(await tokenOf({ claims: { jti: 'another token of the same user' } }));
    expect([reads.length, pools.requests()]).toEqual([3, 1]);
    scratch.clock.advance(1);
    await call(token);
    expect(reads.slice(3)).toEqual([issuer, ...caller]);
    expect(pools.requests()).toBe(1);
  });

  test('serves a tenant at once that was unknown a moment ago', async () => {
    const token = await tokenOf({ tenantId: B });
    await expect(call(token)).rejects.toThrow('Unauthorized');
    await write(userOf(B));
    expect(await call(token)).toMatchObject({ context: { message: 'Forbidden' } });
    await write(tenantRoute(B));
    expect(await call(token)).toMatchObject({ context: { tenantId: B } });
  });

  const UNAUTHORIZED: readonly (readonly [string, () => Promise<string | undefined> | string | undefined])[] = [
    ['no token', () => undefined],
    ['an empty header', () => ''],
    ['another scheme', () => 'Basic YTpi'],
    ['an API key', () => `Bearer key-${A}`],
    ['a token signed by another key', () => tokenOf({ forged: true })],
    ['an expired token', () => tokenOf({ claims: { exp: 1 } })],
    ['an ID token', () => tokenOf({ claims: { token_use: 'id' } })],
    ['a token of another client', () => tokenOf({ claims: { client_id: 'other' } })],
    ['a token without a tenant', () => tokenOf({ claims: { tenantId: undefined } })],
    ['an unknown user pool', () => tokenOf({ userPoolId: 'eu-west-1_unknown' })],
    [
      'a look-alike issuer',
      () => tokenOf({ claims: { iss: `https://cognito-idp.eu-west-1.amazonaws.com.evil/${POOL}` } }),
    ],
    ['an issuer that is no possible key', () => tokenOf({ claims: { iss: `https://${'a'.repeat(2_000)}\n` } })],
    ['an unknown user', () => tokenOf({ claims: { sub: 'nobody' } })],
  ];
  test.each(UNAUTHORIZED)('SE-1: refuses %s with 401', async (_what, header) => {
    await expect(call(await header())).rejects.toThrow(/^Unauthorized$/);
  });

  test('SE-1.2: does not look issuers up that no user pool can have', async () => {
    await expect(call(await tokenOf({ claims: { iss: 'https://evil.example/pool' } }))).rejects.toThrow('Unauthorized');
    expect([reads, pools.requests()]).toEqual([[], 0]);
  });

  test.each<[string, Partial<Subject>]>([
    ['is disabled', { enabled: false }],
    ['has ended all sessions since', { tokensValidFrom: 4e9 }],
  ])('refuses the token of a user who %s with 401', async (_what, change) => {
    await write(userOf(A, change));
    await expect(call(await tokenOf())).rejects.toThrow(/^Unauthorized$/);
  });

  test.each<[string, Partial<Route>, string]>([
    ['suspended', { state: 'suspended' }, 'The tenant is suspended'],
    ['being deleted', { state: 'deprovisioning' }, 'Forbidden'],
    ['not active yet', { state: 'provisioning' }, 'Forbidden'],
    ['in another realm', { realm: `tenant-${A}` }, 'Forbidden'],
  ])('RT-1: denies a tenant that is %s, with the message of the 403', async (_what, change, message) => {
    await write(tenantRoute(A, 'basic', change));
    const result = await call(await tokenOf());
    expect(effectOf(result)).toEqual([{ Action: 'execute-api:Invoke', Effect: 'Deny', Resource: `${STAGE}/*` }]);
    expect(result.context).toEqual({ message });
    expect(result.usageIdentifierKey).toBeUndefined();
  });

  test('denies a tenant without a metering key', async () => {
    const { apiKey: _, ...route } = tenantRoute(A);
    await write(route);
    expect(await call(await tokenOf())).toMatchObject({ context: { message: 'Forbidden' } });
  });

  test("SE-1.7: denies a token that names another tenant than the user's own", async () => {
    await write(tenantRoute(B));
    const result = await call(await tokenOf({ tenantId: B, claims: { sub: `${A}-user` } }));
    expect(result.context).toEqual({ message: 'Forbidden' });
  });

  test("reports the issuer's keys as unavailable, which is not a refusal", async () => {
    await pools.close();
    await expect(call(await tokenOf())).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('SE-1.10: writes one line per decision, without token, key or personal name', async () => {
    const token = await tokenOf();
    await call(token);
    const text = logged.join();
    expect(logged).toHaveLength(1);
    expect(text).toContain(A);
    for (const secret of [token.slice(-20), `key-${A}`, `${A}-user`, '@']) expect(text).not.toContain(secret);
  });
});

test('the bundle of the authorizer has at most 200 KB', () => {
  expect(Buffer.byteLength(functionCode('app-plane/lambda/authorizer.ts'))).toBeLessThanOrEqual(200 * 1024);
});
