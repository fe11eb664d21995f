import { describe, expect, test } from '@jest/globals';
import { again, DONE, heldElsewhere, type PassResult } from '../../../app-plane/provisioner/pass-result.ts';
import { emailItem, userItem } from '../../../core/identity/users/user-records.ts';
import { put } from '../../../core/ports/table.ts';
import { Functions, ID, untilEnd, withReadyTenant, withStartedStack } from './functions.ts';
import { LOOK_AGAIN_MS, STACK_MS } from './stacks.ts';
import { offboarding, onboarding } from './world.ts';

const MINUTE = 60_000;
const CREATING = `stack ${ID} is being created`;
const DELETING = `stack ${ID} is being deleted`;
const iso = (time: number) => new Date(time).toISOString();

describe('a pass whose work goes on elsewhere', () => {
  test('ends without a failure, and says what it waits for', async () => {
    await using functions = await Functions.open();
    await functions.accept(onboarding(ID, 'premium'));
    expect(await functions.reconcile()).toEqual(again(LOOK_AGAIN_MS, CREATING));
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

describe('ON-4: a creation of the first administrator whose process was killed', () => {
  const userName = `admin@${ID}.example`;
  const RESERVED = 'the email of the first administrator is reserved';

  /** Leaves what a process leaves that is killed while the identity provider creates the user. */
  async function reserve({ scratch: { table, clock } }: Functions): Promise<void> {
    const draft = { userName, email: userName, role: 'TenantAdmin', tenantId: ID, subject: '', enabled: true } as const;
    const user = { ...draft, status: 'FORCE_CHANGE_PASSWORD', created: '', modified: '' } as const;
    const { indexes: _, ...unlisted } = userItem('pool', user, 1);
    const expiresAt = Math.floor(clock.now() / 1_000) + 60;
    const items = [
      { ...unlisted, expiresAt },
      { ...emailItem('pool', user, 1), expiresAt },
    ];
    await table.transact(items.map((item) => put<object>(item, 'absent')));
  }

  test('delays the tenant for a minute, whatever the number of passes in it', async () => {
    await using functions = await Functions.open();
    await functions.accept(onboarding(ID, 'basic'));
    await reserve(functions);
    for (let second = 0; second < 59; second++) {
      expect(await functions.reconcile({ limits: { attempts: 2 } })).toEqual(again(10_000, RESERVED));
      functions.scratch.clock.advance(1_000);
    }
    expect(await functions.placement()).toMatchObject({ phase: 'provisioning', attempts: 0, pending: RESERVED });
    functions.scratch.clock.advance(2_000);
    expect(await functions.reconcile()).toEqual(DONE);
    expect((await functions.identity.usersOf(ID)).map((user) => user.userName)).toEqual([userName]);
    expect(await functions.results()).toEqual(['provisionSuccess']);
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
    expect(during).toEqual(heldElsewhere(1_000));
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
