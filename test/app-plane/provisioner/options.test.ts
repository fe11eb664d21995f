import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { routeKeys } from '../../../adapters/embedded/metering/metering-keys.ts';
import { createPlaces } from '../../../adapters/embedded/runtime/places.ts';
import { systemRandom } from '../../../adapters/shared/clock.ts';
import { LEASE_MS } from '../../../app-plane/provisioner/claim.ts';
import { heldElsewhere } from '../../../app-plane/provisioner/pass-result.ts';
import { loadPlacement } from '../../../app-plane/provisioner/placement.ts';
import {
  createProvisioner,
  type Provisioner,
  type ProvisionerOptions,
} from '../../../app-plane/provisioner/provisioner.ts';
import { OUTBOX } from '../../../core/events/outbox-partitions.ts';
import type { EventBus } from '../../../core/ports/event-bus.ts';
import type { RealmSpec } from '../../../core/ports/identity.ts';
import { SERVICES, TIERS } from '../../../tenant-templates/tiers.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { openScratchTable } from '../../support/scratch-table.ts';
import { until } from '../../support/until.ts';
import { type FakeIdentity, openFakeIdentity } from './fake-identity.ts';
import { FakeRuntime, FakeTenantData } from './fake-runtime.ts';
import { placementOf, store } from './placements.ts';
import { offboarding, onboarding } from './world.ts';

const ID = 'acme0000';

let scratch: Awaited<ReturnType<typeof openScratchTable>>;
let identity: FakeIdentity;
let runtime: FakeRuntime;
let lines: string[];
let subscribed: string[];
let opened: Provisioner[];

beforeEach(async () => {
  scratch = await openScratchTable();
  identity = openFakeIdentity(scratch.table, scratch.clock);
  runtime = new FakeRuntime();
  [lines, subscribed, opened] = [[], [], []];
});
afterEach(async () => {
  for (const provisioner of opened) await provisioner.close();
  await scratch.close();
});

/** A provisioner with as few options as possible. */
function open(change: Partial<ProvisionerOptions> = {}): Provisioner {
  const provisioner = createProvisioner({
    ...{ table: scratch.table, clock: scratch.clock, identity, runtime, random: systemRandom },
    ...{ data: new FakeTenantData(runtime), places: createPlaces(TIERS), meteringKeys: routeKeys },
    release: '1.0.0',
    ...{ tiers: TIERS, services: SERVICES, publicUrl: 'http://a', log: recordingLog(lines) },
    bus: {
      subscribe(consumer) {
        subscribed.push(consumer.name);
        return { close: async () => void subscribed.push('closed') };
      },
    } as EventBus,
    environmentOf: () => ({}),
    onRouteChange: () => undefined,
    ...change,
  });
  opened.push(provisioner);
  return provisioner;
}

const placement = async (tenantId = ID) => (await loadPlacement(scratch.table, tenantId))?.data;

async function results() {
  const { items } = await scratch.table.query({ ...OUTBOX, limit: 100 });
  return items.map(({ data }) => `${data.detailType} ${data.detail.tenantId}`);
}

