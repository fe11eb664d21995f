import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openEventBus } from '../../../adapters/embedded/events/event-bus.ts';
import { openTable } from '../../../adapters/embedded/store/table.ts';
import { systemClock, systemRandom } from '../../../adapters/shared/clock.ts';
import { outboxWrites } from '../../../core/events/outbox.ts';
import { OUTBOX } from '../../../core/events/outbox-partitions.ts';
import { startPublisher } from '../../../core/events/publisher.ts';
import { silentLog } from '../../support/silent-log.ts';
import { until } from '../../support/until.ts';
import { NOTHING, offboarding, onboarding, tenantId, World } from './world.ts';

describe('requests', () => {
  test('that arrive many times, at once and later, create one tenant and one result', async () => {
    await using world = new World();
    const process = await world.running();
    const id = tenantId();
    const event = onboarding(id, 'advanced');
    await Promise.all(Array.from({ length: 5 }, () => world.deliver(process, event)));
    await world.untilPhase(process, id, 'ready');
    await world.deliver(process, event);
    await process.provisioner.idle();
    expect(await world.resultTypes(id)).toEqual(['provisionSuccess']);
    expect(await world.identity.usersOf(id)).toHaveLength(1);
    const leave = offboarding(id);
    world.clock.advance(1);
    await Promise.all(Array.from({ length: 5 }, () => world.deliver(process, leave)));
    await world.untilPhase(process, id, 'gone');
    await world.deliver(process, leave);
    await process.provisioner.idle();
    expect(await world.resultTypes(id)).toEqual(['provisionSuccess', 'deprovisionSuccess']);
  });

  test('to onboard that arrive after the offboarding, and their replays, do not revive the tenant', async () => {
    await using world = new World();
    const process = await world.running();
    const id = tenantId();
    await world.offboard(process, id);
    const late = onboarding(id, 'premium');
    for (const event of [late, late, onboarding(id, 'basic')]) await world.deliver(process, event);
    await process.provisioner.idle();
    expect(await world.traces(id)).toEqual({ placement: { phase: 'gone', desired: 'absent' }, ...NOTHING });
    expect(await world.resultTypes(id)).toEqual(['deprovisionSuccess']);
  });

  test('to offboard stop an onboarding in progress: no success is reported, nothing is left', async () => {
    await using world = new World();
    const process = await world.running();
    const id = tenantId();
    const leaving: Promise<boolean>[] = [];
    process.point = (name) => {
      if (name === 'deploy' && leaving.length === 0) leaving.push(world.deliver(process, offboarding(id)));
    };
    await world.deliver(process, onboarding(id, 'premium'));
    await world.untilPhase(process, id, 'gone');
    await Promise.all(leaving);
    expect(leaving).toHaveLength(1);
    expect(await world.traces(id)).toMatchObject(NOTHING);
    expect(await world.resultTypes(id)).toEqual(['deprovisionSuccess']);
  });

  test('for a tenant that is ready or gone send the result again', async () => {
    await using world = new World();
    const process = await world.running();
    const id = await world.onboard(process, 'basic');
    const key = (await world.route(id))?.apiKey;
    world.clock.advance(1);
    await world.deliver(process, onboarding(id, 'basic'));
    await world.until(process, async () => (await world.results(id)).length === 2);
    expect((await world.route(id))?.apiKey).toBe(key);
    for (let i = 0; i < 2; i++) {
      world.clock.advance(1);
      await world.offboard(process, id);
    }
    expect(await world.resultTypes(id)).toEqual([
      'provisionSuccess',
      'provisionSuccess',
      'deprovisionSuccess',
      'deprovisionSuccess',
    ]);
  });

  test('that are forged or malformed are refused and write nothing', async () => {
    await using world = new World();
    const process = await world.running();
    const id = tenantId();
    const good = onboarding(id, 'basic');
    for (const bad of [
      { ...good, source: 'applicationPlaneEventSource' },
      { ...good, detail: { ...good.detail, tier: 'platinum' } },
      { ...good, detail: { ...good.detail, tenantId: '../x' } },
      { ...good, detail: { ...good.detail, tenantName: '---' } },
    ]) {
      await expect(world.deliver(process, bad)).rejects.toMatchObject({ code: 'INVALID' });
    }
    expect(await world.traces(id)).toEqual({ placement: undefined, ...NOTHING });
  });
});

test('a provisioner on hold accepts no request', async () => {
  await using world = new World();
  const subscribed: string[] = [];
  const bus = openEventBus({
    database: world.table.database,
    clock: world.clock,
    random: systemRandom,
    log: silentLog,
  });
  const subscribe = bus.subscribe.bind(bus);
  bus.subscribe = (consumer) => {
    subscribed.push(consumer.name);
    return subscribe(consumer);
  };
  const held = await world.running({ bus, hold: true });
  expect(subscribed).toEqual([]);
  await held.provisioner.close();
  const free = await world.running({ bus });
  expect(subscribed).toEqual(['app-plane-accept']);
  await free.provisioner.close();
  await bus.close();
});

test('a request reaches the provisioner over the real bus, and its result reaches the outbox', async () => {
  await using world = new World();
  const file = join(world.directory, 'bus.db');
  const table = openTable({ file, clock: systemClock });
  const log = silentLog;
  const bus = openEventBus({ database: table.database, clock: systemClock, random: systemRandom, log });
  const publisher = startPublisher({ table, bus, clock: systemClock, log });
  table.onCommit((pks) => pks.includes(OUTBOX.pk) && publisher.wake());
  try {
    const process = await world.running({ bus });
    const id = tenantId();
    await table.transact(outboxWrites([onboarding(id, 'premium')]));
    await until(async () => (await world.results(id)).length > 0);
    expect(await world.placement(id)).toMatchObject({ phase: 'ready' });
    await process.provisioner.close();
  } finally {
    await publisher.close();
    await bus.close();
    await table.close();
  }
});
