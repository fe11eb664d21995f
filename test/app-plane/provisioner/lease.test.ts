import { describe, expect, test } from '@jest/globals';
import { put } from '../../../core/ports/table.ts';
import { onboarding, tenantId, World } from './world.ts';

/** Two provisioners, of which the first one dies while it holds the lease of the tenant. */
async function withDeadOwner(world: World) {
  const [one, two] = [await world.running({ owner: 'one' }), await world.running({ owner: 'two' })];
  const id = tenantId();
  one.point = (name) => {
    if (name === 'createUser') one.kill();
  };
  await world.deliver(one, onboarding(id, 'basic'));
  await one.died;
  return { two, id };
}

describe('the lease', () => {
  test('keeps two provisioners from working on one tenant at the same time, and every tenant becomes ready', async () => {
    await using world = new World();
    const [one, two] = [await world.running({ owner: 'one' }), await world.running({ owner: 'two' })];
    const ids = Array.from({ length: 6 }, tenantId);
    const working = new Map<string, number>();
    const deploy = world.runtime.deploy.bind(world.runtime);
    world.runtime.deploy = async (spec) => {
      const key = spec.id;
      working.set(key, (working.get(key) ?? 0) + 1);
      expect(working.get(key)).toBe(1);
      const status = await deploy(spec);
      working.set(key, 0);
      return status;
    };
    await Promise.all(
      ids.flatMap((id, i) => {
        const event = onboarding(id, i % 2 ? 'advanced' : 'premium');
        return [world.deliver(one, event), world.deliver(two, event)];
      }),
    );
    await Promise.all(ids.flatMap((id) => [one, two].map((process) => process.provisioner.reconcile(id))));
    for (const id of ids) {
      await world.untilPhase(two, id, 'ready');
      expect(await world.resultTypes(id)).toEqual(['provisionSuccess']);
      expect(await world.identity.usersOf(id)).toHaveLength(1);
    }
  });

  test('of a dead process expires, and the other process continues', async () => {
    await using world = new World();
    const { two, id } = await withDeadOwner(world);
    expect(await two.provisioner.reconcile(id)).toMatchObject({ outcome: 'again', afterMs: expect.any(Number) });
    world.clock.advance(9_000);
    await two.provisioner.idle();
    expect((await world.placement(id))?.phase).toBe('accepted');
    world.clock.advance(6_000);
    await world.untilPhase(two, id, 'ready');
    expect(await world.resultTypes(id)).toEqual(['provisionSuccess']);
  });

  test('of a dead process expires, although the date is set back meanwhile', async () => {
    await using world = new World();
    const { two, id } = await withDeadOwner(world);
    world.clock.setDate(-7_200_000);
    world.clock.advance(15_000);
    await world.untilPhase(two, id, 'ready');
    expect(await world.resultTypes(id)).toEqual(['provisionSuccess']);
  });

  test('is renewed while work is in progress, however long it takes', async () => {
    await using world = new World();
    const [one, two] = [await world.running({ owner: 'one' }), await world.running({ owner: 'two' })];
    const id = tenantId();
    const reached = Promise.withResolvers<void>();
    const proceed = Promise.withResolvers<void>();
    let calls = 0;
    world.data.ensure = async () => {
      calls++;
      reached.resolve();
      await proceed.promise;
      world.data.tenants.add(id);
    };
    await world.deliver(one, onboarding(id, 'advanced'));
    await reached.promise;
    for (let i = 0; i < 100; i++) {
      world.clock.advance(400);
      // The renewal is a write: it must be committed before time moves on.
      await world.table.transact([put({ pk: 'tick', sk: 'tick', version: 1, data: {} })]);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await two.provisioner.idle();
    expect(calls).toBe(1);
    proceed.resolve();
    await world.untilPhase(one, id, 'ready');
  });

  test('that was lost fences the former holder’s writes: only the other process’s result is stored', async () => {
    await using world = new World();
    const [one, two] = [await world.running({ owner: 'one' }), await world.running({ owner: 'two' })];
    const id = tenantId();
    const asleep = Promise.withResolvers<void>();
    const woken = Promise.withResolvers<void>();
    const users = world.identity.createUser.bind(world.identity);
    let calls = 0;
    world.identity.createUser = async (realm, user) => {
      if (++calls > 1) return await users(realm, user);
      asleep.resolve();
      await woken.promise;
      return await users(realm, user);
    };
    await world.deliver(one, onboarding(id, 'basic'));
    await asleep.promise;
    const placement = await world.placement(id);
    // The timers of the first process do not fire: time passes for the other process only.
    expect(placement?.lease?.owner).toBe('one');
    const item = await world.table.get({ pk: `placement#${id}`, sk: 'placement' });
    if (!item) throw new Error('the placement must be there');
    const stolen = { ...item, version: item.version + 1, data: { ...item.data, lease: { owner: 'two', until: 0 } } };
    await world.table.transact([put(stolen, { version: item.version })]);
    await two.provisioner.reconcile(id);
    expect((await world.placement(id))?.phase).toBe('ready');
    const after = await world.traces(id);
    woken.resolve();
    await one.provisioner.idle();
    expect(await world.traces(id)).toEqual(after);
    expect(await world.resultTypes(id)).toEqual(['provisionSuccess']);
  });
});
