import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openTable, type SqliteTable } from '../../../adapters/embedded/store/table.ts';
import { systemClock } from '../../../adapters/shared/clock.ts';
import { envelope } from '../../../core/events/events.ts';
import { seenWrite } from '../../../core/events/once.ts';
import { outboxWrites } from '../../../core/events/outbox.ts';
import { OUTBOX, REJECTED } from '../../../core/events/outbox-partitions.ts';
import { drainOutbox, type Publisher, startPublisher } from '../../../core/events/publisher.ts';
import type { Envelope, EventBus } from '../../../core/ports/event-bus.ts';
import { type JsonObject, put } from '../../../core/ports/table.ts';
import { afterBackgroundWork } from '../../support/background-work.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { silentLog } from '../../support/silent-log.ts';
import { until } from '../../support/until.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const ids = { tenantId: '01hzx3tenant', tenantRegistrationId: '01hzx3registration' };
const registration: JsonObject = { ...ids, tenantName: 'acme', email: 'admin@acme.example', tier: 'basic' };

const onboarding = (id: string, detail: JsonObject = registration): Envelope =>
  envelope(id, 'onboardingRequest', detail, NOW);

describe('outbox and publisher', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tierplane-events-'));
  let files = 0;
  let table: SqliteTable;
  let publisher: Publisher | undefined;
  let published: string[];
  let failures: number;
  const clock = new ManualClock(NOW);

  const bus: Pick<EventBus, 'publish'> = {
    async publish(events) {
      if (failures-- > 0) throw new Error('the bus is unavailable');
      published.push(...events.map(({ id }) => id));
    },
  };
  const start = (): Publisher => {
    publisher = startPublisher({ table, bus: bus as EventBus, clock, log: silentLog });
    return publisher;
  };
  const outbox = async () => (await table.query({ ...OUTBOX, limit: 1000 })).items;
  const write = (...events: Envelope[]) => table.transact(outboxWrites(events));

  beforeEach(() => {
    table = openTable({ file: join(directory, `${files++}.db`), clock: systemClock, synchronous: 'normal' });
    published = [];
    failures = 0;
  });
  afterEach(async () => {
    await publisher?.close();
    publisher = undefined;
    await table.close();
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test('refuse to write an event that matches no schema', () => {
    expect(() => outboxWrites([onboarding('1', {})])).toThrow(expect.objectContaining({ code: 'INVALID' }));
  });

  test('publish the events of an earlier process in order, beyond one batch, and empty the outbox', async () => {
    const all = Array.from({ length: 250 }, (_, i) => `e${String(i).padStart(3, '0')}`);
    for (let i = 0; i < 250; i += 50) await write(...all.slice(i, i + 50).map((id) => onboarding(id)));
    start();
    await until(async () => (await outbox()).length === 0);
    expect(published).toEqual(all);
  });

  test('publish at once when a commit wakes the publisher, without a timer', async () => {
    const { wake } = start();
    table.onCommit((pks) => pks.includes(OUTBOX.pk) && wake());
    await Promise.all(Array.from({ length: 40 }, (_, i) => write(onboarding(`e${i}`))));
    await until(() => published.length === 40);
    await write(onboarding('last'));
    await until(() => published.includes('last'));
    await until(async () => (await outbox()).length === 0);
    expect(published).toHaveLength(41);
  });

  test('keep the events that the bus refused, and publish them at the next sweep', async () => {
    failures = 1;
    await write(onboarding('1'));
    await start().close();
    expect(published).toEqual([]);
    expect(await outbox()).toHaveLength(1);
    failures = 1;
    start();
    await until(() => failures === 0);
    await until(() => {
      clock.advance(5_000);
      return published.length === 1;
    });
    await until(async () => (await outbox()).length === 0);
  });

  test('set aside an invalid event of an older version with the reason, without blocking the others', async () => {
    const stale = { ...onboarding('1'), detail: { tier: 'gold' } };
    await table.transact([put({ ...OUTBOX, sk: '1', version: 1, data: stale })]);
    await write(onboarding('2'));
    start();
    await until(async () => (await outbox()).length === 0);
    expect(published).toEqual(['2']);
    const rejected = await table.get({ ...REJECTED, sk: '1' });
    expect(rejected?.data).toMatchObject({ event: stale, reason: expect.stringContaining('detail.tenantId') });
  });

  test('are drained at once for a function that is invoked from outside, beyond one batch', async () => {
    const all = Array.from({ length: 101 }, (_, i) => `e${String(i).padStart(3, '0')}`);
    await write(...all.slice(0, 100).map((id) => onboarding(id)));
    await write(onboarding('e100'));
    failures = 1;
    const deps = { table, bus: bus as EventBus, log: silentLog };
    await expect(drainOutbox(deps)).rejects.toThrow('the bus is unavailable');
    await drainOutbox(deps);
    expect([published, await outbox()]).toEqual([all, []]);
    // Nothing is left, so the bus is not called.
    failures = 1;
    await drainOutbox(deps);
    expect(failures).toBe(1);
  });

  test('prevent the effects of a duplicate, for each consumer separately', async () => {
    const event = { ...onboarding('1'), time: new Date().toISOString() };
    const effect = (sk: string) => put({ pk: 'p', sk, version: 1, data: {} });
    await table.transact([effect('first'), seenWrite('one', event)]);
    await expect(table.transact([effect('second'), seenWrite('one', event)])).rejects.toMatchObject({ failed: [1] });
    await table.transact([effect('third'), seenWrite('two', event)]);
    expect((await table.query({ pk: 'p', limit: 10 })).items.map(({ sk }) => sk)).toEqual(['first', 'third']);
  });

  test('keep the mark of a handled event for 14 days, in whole seconds, and create it only once', () => {
    const event = { ...onboarding('1'), time: new Date(NOW + 999).toISOString() };
    expect(seenWrite('one', event)).toEqual({
      put: { pk: 'seen#one', sk: '1', version: 1, data: {}, expiresAt: NOW / 1000 + 14 * 24 * 3600 },
      if: 'absent',
    });
  });

  test('refuse to write one event twice', async () => {
    expect(outboxWrites([onboarding('1')])).toEqual([expect.objectContaining({ if: 'absent' })]);
    await write(onboarding('1'));
    await expect(write(onboarding('1'))).rejects.toMatchObject({ code: 'CONDITION_FAILED' });
  });

  test('look at the outbox again 5 seconds after the last look, not after an earlier one', async () => {
    let looks = 0;
    const query = table.query.bind(table);
    Object.assign(table, { query: (...args: Parameters<typeof query>) => query(...args).finally(() => looks++) });
    const { wake } = start();
    await until(() => looks === 1);
    await afterBackgroundWork(table);
    clock.advance(2_000);
    wake();
    await until(() => looks === 2);
    await afterBackgroundWork(table);
    clock.advance(4_999);
    await afterBackgroundWork(table);
    expect(looks).toBe(2);
    clock.advance(1);
    await until(() => looks === 3);
  });

  test('publish again at once when a wake arrives while a publication fails', async () => {
    const gate = Promise.withResolvers<void>();
    const publish = bus.publish;
    Object.assign(bus, {
      publish: async () => {
        Object.assign(bus, { publish });
        await gate.promise;
        throw new Error('the bus is unavailable');
      },
    });
    await write(onboarding('1'));
    const { wake } = start();
    await until(() => bus.publish === publish);
    wake();
    gate.resolve();
    await until(() => published.length === 1);
    expect(published).toEqual(['1']);
  });

  test('end after the current batch when the publisher is closed, and leave the others in the outbox', async () => {
    const all = Array.from({ length: 101 }, (_, i) => `e${String(i).padStart(3, '0')}`);
    await write(...all.slice(0, 100).map((id) => onboarding(id)));
    await write(onboarding('e100'));
    const { publish } = bus;
    const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    Object.assign(bus, {
      publish: async (events: Envelope[]) => {
        begun.resolve();
        await gate.promise;
        await publish(events);
      },
    });
    const closing = start();
    await begun.promise;
    const closed = closing.close().then(() => [...published]);
    await afterBackgroundWork(table);
    gate.resolve();
    expect(await closed).toEqual(all.slice(0, 100));
    await afterBackgroundWork(table);
    Object.assign(bus, { publish });
    expect((await outbox()).map(({ sk }) => sk)).toEqual(['e100']);
  });

  test.each(['publishes', 'waits'])(
    'leave no timer behind and publish nothing more once the publisher is closed while it %s',
    async (doing) => {
      const timers = new Set<object>();
      const counting = {
        now: () => NOW,
        monotonic: () => NOW,
        after() {
          const timer = { cancel: () => timers.delete(timer) };
          timers.add(timer);
          return timer;
        },
      };
      const closing = startPublisher({ table, bus: bus as EventBus, clock: counting, log: silentLog });
      if (doing === 'waits') await afterBackgroundWork(table);
      expect(timers.size).toBe(1);
      await closing.close();
      await write(onboarding('1'));
      closing.wake();
      await afterBackgroundWork(table);
      expect([timers.size, published]).toEqual([0, []]);
    },
  );
});
