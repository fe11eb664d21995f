import { describe, expect, test } from '@jest/globals';
import { type Work, WorkQueue } from '../../../app-plane/provisioner/work-queue.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** A queue whose work ends when the test says so. */
function queueOf(perLane: Record<string, number> = {}, concurrency = 2) {
  const clock = new ManualClock();
  const running = new Map<string, (after?: number) => void>();
  const started: string[] = [];
  const queue = new WorkQueue({
    clock,
    concurrency,
    perLane,
    run: (key) => {
      started.push(key);
      return new Promise((resolve) => running.set(key, resolve));
    },
  });
  const end = async (key: string, after?: number) => {
    running.get(key)?.(after);
    running.delete(key);
    await new Promise((resolve) => setImmediate(resolve));
  };
  const add = (key: string, lane = 'quick', priority: Work['priority'] = 'interactive') =>
    queue.add({ key, lane, priority });
  return { queue, clock, running, started, end, add };
}

describe('the work queue', () => {
  test('runs as many keys as allowed, in the order in which they were added', async () => {
    const { add, end, started } = queueOf();
    for (const key of ['a', 'b', 'c', 'd']) add(key);
    expect(started).toEqual(['a', 'b']);
    await end('b');
    await end('a');
    expect(started).toEqual(['a', 'b', 'c', 'd']);
  });

  test('does not let a full slow lane delay a quick one', () => {
    const { add, started } = queueOf({ slow: 1 }, 3);
    for (const key of ['s1', 's2', 's3']) add(key, 'slow');
    add('q1');
    expect(started).toEqual(['s1', 'q1']);
  });

  test('runs interactive work before background work, even if it was added as background work first', async () => {
    const { add, end, started } = queueOf({}, 1);
    for (const key of ['a', 'b', 'c']) add(key, 'quick', 'background');
    add('c');
    await end('a');
    await end('c');
    await end('b');
    expect(started).toEqual(['a', 'c', 'b']);
  });

  test('queues a key once, never runs it twice at the same time, and runs it again if it was added meanwhile', async () => {
    const { add, end, started } = queueOf();
    add('a');
    add('a');
    add('a');
    expect(started).toEqual(['a']);
    await end('a');
    expect(started).toEqual(['a', 'a']);
    await end('a');
    expect(started).toEqual(['a', 'a']);
  });

  test('runs a key again after the time that its work returns', async () => {
    const { add, end, started, clock } = queueOf();
    add('a');
    await end('a', 1_000);
    clock.advance(999);
    expect(started).toEqual(['a']);
    clock.advance(1);
    expect(started).toEqual(['a', 'a']);
  });

  test('drops waiting keys when it is closed, and lets running work end', async () => {
    const { add, end, started, queue, clock } = queueOf({}, 1);
    add('a');
    add('b');
    const closed = queue.close();
    await end('a', 5);
    await closed;
    add('c');
    clock.advance(10);
    expect(started).toEqual(['a']);
  });
});
