import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { UPSTREAM_CLIENTS } from '../../../app-plane/gateway/upstream-clients.ts';
import type { Subject } from '../../../core/routing/registry.ts';
import { type HeldRequest, holdRequest } from '../../support/held-request.ts';
import { echo, type Fixture, startFixture, tenantRoute, tokenOf } from './fixture.ts';

const TENANT = 'acme00001';
const USER = `pool ${TENANT}-user`;

/** What can happen to the caller or the tenant while the body is on its way, and the status that follows. */
const LOSSES: readonly (readonly [string, number, (fixture: Fixture) => void])[] = [
  ['the caller is disabled', 401, ({ subjects }) => void subjects.set(USER, { ...userOf(subjects), enabled: false })],
  ['the caller is deleted', 401, ({ subjects }) => void subjects.delete(USER)],
  [
    'the tenant is suspended',
    403,
    ({ routes }) => void routes.set(TENANT, { ...tenantRoute(TENANT), state: 'suspended' }),
  ],
  [
    'the tenant is being deleted',
    403,
    ({ routes }) => void routes.set(TENANT, { ...tenantRoute(TENANT), state: 'deprovisioning' }),
  ],
  ['the tenant is deleted', 403, ({ routes }) => void routes.delete(TENANT)],
];

function userOf(subjects: Fixture['subjects']): Subject {
  const user = subjects.get(USER);
  if (!user) throw new Error('no such user');
  return user;
}

/** How bodies travel: read first, or streamed. */
const BODIES: readonly (readonly [string, Record<string, string>, string])[] = [
  ['a short body of known length', { 'content-length': '12' }, 'short enough'],
  ['a long body of known length', { 'content-length': '200000' }, 'x'.repeat(200_000)],
  ['a body in chunks', { 'transfer-encoding': 'chunked' }, 'in some chunks'],
];

describe.each(UPSTREAM_CLIENTS)('with the client %s,', (upstream) => {
  let fixture: Fixture;
  /** The bodies that the service has received completely. */
  let received: string[];
  let authorization: string;

  beforeEach(async () => {
    fixture = await startFixture({ upstream });
    received = [];
    await fixture.serve('products', (request, response) => {
      let body = '';
      request.on('data', (piece: Buffer) => {
        body += piece.toString();
      });
      request.on('end', () => {
        received.push(body);
        response.end(request.headers['x-tierplane-role']);
      });
    });
    authorization = await fixture.addTenant(tenantRoute(TENANT));
  });
  afterEach(() => fixture.close());

  function hold(headers: Record<string, string>, body: string, given = authorization): Promise<HeldRequest> {
    return holdRequest(`${fixture.url}/api/products`, {
      method: 'POST',
      headers: { authorization: given, ...headers },
      body,
    });
  }

  describe.each(BODIES)('%s', (_kind, headers, body) => {
    test.each(LOSSES)('ID-4: is not passed on completely when %s meanwhile', async (_what, status, lose) => {
      const held = await hold(headers, body);
      // No invalidation: the cache of the registry still has what was true.
      lose(fixture);
      expect((await held.finish()).status).toBe(status);
      expect(received).toEqual([]);
    });

    test('ID-4: is not passed on completely when the token expires meanwhile', async () => {
      const expiresAt = Math.floor(Date.now() / 1_000) + 1;
      const held = await hold(headers, body, `Bearer ${await tokenOf({ tenantId: TENANT, expiresAt })}`);
      await new Promise((resolve) => setTimeout(resolve, expiresAt * 1_000 - Date.now()));
      expect((await held.finish()).status).toBe(401);
      expect(received).toEqual([]);
    });

    test('ID-4: is never passed on with a role that the caller has lost', async () => {
      const held = await hold(headers, body);
      fixture.subjects.set(USER, { ...userOf(fixture.subjects), role: 'TenantUser' });
      const { status, text } = await held.finish();
      if (status === 200) expect(text).toBe('TenantUser');
      else expect([status, received]).toEqual([403, []]);
    });

    test('arrives unchanged if nothing happens meanwhile', async () => {
      const held = await hold(headers, body);
      expect((await held.finish()).status).toBe(200);
      expect(received).toEqual([body]);
    });
  });
});

test.each(['POST', 'PUT', 'PATCH', 'DELETE'])(
  'ID-4: %s without a body reads the registry itself, not the cache',
  async (method) => {
    const fixture = await startFixture();
    try {
      await fixture.serve('products', echo);
      const headers = { authorization: await fixture.addTenant(tenantRoute(TENANT)) };
      const url = `${fixture.url}/api/products`;
      expect((await fetch(url, { headers })).status).toBe(200);
      fixture.subjects.delete(USER);
      expect((await fetch(url, { method, headers })).status).toBe(401);
    } finally {
      await fixture.close();
    }
  },
);
