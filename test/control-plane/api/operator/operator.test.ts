import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { REJECTED } from '../../../../core/events/outbox-partitions.ts';
import { POOL_PLACE, placeOf } from '../../../../core/plan/place.ts';
import { put } from '../../../../core/ports/table.ts';
import { TIERS } from '../../../../tenant-templates/tiers.ts';
import { FakeRuntime } from '../../../app-plane/provisioner/fake-runtime.ts';
import type { Body } from '../home.ts';
import { type LightHome, startLightHome } from '../light-home.ts';

let home: LightHome;
let runtime: FakeRuntime;
beforeEach(async () => {
  home = await startLightHome();
  runtime = new FakeRuntime();
  const bus = { deadLetters: async () => ({ items: [] }) };
  const status = async () => ({ home: 'aws', region: 'test', clusters: ['pool'] });
  Object.assign(home.deps.operator, { bus, status });
  Object.assign(home.deps.compute, { runtime });
  const pool = { id: 'pool', cluster: 'pool', tenantId: null, tier: 'basic', size: TIERS.basic.task } as const;
  await runtime.deploy({ ...pool, services: ['orders'], release: '1.0.0', environment: {}, place: POOL_PLACE });
});
afterEach(async () => home[Symbol.asyncDispose]());

function call(method: string, path: string, query: Record<string, string> = {}, body?: unknown) {
  return home.call(method, path, body, { query });
}

describe('OB-5: an operator', () => {
  test('sees the tier table and the clusters that run', async () => {
    expect(await call('GET', '/operator/tiers')).toEqual({ status: 200, body: { data: TIERS } });
    const status = { home: 'aws', region: 'test', clusters: ['pool'] };
    expect(await call('GET', '/operator/status')).toEqual({ status: 200, body: { data: status } });
  });

  test.each<[query: Record<string, string>, found: string[]]>([
    [{}, ['pool', 'shared acme0000', 'shared globex00']],
    [{ tenantId: 'acme0000' }, ['shared acme0000']],
    [{ cluster: 'shared' }, ['shared acme0000', 'shared globex00']],
    [{ cluster: 'pool', tenantId: 'acme0000' }, []],
  ])('lists the services that match %j', async (query, found) => {
    for (const tenantId of ['acme0000', 'globex00']) {
      const place = placeOf(tenantId, TIERS.advanced);
      await runtime.deploy({
        ...{
          id: `tenant-${tenantId}`,
          cluster: 'shared',
          tenantId,
          tier: 'advanced',
          size: TIERS.advanced.task,
          place,
        },
        ...{ services: ['orders'], release: '1.0.0', environment: {} },
      });
    }
    const { body } = await call('GET', '/operator/services', query);
    const names = body.data.map(({ cluster, tenantId }: Body) => [cluster, tenantId].filter(Boolean).join(' '));
    expect(names).toEqual(found);
  });

  test('restarts and scales a service, pooled unless the request names a tenant', async () => {
    const pooled = { cluster: 'pool', service: 'orders' };
    const tasks = async () => (await runtime.services())[0]?.tasks.map(({ taskId }) => taskId);
    const before = await tasks();
    expect(await call('POST', '/operator/services/restart', {}, pooled)).toEqual({
      ...{ status: 200, body: { message: 'Service restarted' } },
    });
    expect(await tasks()).not.toEqual(before);
    expect(await call('POST', '/operator/services/scale', {}, { ...pooled, desired: 0 })).toEqual({
      ...{ status: 200, body: { message: 'Service scaled' } },
    });
    expect(await tasks()).toEqual([]);
    const ofTenant = { ...pooled, tenantId: 'acme0000' };
    for (const [path, more] of [
      ['restart', {}],
      ['scale', { desired: 1 }],
    ] as const) {
      expect((await call('POST', `/operator/services/${path}`, {}, { ...ofTenant, ...more })).status).toBe(404);
    }
  });

  test.each<[what: string, change: object, path: string[], message: unknown]>([
    ['a cluster that cannot exist', { cluster: 'x' }, ['cluster'], 'must be pool, shared or tenant-<id>'],
    ['a service without a name', { service: '' }, ['service'], expect.any(String)],
    ['a service whose name is too long', { service: 'x'.repeat(64) }, ['service'], expect.any(String)],
    ['a fraction of a task', { desired: 1.5 }, ['desired'], 'must be a whole number'],
    ['fewer than no tasks', { desired: -1 }, ['desired'], 'must be at least 0'],
    ['more tasks than any service has', { desired: 1_001 }, ['desired'], 'must be at most 1000'],
    ['a field that does not exist', { more: 1 }, ['more'], 'is not a known key'],
  ])('SE-6: cannot scale %s', async (_what, change, path, msg) => {
    const body = { cluster: 'pool', service: 'orders', desired: 1, ...change };
    const response = await call('POST', '/operator/services/scale', {}, body);
    expect(response).toMatchObject({ status: 422, body: { detail: [{ loc: ['body', ...path], msg }] } });
  });

  test('reads dead letters page by page, with a token that belongs to the list of one consumer', async () => {
    const event = { id: 'x', source: 's', detailType: 't', detail: {}, time: '2026-01-01T00:00:00.000Z' };
    const rejected = (sk: string) => put({ ...REJECTED, sk, version: 1, data: { event, reason: 'no schema' } });
    await home.deps.table.transact(['1', '2'].map(rejected));
    for (const consumer of [undefined, 'outbox']) {
      const list = (query: Record<string, string>) =>
        call('GET', '/operator/dead-letters', { limit: '1', ...(consumer !== undefined && { consumer }), ...query });
      const { body } = await list({});
      expect(body.data).toMatchObject([{ id: 'outbox~1' }]);
      const token = String(body.next_token);
      expect((await list({ next_token: token })).body).toEqual({ data: [expect.objectContaining({ id: 'outbox~2' })] });
      const elsewhere = {
        next_token: token,
        ...(consumer === undefined ? { consumer: 'outbox' } : { consumer: 'other' }),
      };
      expect((await call('GET', '/operator/dead-letters', elsewhere)).status).toBe(400);
    }
    expect((await call('GET', '/operator/dead-letters', { consumer: 'x'.repeat(101) })).status).toBe(422);
    expect(await call('POST', '/operator/dead-letters/outbox~1/replay')).toEqual({
      ...{ status: 200, body: { message: 'Dead letter queued again' } },
    });
    expect((await home.outbox()).map(({ id }) => id)).toEqual(['x']);
    expect((await call('POST', '/operator/dead-letters/outbox~1/replay')).status).toBe(404);
  });
});

test('OB-5: readiness follows the store; its error is logged and not sent', async () => {
  expect(await call('GET', '/healthz')).toEqual({ status: 200, body: { status: 'ok' } });
  expect(await call('GET', '/readyz')).toEqual({ status: 200, body: { status: 'ready' } });
  Object.assign(home.deps.table, { get: async () => Promise.reject(new Error('disk full')) });
  expect(await call('GET', '/readyz')).toEqual({ status: 503, body: { status: 'unavailable' } });
  expect(home.logged).toEqual([expect.stringContaining('the store does not respond')]);
});
