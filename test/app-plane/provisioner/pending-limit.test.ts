import { describe, expect, test } from '@jest/globals';
import { again } from '../../../app-plane/provisioner/pass-result.ts';
import { DomainError } from '../../../core/errors.ts';
import { ID, untilEnd, withReadyTenant, withStartedStack } from './functions.ts';
import { LOOK_AGAIN_MS } from './stacks.ts';
import { offboarding } from './world.ts';

const MINUTE = 60_000;
const CREATING = `stack ${ID} is being created`;
const DELETING = `stack ${ID} is being deleted`;

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

  test('leaves a ready tenant ready, with the reason', async () => {
    await using functions = await withReadyTenant();
    await functions.stacks.deleteStack(ID);
    functions.stacks.finish(ID);
    await functions.reconcile();
    functions.stacks.stuck.add(ID);
    const result = await untilEnd(functions);
    expect(result).toEqual({ outcome: 'failed', reason: expect.stringContaining(CREATING) });
    expect(await functions.placement()).toMatchObject({ phase: 'ready', updateFailure: expect.any(String) });
    expect(await functions.results()).toEqual(['provisionSuccess']);
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