describe('a provisioner without further options', () => {
  test('onboards and offboards a tenant, and shows its steps', async () => {
    const provisioner = open();
    await provisioner.start();
    expect([provisioner.accept.concurrency, subscribed]).toEqual([32, ['app-plane-accept']]);
    await provisioner.accept.handle(onboarding(ID, 'advanced'));
    await provisioner.idle();
    expect((await placement())?.phase).toBe('ready');
    expect((await provisioner.progress(ID)).length).toBeGreaterThan(3);
    expect(await provisioner.progress('globex00')).toStrictEqual([]);
    await provisioner.accept.handle(offboarding(ID));
    await provisioner.idle();
    expect((await placement())?.phase).toBe('gone');
    // Their ids have the same time, so they are in no particular order.
    expect((await results()).sort()).toEqual([`deprovisionSuccess ${ID}`, `provisionSuccess ${ID}`]);
    await provisioner.close();
    expect(subscribed).toEqual(['app-plane-accept', 'closed']);
  });

  test('names itself in leases by a new id, and takes no lease of an earlier process', async () => {
    let owner: string | undefined;
    const provisioner = open({
      checkpoint: async () => {
        owner ??= (await placement())?.lease?.owner;
      },
    });
    await provisioner.accept.handle(onboarding(ID, 'basic'));
    await provisioner.idle();
    expect(owner).toMatch(/^[0-9a-z]{26}$/);
    await store(
      scratch.table,
      placementOf({ tenantId: 'globex00', lease: { owner: 'other', until: scratch.clock.now() + 7 } }),
    );
    expect(await open().reconcile('globex00')).toEqual(heldElsewhere(7));
  });

  test('prepares the pooled realm under the name that sign-in pages show', async () => {
    const realms: RealmSpec[] = [];
    const ensureRealm: FakeIdentity['ensureRealm'] = (spec) => {
      realms.push(spec);
      return identity.ensureRealm(spec);
    };
    await open({ identity: { ...identity, ensureRealm } }).start();
    expect(realms).toEqual([{ id: 'pool', displayName: 'Tierplane' }]);
  });

  test('reads the configuration of the pooled realm once, and that of each other realm when it is needed', async () => {
    const read: string[] = [];
    const realm: FakeIdentity['realm'] = (id) => {
      read.push(id);
      return identity.realm(id);
    };
    const provisioner = open({ identity: { ...identity, realm } });
    await provisioner.start();
    for (const [tenantId, tier] of [
      ['basic000', 'basic'],
      ['basic001', 'basic'],
      ['premium0', 'premium'],
      ['basic002', 'basic'],
    ] as const) {
      await provisioner.accept.handle(onboarding(tenantId, tier));
      await provisioner.idle();
    }
    expect(read.filter((id) => id === 'pool')).toEqual(['pool']);
    expect(read).toContain('tenant-premium0');
    const { items } = await scratch.table.query({ ...OUTBOX, limit: 100 });
    const issuers = items.map(({ data }) => /realms\/([\w-]+)/.exec(JSON.stringify(data))?.[1]);
    expect(issuers.toSorted()).toEqual(['pool', 'pool', 'pool', 'tenant-premium0']);
  });

  test('announces no tenant whose realm does not exist, and tries again', async () => {
    const provisioner = open({ identity: { ...identity, realm: async () => undefined } });
    await provisioner.start();
    await provisioner.accept.handle(onboarding(ID, 'basic'));
    await provisioner.idle();
    expect(await results()).toEqual([]);
    expect(await placement()).toMatchObject({ phase: 'provisioning', attempts: 1 });
    expect(lines.join('\n')).toContain('realm pool must exist before its tenant is announced');
  });
});

