import { describe, expect, test } from '@jest/globals';
import { again, DONE, type PassResult } from '../../../app-plane/provisioner/pass-result.ts';
import { DomainError } from '../../../core/errors.ts';
import { Functions, ID } from './functions.ts';
import { LOOK_AGAIN_MS, STACK_MS } from './stacks.ts';
import { offboarding, onboarding } from './world.ts';

const MINUTE = 60_000;
const CREATING = `stack ${ID} is being created`;
const DELETING = `stack ${ID} is being deleted`;
const iso = (time: number) => new Date(time).toISOString();

/** A premium tenant whose stack was just started by the first pass. */
async function withStartedStack(): Promise<Functions> {
  const functions = await Functions.open();
  await functions.accept(onboarding(ID, 'premium'));
  expect(await functions.reconcile()).toEqual(again(LOOK_AGAIN_MS, CREATING));
  return functions;
}

async function withReadyTenant(): Promise<Functions> {
  const functions = await withStartedStack();
  functions.stacks.finish(ID);
  expect(await functions.reconcile()).toEqual(DONE);
  return functions;
}

/** Repeats passes as a queue with delayed messages does. @returns the last result */
async function untilEnd(functions: Functions): Promise<PassResult> {
  for (let passes = 0; passes < 300; passes++) {
    const result = await functions.reconcile();
    if (result.outcome !== 'again') return result;
    functions.scratch.clock.advance(result.afterMs);
  }
  throw new Error('the work did not end within 300 passes');
}

describe('a pass whose work goes on elsewhere', () => {
  test('ends without a failure, and says what it waits for', async () => {
    await using functions = await withStartedStack();
    const { now } = functions;
    expect(await functions.placement()).toMatchObject({
      ...{ phase: 'provisioning', attempts: 0, pending: CREATING, pendingSince: now },
      ...{ nextAttemptAt: now + LOOK_AGAIN_MS, waitMs: LOOK_AGAIN_MS },
    });
    expect((await functions.placement()).lease).toBeUndefined();
    expect([await functions.results(), functions.lines]).toEqual([[], []]);
  });

  test('applies nothing that comes later in the plan', async () => {
    await using functions = await withStartedStack();
    const names = (await functions.placement()).steps.map(({ name }) => name);
    expect(names).toContain('create user pool');
    expect(names).not.toContain('create route');
    expect(await functions.identity.usersOf(ID)).toEqual([]);
  });

  test('shows the reason at its steps until they end', async () => {
    await using functions = await withStartedStack();
    expect(await functions.step('create cluster')).toMatchObject({ status: 'running', reason: CREATING });
    functions.stacks.finish(ID);
    await functions.reconcile();
    expect(await functions.step('create cluster')).not.toHaveProperty('reason');
  });

  test('is followed by the next pass at the latest when the driver says so, and not before by the sweep', async () => {
    await using functions = await withStartedStack();
    functions.scratch.clock.advance(LOOK_AGAIN_MS - 1);
    expect(await functions.swept()).toEqual([]);
    functions.scratch.clock.advance(1);
    expect(await functions.swept()).toEqual([ID]);
  });

  test('is followed by the next pass as soon as an event comes, before the sweep finds the tenant', async () => {
    await using functions = await withStartedStack();
    functions.scratch.clock.advance(2_000);
    functions.stacks.finish(ID);
    expect(await functions.swept()).toEqual([]);
    expect(await functions.reconcile()).toEqual(DONE);
    expect(await functions.placement()).toMatchObject({ phase: 'ready' });
    expect(await functions.results()).toEqual(['provisionSuccess']);
  });

  test('does not count as a failed attempt, however many there are', async () => {
    await using functions = await withStartedStack();
    for (let i = 0; i < 20; i++) {
      functions.scratch.clock.advance(1_000);
      expect(await functions.reconcile()).toEqual(again(LOOK_AGAIN_MS, CREATING));
    }
    expect(await functions.placement()).toMatchObject({ attempts: 0, phase: 'provisioning' });
  });

  test('leaves no wait and no reason when the tenant is ready', async () => {
    await using functions = await withReadyTenant();
    const ready = await functions.placement();
    for (const key of ['pending', 'pendingSince', 'nextAttemptAt', 'waitMs']) expect(ready).not.toHaveProperty(key);
  });
});

