import { describe, expect, test } from '@jest/globals';
import { Restoration } from '../../../app-plane/provisioner/restoration.ts';
import { SERVICES } from '../../../tenant-templates/tiers.ts';
import { LOOK_AGAIN_MS, STACK_MS } from './stacks.ts';
import { onboarding, tenantId, World } from './world.ts';

/** Onboards tenants with tasks of their own, then kills the process with all tasks. */
async function killedWith(world: World, tiers: readonly ('advanced' | 'premium' | 'basic')[]): Promise<string[]> {
  const first = await world.running();
  const ids = tiers.map(tenantId);
  for (const [i, id] of ids.entries()) {
    await world.deliver(first, onboarding(id, tiers[i] ?? 'basic'));
    await world.untilPhase(first, id, 'ready');
  }
  world.kill(first);
  return ids;
}

const servicesOf = async (world: World, id: string) =>
  (await world.runtime.services({ tenantId: id })).filter(({ tasks }) => tasks.length > 0).length;

describe('the restoration after a start', () => {
  test('OB-5: is complete only when the services of every silo tenant run', async () => {
    await using world = new World();
    const ids = await killedWith(world, ['advanced', 'premium', 'advanced', 'basic', 'premium']);
    const silos = ids.filter((_, i) => i !== 3);
    const { provisioner } = await world.running();
    expect(provisioner.restoration.progress).toMatchObject({ total: 4, failed: [] });
    await provisioner.restoration.completed;
    expect(provisioner.restoration.progress).toEqual({ total: 4, done: 4, failed: [] });
    for (const id of silos) expect(await servicesOf(world, id)).toBe(SERVICES.length);
  });

  test('OB-5: names a tenant whose service does not start, and waits for it once only', async () => {
    await using world = new World();
    const [good = '', bad = ''] = await killedWith(world, ['advanced', 'premium']);
    world.runtime.broken.add(`${bad}/orders`);
    const second = await world.running();
    await second.provisioner.restoration.completed;
    expect(second.provisioner.restoration.progress).toEqual({ total: 2, done: 2, failed: [bad] });
    expect(await servicesOf(world, good)).toBe(SERVICES.length);
    // The attempts go on, and the next start tries at once, although the next attempt is due later.
    world.kill(second);
    world.runtime.broken.clear();
    const third = await world.running();
    await third.provisioner.restoration.completed;
    expect(third.provisioner.restoration.progress.failed).toEqual([]);
    expect(await servicesOf(world, bad)).toBe(SERVICES.length);
  });

  test('OB-5: is not complete while work on a tenant goes on elsewhere', async () => {
    await using world = new World();
    const first = await world.running({ withStacks: true });
    const id = await world.onboard(first, 'premium');
    world.kill(first);
    await world.stacks.deleteStack(id);
    world.stacks.finish(id);
    const { provisioner } = await world.running({ withStacks: true });
    await provisioner.idle();
    expect(provisioner.restoration.progress).toEqual({ total: 1, done: 0, failed: [] });
    world.clock.advance(STACK_MS + LOOK_AGAIN_MS);
    await provisioner.restoration.completed;
    expect(provisioner.restoration.progress).toEqual({ total: 1, done: 1, failed: [] });
  });

  test('is complete at once without silo tenants', async () => {
    await using world = new World();
    const { provisioner } = await world.running();
    await provisioner.restoration.completed;
    expect(provisioner.restoration.progress).toEqual({ total: 0, done: 0, failed: [] });
  });

  test('counts each tenant once, and ignores tenants that it does not restore', async () => {
    const restoration = new Restoration();
    for (const id of ['a', 'b', 'a']) restoration.add(id);
    restoration.end('stranger', 'failed');
    restoration.end('a', 'served');
    restoration.end('a', 'failed');
    expect(restoration.progress).toEqual({ total: 2, done: 1, failed: [] });
    restoration.end('b', 'failed');
    let isComplete = false;
    void restoration.completed.then(() => {
      isComplete = true;
    });
    await Promise.resolve();
    expect(isComplete).toBe(false);
    restoration.seal();
    await restoration.completed;
    expect(restoration.progress).toEqual({ total: 2, done: 2, failed: ['b'] });
  });
});

describe('a pooled service that does not start', () => {
  test.each(SERVICES)('does not stop the start: everything but %s runs', async (service) => {
    await using world = new World();
    world.runtime.broken.add(`pooled/${service}`);
    const process = await world.running();
    const pooled = await world.runtime.services({ cluster: 'pool' });
    expect(
      pooled
        .filter(({ tasks }) => tasks.length > 0)
        .map((one) => one.service)
        .sort(),
    ).toEqual(SERVICES.filter((one) => one !== service));
    await world.onboard(process, 'premium');
  });

  test('stops the start if no other starts either', async () => {
    await using world = new World();
    for (const service of SERVICES) world.runtime.broken.add(`pooled/${service}`);
    await expect(world.running()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('stops the start if it cannot even be deployed', async () => {
    await using world = new World();
    world.beforeCall = (call, [spec]) => {
      if (call === 'startService' && (spec as { service: string }).service === 'orders') throw new Error('no bundle');
    };
    await expect(world.running()).rejects.toThrow('no bundle');
  });
});
