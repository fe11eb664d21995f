import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cacheSessions } from '../../adapters/aws/store/tenant-sessions.ts';
import { cachedRegistry, tableRegistry } from '../../app-plane/gateway/registry.ts';
import type { RealmId } from '../../core/ports/identity.ts';
import { put } from '../../core/ports/table.ts';
import { type Route, routeKey, type Subject, subjectKey } from '../../core/routing/registry.ts';
import { openScratchTable } from '../support/scratch-table.ts';

const A = 'tenanta0000000000000000001';
const B = 'tenantb0000000000000000002';
/** User pools number their users independently, so two pools may use the same subject. */
const SUBJECT = 'the-same-subject';
const REALMS: readonly (readonly [RealmId, string])[] = [
  ['pool', A],
  [`tenant-${B}`, B],
];

describe('caches that hold what belongs to a tenant', () => {
  let scratch: Awaited<ReturnType<typeof openScratchTable>>;
  beforeAll(async () => {
    scratch = await openScratchTable();
    for (const [realm, tenantId] of REALMS) {
      const user: Subject = {
        ...{
          realm,
          tenantId,
          subject: SUBJECT,
          issuer: `https://${realm}.example`,
          role: 'TenantAdmin',
          enabled: true,
        },
        ...{ userName: tenantId, email: `${tenantId}@x.example` },
      };
      const route: Route = {
        ...{ tenantId, slug: tenantId, apiKey: `key of ${tenantId}`, realm, cluster: 'pool', silo: false },
        ...{ tier: 'basic', state: 'active' },
      };
      await scratch.table.transact([
        put({ ...subjectKey(realm, SUBJECT), version: 1, data: user }),
        put({ ...routeKey(tenantId), version: 1, data: route }),
      ]);
    }
  });
  afterAll(() => scratch.close());

  test('SE-1.9: the registry keeps the same subject of two realms apart, in any order and at the same time', async () => {
    const registry = cachedRegistry(tableRegistry(scratch.table), { clock: scratch.clock });
    const keyOf = async (realm: RealmId) => (await registry.lookup(realm, SUBJECT)).route?.apiKey;
    const keys: (string | undefined)[] = [];
    for (let i = 0; i < 10; i++) {
      for (const [realm] of i % 2 ? REALMS : REALMS.toReversed()) keys.push(await keyOf(realm));
    }
    const inOrder = REALMS.map(([, tenantId]) => `key of ${tenantId}`);
    expect(keys).toEqual(Array.from({ length: 10 }, (_, i) => (i % 2 ? inOrder : inOrder.toReversed())).flat());
    const together = await Promise.all(Array.from({ length: 50 }, (_, i) => keyOf(REALMS[i % 2]?.[0] ?? 'pool')));
    expect(together).toEqual(Array.from({ length: 50 }, (_, i) => inOrder[i % 2]));
  });

  test("SE-1.9: a request never gets another tenant's session, however requests of both interleave", async () => {
    const expiration = new Date(scratch.clock.now() + 3_600_000);
    const sessions = cacheSessions(
      async (tenantId) => {
        // The second tenant's session arrives first.
        if (tenantId === A) await new Promise((resolve) => setImmediate(resolve));
        return { accessKeyId: `of ${tenantId}`, secretAccessKey: 'x', sessionToken: 'x', expiration };
      },
      { clock: scratch.clock, capacity: 1 },
    );
    const got = await Promise.all(Array.from({ length: 40 }, (_, i) => sessions(i % 2 ? A : B)));
    expect(got.map(({ accessKeyId }) => accessKeyId)).toEqual(
      Array.from({ length: 40 }, (_, i) => `of ${i % 2 ? A : B}`),
    );
  });
});