describe('a step whose work goes on elsewhere', () => {
  test('keeps its start over several passes, and ends when its resource is observed as desired', async () => {
    await using functions = await withStartedStack();
    const startedAt = iso(functions.now);
    for (let passed = 0; passed < STACK_MS - LOOK_AGAIN_MS; passed += LOOK_AGAIN_MS) {
      functions.scratch.clock.advance(LOOK_AGAIN_MS);
      await functions.reconcile();
      expect(await functions.step('create service orders')).toMatchObject({ status: 'running', startedAt });
    }
    functions.scratch.clock.advance(LOOK_AGAIN_MS);
    expect(await functions.reconcile()).toEqual(DONE);
    const step = { status: 'done', startedAt, endedAt: iso(functions.now) };
    expect(await functions.step('create service orders')).toEqual({ name: 'create service orders', ...step });
    const { steps } = await functions.placement();
    expect(steps.filter(({ status }) => status !== 'done')).toEqual([]);
    expect(new Set(steps.map(({ name }) => name)).size).toBe(steps.length);
  });

  test('ends on its own, while others of the same work go on', async () => {
    await using functions = await withStartedStack();
    functions.scratch.clock.advance(1_000);
    await functions.reconcile();
    // The stack shows its cluster at once, and its services as not ready.
    expect(await functions.step('create cluster')).toMatchObject({ status: 'done', endedAt: iso(functions.now) });
    expect(await functions.step('create service users')).toMatchObject({ status: 'running', reason: CREATING });
    expect(await functions.step('update service users')).toBeUndefined();
  });

  test('that removes a resource ends when the resource is observed as absent', async () => {
    await using functions = await withReadyTenant();
    await functions.accept(offboarding(ID));
    expect(await functions.reconcile()).toEqual(again(LOOK_AGAIN_MS, DELETING));
    const startedAt = iso(functions.now);
    functions.scratch.clock.advance(LOOK_AGAIN_MS);
    await functions.reconcile();
    const running = { name: 'remove cluster', startedAt, status: 'running', reason: DELETING };
    expect(await functions.step('remove cluster')).toEqual(running);
    functions.stacks.finish(ID);
    const ended: unknown[] = [];
    await functions.reconcile({
      checkpoint: async (name) => {
        if (name === 'before remove remains') ended.push(await functions.step('remove cluster'));
      },
    });
    expect((await functions.placement()).phase).toBe('gone');
    const { items } = await functions.scratch.table.query({ pk: 'outbox', limit: 10 });
    const result = items.find(({ data }) => data.detailType === 'deprovisionSuccess');
    const endedAt = iso(functions.now);
    expect(JSON.stringify(result)).toContain(
      JSON.stringify({ name: 'remove cluster', startedAt, endedAt, status: 'done' }),
    );
  });
});

describe('work elsewhere that was rolled back', () => {
  const REASON = `stack ${ID} was rolled back: the image does not start (exit code 1)`;

  test('ends an onboarding as failed at once, with its reason, after everything is removed', async () => {
    await using functions = await withStartedStack();
    functions.stacks.broken.add(ID);
    functions.scratch.clock.advance(STACK_MS);
    expect(await functions.reconcile()).toEqual(again(0));
    expect((await functions.placement()).failure).toContain(REASON);
    const result = await untilEnd(functions);
    expect(result).toEqual({ outcome: 'failed', reason: expect.stringContaining(REASON) });
    expect(await functions.placement()).toMatchObject({ phase: 'failed' });
    expect(await functions.results()).toEqual(['provisionFailure']);
    expect(functions.stacks.resourcesOf(ID)).toBeUndefined();
    expect(await functions.identity.realm(`tenant-${ID}`)).toBeUndefined();
    const { steps } = await functions.placement();
    expect(steps.filter(({ status }) => status === 'running')).toEqual([]);
  });

  test('is not attempted again until somebody asks', async () => {
    await using functions = await withStartedStack();
    functions.stacks.broken.add(ID);
    functions.scratch.clock.advance(STACK_MS);
    await untilEnd(functions);
    const described = functions.stacks.described.length;
    functions.scratch.clock.advance(24 * 60 * MINUTE);
    expect(await functions.swept()).toEqual([]);
    expect(await functions.reconcile()).toMatchObject({ outcome: 'failed' });
    expect(functions.stacks.described).toHaveLength(described);
    functions.stacks.broken.clear();
    await functions.accept(onboarding(ID, 'premium'));
    expect(await untilEnd(functions)).toEqual(DONE);
    expect(await functions.results()).toEqual(['provisionFailure', 'provisionSuccess']);
  });

  test('leaves a ready tenant ready, and is not attempted again by events or the sweep until somebody asks', async () => {
    await using functions = await withReadyTenant();
    // What the tenant had is lost, and cannot be created again.
    await functions.stacks.deleteStack(ID);
    functions.stacks.finish(ID);
    functions.stacks.broken.add(ID);
    await functions.reconcile();
    functions.scratch.clock.advance(STACK_MS);
    expect(await functions.reconcile()).toEqual({ outcome: 'failed', reason: expect.stringContaining(REASON) });
    expect(await functions.placement()).toMatchObject({
      phase: 'ready',
      updateFailure: expect.stringContaining(REASON),
    });
    const described = functions.stacks.described.length;
    functions.scratch.clock.advance(60 * MINUTE);
    expect(await functions.swept()).toEqual([]);
    expect(await functions.reconcile()).toEqual({ outcome: 'failed', reason: expect.stringContaining(REASON) });
    expect(functions.stacks.described).toHaveLength(described);
    functions.stacks.broken.clear();
    await functions.accept(onboarding(ID, 'premium'));
    expect(await untilEnd(functions)).toEqual(DONE);
    expect(await functions.placement()).not.toHaveProperty('updateFailure');
    expect(await functions.results()).toEqual(['provisionSuccess', 'provisionSuccess']);
  });
});