describe('the work of a provisioner', () => {
  test('ON-11: shows a step while it runs, before the store has it, and ends with the provisioner', async () => {
    const started = Promise.withResolvers<void>();
    const proceed = Promise.withResolvers<void>();
    const createUser: FakeIdentity['createUser'] = async (...given) => {
      started.resolve();
      await proceed.promise;
      return identity.createUser(...given);
    };
    const provisioner = open({ identity: { ...identity, createUser }, isSoleOwner: true });
    await provisioner.start();
    await provisioner.accept.handle(onboarding(ID, 'basic'));
    await started.promise;
    const shown = structuredClone(await provisioner.progress(ID));
    const stored = (await placement())?.steps;
    const closed = provisioner.close();
    proceed.resolve();
    await closed;
    const running = expect.objectContaining({ name: 'create administrator', status: 'running' });
    expect(shown).toContainEqual(running);
    expect(stored).not.toContainEqual(running);
    expect([(await placement())?.phase, await results()]).toEqual(['accepted', []]);
  });

  test('is tried again after the interval of the sweep if it could not run', async () => {
    const { table } = scratch;
    let isBroken = false;
    const get: typeof table.get = (key) => (isBroken ? Promise.reject(new Error('no disk')) : table.get(key));
    const broken = { get, query: table.query.bind(table), transact: table.transact.bind(table) } as typeof table;
    const checkpoint = (name: string) => {
      isBroken = name === 'accepted';
    };
    const provisioner = open({ table: broken, checkpoint });
    await identity.ensureRealm({ id: 'pool', displayName: 'Pool' });
    await provisioner.accept.handle(onboarding(ID, 'basic'));
    await provisioner.idle();
    const logged = lines.map((line) => JSON.parse(line));
    const reason = 'unexpected error, see the log';
    expect(logged).toEqual([{ tenantId: ID, reason, err: 'Error: no disk', message: 'reconcile could not run' }]);
    isBroken = false;
    scratch.clock.advance(4_999);
    await provisioner.idle();
    expect((await placement())?.phase).toBe('accepted');
    scratch.clock.advance(1);
    await provisioner.idle();
    expect((await placement())?.phase).toBe('ready');
  });

  test('that could not run ends the restoration of its tenant, which counts as failed', async () => {
    const first = open();
    await first.start();
    await first.accept.handle(onboarding(ID, 'premium'));
    await first.idle();
    await first.close();
    scratch.clock.advance(LEASE_MS);
    const { table } = scratch;
    const get: typeof table.get = (key) =>
      key.pk.includes(ID) ? Promise.reject(new Error('no disk')) : table.get(key);
    const broken = { get, query: table.query.bind(table), transact: table.transact.bind(table) } as typeof table;
    const { start, restoration } = open({ table: broken });
    await start();
    await restoration.completed;
    expect(restoration.progress).toEqual({ total: 1, done: 1, failed: [ID] });
  });

  test('ends with the provisioner: it sweeps no more, and works on no further tenant', async () => {
    const { table } = scratch;
    let queries = 0;
    const query: typeof table.query = (...args) => {
      queries += 1;
      return table.query(...args);
    };
    const counting = { query, get: table.get.bind(table), transact: table.transact.bind(table) } as typeof table;
    const provisioner = open({ table: counting });
    await provisioner.start();
    await provisioner.close();
    const before = queries;
    scratch.clock.advance(60_000);
    expect(queries).toBe(before);
    await provisioner.accept.handle(onboarding(ID, 'basic'));
    await provisioner.idle();
    expect((await placement())?.phase).toBe('accepted');
  });

  test.each([
    ['5 seconds', {}, 5_000],
    ['the given time', { sweepSeconds: 2 }, 2_000],
  ])('is looked for every %s', async (_what, limits, intervalMs) => {
    const provisioner = open({ limits });
    await provisioner.start();
    await store(scratch.table, placementOf({ acceptedAt: scratch.clock.now() }));
    scratch.clock.advance(intervalMs - 1);
    await provisioner.idle();
    expect((await placement())?.phase).toBe('accepted');
    scratch.clock.advance(1);
    await until(async () => (await placement())?.phase === 'ready');
  });

  test.each([
    ['8 tenants', {}, 8],
    ['as many tenants as are allowed', { concurrency: 3 }, 3],
    ['as many tenants of a tier as are allowed', { perTier: { premium: 2 } }, 2],
  ])('is done for %s at the same time', async (_what, limits, most) => {
    const tiers = { ...TIERS, premium: { ...TIERS.premium, concurrency: 20 } };
    const working = new Set<string>();
    const reached: number[] = [];
    const proceed = Promise.withResolvers<void>();
    const checkpoint = async (name: string, tenantId: string) => {
      if (name !== 'claimed') return;
      working.add(tenantId);
      reached.push(working.size);
      await proceed.promise;
      working.delete(tenantId);
    };
    const provisioner = open({ limits, tiers, checkpoint });
    await provisioner.start();
    const ids = Array.from({ length: 10 }, (_, i) => `tenant0${i}`);
    for (const id of ids) await provisioner.accept.handle(onboarding(id, 'premium'));
    await until(() => working.size === most);
    await new Promise((resolve) => setImmediate(resolve));
    proceed.resolve();
    await provisioner.idle();
    expect(Math.max(...reached)).toBe(most);
    expect(reached).toHaveLength(10);
  });

  test('is limited by the concurrency of the tier', async () => {
    let [now, most] = [0, 0];
    const tiers = { ...TIERS, premium: { ...TIERS.premium, concurrency: 1 } };
    const checkpoint = (name: string) => {
      if (name === 'claimed') most = Math.max(most, ++now);
      if (name === 'finished') now -= 1;
    };
    const provisioner = open({ tiers, checkpoint });
    await provisioner.start();
    for (const id of ['tenant00', 'tenant01', 'tenant02']) await provisioner.accept.handle(onboarding(id, 'premium'));
    await provisioner.idle();
    expect(most).toBe(1);
  });
});

describe('a start', () => {
  test('with another public URL announces every ready tenant again, with the new URL', async () => {
    const first = open();
    await first.start();
    await first.accept.handle(onboarding(ID, 'basic'));
    await first.idle();
    await first.close();
    scratch.clock.advance(LEASE_MS);
    const second = open({ publicUrl: 'http://b' });
    await second.start();
    await second.idle();
    expect(await results()).toEqual([`provisionSuccess ${ID}`, `provisionSuccess ${ID}`]);
    const { items } = await scratch.table.query({ ...OUTBOX, limit: 100 });
    const urls = items.map(({ data }) => /http:\/\/\w+\/api/.exec(JSON.stringify(data))?.[0]);
    expect(urls.toSorted()).toEqual(['http://a/api', 'http://b/api']);
  });

  test('on hold subscribes to no requests', async () => {
    await open({ hold: true }).start();
    expect(subscribed).toEqual([]);
  });
});
