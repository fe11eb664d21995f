import { describe, expect, test } from '@jest/globals';
import { reasonOf as plainWordsOf } from '../../../app-plane/provisioner/failures.ts';
import { DomainError } from '../../../core/errors.ts';
import { checkEvent } from '../../../core/events/schemas.ts';
import type { Envelope } from '../../../core/ports/event-bus.ts';
import { TIER_NAMES, TIERS } from '../../../tenant-templates/tiers.ts';
import { NOTHING, offboarding, onboarding, tenantId, World } from './world.ts';

const reasonOf = (event: Envelope | undefined) =>
  (event?.detail as { jobOutput: { tenantData: { reason: string } } } | undefined)?.jobOutput.tenantData.reason;
const unavailable = () => {
  throw new DomainError('UNAVAILABLE', 'the machine has no room');
};

describe('a failing onboarding', () => {
  test.each(['take', 'ensureRealm', 'ensure', 'deploy', 'startService', 'createUser', 'transact'])(
    'is retried and succeeds when %s fails twice',
    async (name) => {
      await using world = new World();
      const process = await world.running();
      const id = tenantId();
      await world.deliver(process, onboarding(id, 'premium'));
      let failures = 0;
      world.beforeCall = (call) => {
        if (call === name && ++failures <= 2) unavailable();
      };
      await world.untilPhase(process, id, 'ready');
      expect(failures).toBeGreaterThan(2);
      expect(await world.resultTypes(id)).toEqual(['provisionSuccess']);
    },
  );

  test('ON-4, ON-5: is given up after five attempts, cleaned up and reported with the reason, and a retry converges', async () => {
    await using world = new World();
    const process = await world.running();
    const id = tenantId();
    let tries = 0;
    world.beforeCall = (call, [spec]) => {
      if (call !== 'startService' || (spec as { service: string }).service !== 'users') return;
      tries++;
      unavailable();
    };
    await world.deliver(process, onboarding(id, 'premium'));
    await world.untilPhase(process, id, 'failed');
    expect(tries).toBe(5);
    expect(await world.traces(id)).toEqual({ placement: { phase: 'failed', desired: 'present' }, ...NOTHING });
    const [failure] = await world.results(id);
    if (!failure) throw new Error('there must be a result');
    checkEvent(failure);
    expect(failure.detailType).toBe('provisionFailure');
    expect(reasonOf(failure)).toBe('could not create service users: the machine has no room');
    expect((await process.provisioner.progress(id)).map((step) => step.name)).toContain('remove cluster');

    world.beforeCall = () => undefined;
    world.clock.advance(1);
    await world.deliver(process, onboarding(id, 'premium'));
    await world.untilPhase(process, id, 'ready');
    expect(await world.resultTypes(id)).toEqual(['provisionFailure', 'provisionSuccess']);
    expect(await world.traces(id)).toMatchObject({ realm: true, apiKey: true, users: [expect.anything()] });
    expect((await process.provisioner.progress(id)).every((step) => step.status === 'done')).toBe(true);
  });

  test.each([
    ['attempts', { attempts: 2 }, 0],
    ['seconds', { onboardingSeconds: 10 }, 7],
  ])('is given up after as many %s as are allowed', async (_what, limits, seconds) => {
    await using world = new World();
    const process = await world.running({ limits });
    const id = tenantId();
    let tries = 0;
    world.beforeCall = (call) => {
      if (call !== 'createUser') return;
      tries++;
      world.clock.advance(seconds * 1_000);
      unavailable();
    };
    await world.deliver(process, onboarding(id, 'basic'));
    await world.untilPhase(process, id, 'failed');
    expect(tries).toBe(2);
  });

  test('is given up at once when no retry can help, and the other tenant keeps what it has', async () => {
    await using world = new World();
    const process = await world.running();
    const [first, second] = [tenantId(), tenantId()];
    await world.deliver(process, onboarding(first, 'basic', { email: 'same@acme.example' }));
    await world.untilPhase(process, first, 'ready');
    const before = await world.traces(first);
    await world.deliver(process, onboarding(second, 'advanced', { email: 'Same@acme.example' }));
    await world.untilPhase(process, second, 'failed');
    expect(reasonOf((await world.results(second))[0])).toBe(
      'could not create administrator: the email of the first administrator is taken by another user',
    );
    expect(await world.traces(second)).toMatchObject(NOTHING);
    expect(await world.traces(first)).toEqual(before);
  });

  test('is not attempted again more than two minutes after its acceptance', async () => {
    await using world = new World();
    const process = await world.running();
    const id = tenantId();
    let tries = 0;
    world.beforeCall = (call) => {
      if (call !== 'deploy') return;
      tries++;
      world.clock.advance(70_000);
      unavailable();
    };
    await world.deliver(process, onboarding(id, 'premium'));
    await world.untilPhase(process, id, 'failed');
    expect(tries).toBe(2);
  });

  test.each([
    ['a minute', {}, 60_000],
    ['the given time', { stepSeconds: 1 }, 1_000],
  ])('continues after %s with a step that never ends', async (_what, limits, stepMs) => {
    await using world = new World();
    const process = await world.running({ limits });
    const id = tenantId();
    let calls = 0;
    const deploy = world.runtime.deploy.bind(world.runtime);
    world.runtime.deploy = (spec) => (++calls === 1 ? new Promise(() => undefined) : deploy(spec));
    await world.deliver(process, onboarding(id, 'premium'));
    while (calls === 0) await new Promise((resolve) => setImmediate(resolve));
    world.clock.advance(stepMs);
    await world.untilPhase(process, id, 'ready');
    expect(calls).toBe(2);
  });

  test('reports an incomplete clean-up, and a later offboarding removes the rest', async () => {
    await using world = new World();
    const process = await world.running();
    const id = tenantId();
    world.beforeCall = (call) => {
      if (call === 'createUser' || call === 'withdraw') unavailable();
    };
    await world.deliver(process, onboarding(id, 'premium'));
    await world.untilPhase(process, id, 'failed');
    expect(reasonOf((await world.results(id))[0])).toBe(
      'could not create administrator: the machine has no room; clean-up is incomplete: could not remove service users, remove service products, remove service orders, remove cluster: the machine has no room',
    );
    world.beforeCall = () => undefined;
    world.clock.advance(1);
    await world.offboard(process, id);
    expect(await world.traces(id)).toMatchObject(NOTHING);
  });

  test('does not expose the message of an unknown error', async () => {
    await using world = new World();
    const process = await world.running();
    const id = tenantId();
    world.beforeCall = (call) => {
      if (call === 'createUser') throw new Error('password=hunter2');
    };
    await world.deliver(process, onboarding(id, 'basic'));
    await world.untilPhase(process, id, 'failed');
    expect(reasonOf((await world.results(id))[0])).toBe(
      'could not create administrator: unexpected error, see the log',
    );
  });

  test('is refused by a full tier before anything is created, and succeeds once the tier has room', async () => {
    await using world = new World();
    const process = await world.running({ limits: { maxTenants: { advanced: 2 } } });
    const [a, b, c] = [tenantId(), tenantId(), tenantId()];
    for (const id of [a, b]) {
      await world.deliver(process, onboarding(id, 'advanced'));
      await world.untilPhase(process, id, 'ready');
      world.clock.advance(1);
    }
    await world.deliver(process, onboarding(c, 'advanced'));
    await world.untilPhase(process, c, 'failed');
    expect(reasonOf((await world.results(c))[0])).toBe('tier advanced is full: it admits at most 2 tenants and has 2');
    expect(await process.provisioner.progress(c)).toEqual([]);
    await world.offboard(process, a);
    await world.deliver(process, onboarding(c, 'advanced'));
    await world.untilPhase(process, c, 'ready');
  });
});