describe('work elsewhere that does not end', () => {
  test('has failed after an hour, with the reason, and its resources are removed', async () => {
    await using functions = await withStartedStack();
    functions.stacks.stuck.add(ID);
    functions.scratch.clock.advance(60 * MINUTE);
    expect(await functions.reconcile()).toEqual(again(LOOK_AGAIN_MS, CREATING));
    functions.scratch.clock.advance(1);
    expect(await functions.reconcile()).toEqual(again(0));
    functions.stacks.stuck.clear();
    expect(await untilEnd(functions)).toEqual({
      outcome: 'failed',
      reason: expect.stringContaining(`not finished after 60 minutes: ${CREATING}`),
    });
    expect(functions.stacks.resourcesOf(ID)).toBeUndefined();
  });

  test('of a clean-up has an hour of its own, and is then reported', async () => {
    await using functions = await withStartedStack();
    functions.stacks.stuck.add(ID);
    const startedAt = functions.now;
    expect(await untilEnd(functions)).toEqual({
      outcome: 'failed',
      reason: expect.stringMatching(/created; clean-up is incomplete: .* not finished after 60 minutes: .* deleted$/),
    });
    expect((functions.now - startedAt) / MINUTE).toBeCloseTo(121, -1);
  });

  test('of an offboarding is reported after the given time', async () => {
    await using functions = await withReadyTenant();
    functions.stacks.stuck.add(ID);
    await functions.accept(offboarding(ID));
    const limits = { pendingMinutes: 5 };
    await functions.reconcile({ limits });
    functions.scratch.clock.advance(5 * MINUTE + 1);
    expect(await functions.reconcile({ limits })).toEqual({
      outcome: 'failed',
      reason: expect.stringContaining(`not finished after 5 minutes: ${DELETING}`),
    });
    expect(await functions.results()).toEqual(['deprovisionFailure', 'provisionSuccess']);
  });

  test('has failed although single attempts fail in between', async () => {
    await using functions = await withStartedStack();
    functions.stacks.stuck.add(ID);
    const startedAt = functions.now;
    let calls = 0;
    const describeStack = functions.stacks.describeStack.bind(functions.stacks);
    functions.stacks.describeStack = async (id) => {
      calls += 1;
      if (calls % 3 === 0 && functions.now - startedAt < 59 * MINUTE)
        throw new DomainError('TOO_MANY', 'rate exceeded');
      return await describeStack(id);
    };
    while (!(await functions.placement()).failure) {
      const result = await functions.reconcile();
      functions.scratch.clock.advance(result.outcome === 'again' ? result.afterMs : 0);
      expect(functions.now - startedAt).toBeLessThan(62 * MINUTE);
    }
    expect((await functions.placement()).failure).toContain('not finished after 60 minutes');
    expect(functions.now - startedAt).toBeGreaterThan(60 * MINUTE);
  });
});

describe('a wait of minutes', () => {
  test('lasts its whole time', async () => {
    await using functions = await withStartedStack();
    functions.scratch.clock.advance(31_000);
    expect(await functions.swept()).toEqual([]);
    functions.scratch.clock.advance(LOOK_AGAIN_MS - 31_000);
    expect(await functions.swept()).toEqual([ID]);
  });

  test.each([
    ['an hour', -60 * MINUTE],
    ['a second before its start', -6_000],
  ])('is over if the clock was set back by %s', async (_what, byMs) => {
    await using functions = await withStartedStack();
    functions.scratch.clock.advance(5_000);
    functions.scratch.clock.setDate(byMs);
    expect(await functions.swept()).toEqual([ID]);
  });
});

describe('the lease of another instance', () => {
  test('is asked for again after a second, not when it ends', async () => {
    await using functions = await Functions.open();
    await functions.accept(onboarding(ID, 'premium'));
    let during: PassResult | undefined;
    await functions.reconcile({
      checkpoint: async (name) => {
        if (name === 'claimed') during = await functions.reconcile();
      },
    });
    expect(during).toEqual(again(1_000));
  });
});

describe('the accept function', () => {
  test('hands an accepted tenant to the work queue, and holds no lease', async () => {
    await using functions = await Functions.open();
    await functions.accept(onboarding(ID, 'premium'));
    expect(functions.sent).toEqual([ID]);
    expect(await functions.placement()).not.toHaveProperty('lease');
    expect(await functions.swept()).toEqual([ID]);
  });
});
