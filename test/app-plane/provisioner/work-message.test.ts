import { expect, test } from '@jest/globals';
import type { ReconcilerOptions } from '../../../app-plane/provisioner/open-reconciler.ts';
import { workOn } from '../../../app-plane/provisioner/work-message.ts';
import type { TenantMessage } from '../../../core/progress/tenant-message.ts';
import { Functions, ID } from './functions.ts';
import { LOOK_AGAIN_MS } from './stacks.ts';
import { onboarding } from './world.ts';

interface Delayed {
  readonly message: TenantMessage;
  readonly at: number;
}

/** The reconcile function with its queue, whose messages the test delivers when they are due. */
class WorkQueue {
  readonly functions: Functions;
  readonly waiting: Delayed[] = [];
  passes = 0;

  constructor(functions: Functions) {
    this.functions = functions;
  }

  async deliver(message: TenantMessage, change: Partial<ReconcilerOptions> = {}): Promise<void> {
    const { table, clock } = this.functions.scratch;
    const reconciler = this.functions.reconciler(change);
    await workOn(message, {
      ...{ table, clock, hasTime: () => true },
      reconciler: {
        reconcile: (tenantId) => {
          this.passes += 1;
          return reconciler.reconcile(tenantId);
        },
      },
      send: async (sent, delayMs) => void this.waiting.push({ message: sent, at: clock.now() + delayMs }),
    });
  }

  /** Delivers the next delayed message at its time. */
  async next(): Promise<void> {
    const [first] = this.waiting.toSorted((a, b) => a.at - b.at);
    if (!first) throw new Error('no message waits');
    this.waiting.splice(this.waiting.indexOf(first), 1);
    const { clock } = this.functions.scratch;
    clock.advance(Math.max(0, first.at - clock.now()));
    await this.deliver(first.message);
  }
}

async function withStack(): Promise<WorkQueue> {
  const queue = new WorkQueue(await Functions.open());
  await queue.functions.accept(onboarding(ID, 'premium'));
  await queue.deliver({ tenantId: ID });
  return queue;
}

test('work that goes on elsewhere is looked at again in time, until it has ended', async () => {
  const queue = await withStack();
  await using functions = queue.functions;
  expect(queue.waiting).toHaveLength(1);
  await queue.next();
  expect((await functions.placement()).phase).toBe('provisioning');
  functions.stacks.finish(ID);
  await queue.next();
  expect([(await functions.placement()).phase, queue.waiting]).toEqual(['ready', []]);
});

test('events do not multiply the messages: each tenant has one message that leads to a pass', async () => {
  const queue = await withStack();
  await using functions = queue.functions;
  for (let event = 0; event < 5; event++) {
    functions.scratch.clock.advance(1_000);
    await queue.deliver({ tenantId: ID });
  }
  expect([queue.waiting.length, queue.passes]).toEqual([6, 6]);
  for (let delayed = 0; delayed < 6; delayed++) await queue.next();
  expect([queue.waiting.length, queue.passes]).toEqual([1, 7]);
  expect(queue.waiting[0]?.message).toEqual({ tenantId: ID, dueAt: functions.now + LOOK_AGAIN_MS });
});

test('an event that arrives while another function holds the lease is looked at after it', async () => {
  const queue = await withStack();
  await using functions = queue.functions;
  queue.waiting.splice(0);
  await queue.deliver(
    { tenantId: ID },
    {
      checkpoint: async (name) => {
        if (name !== 'planned') return;
        functions.stacks.finish(ID);
        await queue.deliver({ tenantId: ID });
      },
    },
  );
  expect(queue.waiting.map(({ message }) => message)).toContainEqual({ tenantId: ID });
  await queue.next();
  expect((await functions.placement()).phase).toBe('ready');
});

test('a message of a tenant that is ready, or that was never accepted, costs one read', async () => {
  const queue = await withStack();
  await using functions = queue.functions;
  functions.stacks.finish(ID);
  await queue.deliver({ tenantId: ID });
  const { passes } = queue;
  await queue.next();
  await queue.deliver({ tenantId: 'globex00', dueAt: 0 });
  expect([queue.passes, queue.waiting]).toEqual([passes, []]);
  expect((await functions.placement()).phase).toBe('ready');
});

test('a clean-up follows a failure at once, by the same function', async () => {
  const queue = await withStack();
  await using functions = queue.functions;
  functions.stacks.broken.add(ID);
  functions.stacks.finish(ID);
  await queue.next();
  expect((await functions.placement()).failure).toContain('exit code 1');
  functions.stacks.finish(ID);
  await queue.next();
  expect(functions.stacks.resourcesOf(ID)).toBeUndefined();
  expect(await functions.results()).toEqual(['provisionFailure']);
});