describe('a ready tenant', () => {
  test.each(TIER_NAMES)('of tier %s is never removed because its restoration fails', async (tier) => {
    await using world = new World();
    const first = await world.running();
    const id = await world.onboard(first, tier);
    const before = await world.traces(id);
    world.kill(first);
    const second = await world.running();
    await second.provisioner.idle();
    let tries = 0;
    world.beforeCall = (call, [spec]) => {
      if (call !== 'startService' || (spec as { tenantId: string }).tenantId !== id) return;
      if (++tries <= 8) unavailable();
    };
    world.runtime.die();
    await second.provisioner.reconcile(id);
    for (let i = 0; i < 10; i++) {
      world.clock.advance(60_000);
      await second.provisioner.idle();
      expect((await world.placement(id))?.phase).toBe('ready');
    }
    if (TIERS[tier].isolation !== 'pool') expect(tries).toBeGreaterThan(8);
    expect(await world.traces(id)).toEqual(before);
    expect(await world.resultTypes(id)).toEqual(['provisionSuccess']);
  });
});

describe('a failing offboarding', () => {
  test('is retried, then reported with the reason, and converges when it is requested again', async () => {
    await using world = new World();
    const process = await world.running();
    const id = await world.onboard(process, 'premium');
    world.beforeCall = (call) => {
      if (call === 'deleteRealm') unavailable();
    };
    world.clock.advance(1);
    await world.deliver(process, offboarding(id));
    await world.untilPhase(process, id, 'failed');
    const failure = (await world.results(id)).at(-1);
    expect(failure?.detailType).toBe('deprovisionFailure');
    expect(reasonOf(failure)).toBe('could not remove user pool: the machine has no room');
    world.beforeCall = () => undefined;
    world.clock.advance(1);
    await world.offboard(process, id);
    expect(await world.traces(id)).toMatchObject(NOTHING);
  });

  test('is retried while a resource of the tenant is still in use', async () => {
    await using world = new World();
    const process = await world.running();
    const id = await world.onboard(process, 'premium');
    let refusals = 0;
    world.beforeCall = (call) => {
      if (call !== 'delete' || ++refusals > 2) return;
      throw new DomainError('CONFLICT', 'data cannot be deleted while services run');
    };
    await world.offboard(process, id);
    expect(await world.traces(id)).toMatchObject(NOTHING);
  });

  test('is refused by the no-delete policy and changes nothing', async () => {
    await using world = new World();
    const process = await world.running({ noDelete: true });
    const id = await world.onboard(process, 'advanced');
    const { placement: _, ...before } = await world.traces(id);
    world.clock.advance(1);
    await world.deliver(process, offboarding(id));
    await world.untilPhase(process, id, 'failed');
    expect(await world.traces(id)).toMatchObject(before);
    expect(reasonOf((await world.results(id)).at(-1))).toMatch(/no-delete policy/);
  });
});

test('a reason is in plain words and exposes nothing but the meaning of the error’s code', () => {
  const failed = (code: string) => plainWordsOf(Object.assign(new Error('/secret/path'), { code }));
  expect(failed('EPERM')).toBe('permission denied (EPERM)');
  expect(failed('ENOSPC')).toBe('the disk is full (ENOSPC)');
  expect(failed('EXDEV')).toBe('unexpected error EXDEV');
  expect(failed('ERR_X')).toBe('unexpected error, see the log');
});
