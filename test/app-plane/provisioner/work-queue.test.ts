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

  test('gives each lane its own limit, and a lane without one the limit of the queue', async () => {
    const { add, end, started } = queueOf({ slow: 2 }, 4);
    for (const key of ['s1', 's2', 's3', 's4']) add(key, 'slow');
    for (const key of ['q1', 'q2', 'q3']) add(key);
    expect(started).toEqual(['s1', 's2', 'q1', 'q2']);
    await end('s1');
    expect(started.slice(4)).toEqual(['s3']);
    await end('q1');
    await end('q2');
    expect(started.slice(5)).toEqual(['q3']);
    await end('s2');
    expect(started.slice(6)).toEqual(['s4']);
  });

  test('runs background work of one lane while interactive work of another lane waits for its own limit', async () => {
    const { add, started } = queueOf({ slow: 1 }, 3);
    add('s1', 'slow');
    add('s2', 'slow');
    add('b1', 'quick', 'background');
    expect(started).toEqual(['s1', 'b1']);
  });

  test('keeps the place of a key that is added again, also as background work', async () => {
    const { add, end, started } = queueOf({}, 1);
    for (const key of ['a', 'b', 'c']) add(key);
    add('b', 'quick', 'background');
    await end('a');
    await end('b');
    await end('c');
    expect(started).toEqual(['a', 'b', 'c']);
  });

  test.each(['interactive', 'background'] as const)(
    'lets a key that was added twice as %s work run again only after those that wait by then',
    async (priority) => {
      const { add, end, started } = queueOf({}, 1);
      for (const key of ['x', 'a', 'a']) add(key, 'quick', priority);
      await end('x');
      for (const key of ['b', 'a']) add(key, 'quick', priority);
      for (const key of ['a', 'b', 'a']) await end(key);
      expect(started).toEqual(['x', 'a', 'b', 'a']);
    },
  );

  test('forgets the place of a key in a lane that it has left', async () => {
    const { add, end, started } = queueOf({}, 1);
    add('z');
    add('x', 'slow', 'background');
    add('x', 'quick');
    await end('z');
    for (const key of ['b', 'x']) add(key, 'quick', 'background');
    for (const key of ['x', 'b', 'x']) await end(key);
    expect(started).toEqual(['z', 'x', 'b', 'x']);
  });

  test('runs a key again in the lane that it was added to while it ran', async () => {
    const { add, end, started } = queueOf({ slow: 1 }, 3);
    add('s1', 'slow');
    add('a');
    add('a', 'slow', 'background');
    await end('a');
    expect(started).toEqual(['s1', 'a']);
    await end('s1');
    expect(started).toEqual(['s1', 'a', 'a']);
  });

  test('runs a key in the lane that it moved to', async () => {
    const { add, end, started } = queueOf({ slow: 1 }, 2);
    add('s1', 'slow', 'background');
    add('x', 'slow', 'background');
    add('x', 'quick');
    expect(started).toEqual(['s1', 'x']);
    await end('s1');
    await end('x');
    expect(started).toEqual(['s1', 'x']);
  });

  test('says whether a key runs', async () => {
    const { queue, add, end, clock } = queueOf({}, 1);
    add('a');
    add('b');
    expect([queue.isRunning('a'), queue.isRunning('b')]).toEqual([true, false]);
    await end('a');
    expect([queue.isRunning('a'), queue.isRunning('b'), clock.waiting]).toEqual([false, true, 0]);
  });

  test('runs a key again at once if its work says so', async () => {
    const { add, end, started } = queueOf({}, 1);
    add('a');
    add('b');
    await end('a', 0);
    await end('b');
    await end('a');
    expect(started).toEqual(['a', 'b', 'a']);
  });

  test('runs a delayed key once if it is added before its time', async () => {
    const { add, end, started, clock } = queueOf();
    add('a');
    await end('a', 1_000);
    clock.advance(500);
    add('a');
    expect(started).toEqual(['a', 'a']);
    await end('a');
    clock.advance(10_000);
    expect(started).toEqual(['a', 'a']);
  });

  test('prefers what was added meanwhile to the time that the work returned', async () => {
    const { add, end, started, clock } = queueOf();
    add('a');
    add('a', 'slow', 'background');
    await end('a', 1_000);
    expect(started).toEqual(['a', 'a']);
    await end('a');
    clock.advance(10_000);
    expect(started).toEqual(['a', 'a']);
  });

  test('is idle when nothing runs or waits, whatever is delayed', async () => {
    const { queue, add, end } = queueOf({}, 1);
    await queue.idle();
    for (const key of ['a', 'b', 'c']) add(key);
    let isIdle = false;
    const idle = queue.idle().then(() => {
      isIdle = true;
    });
    await end('a', 1_000);
    expect(isIdle).toBe(false);
    await end('b');
    expect(isIdle).toBe(false);
    await end('c');
    await idle;
    await queue.idle();
  });

  test('forgets delayed keys, and keys that were added while they run, when it is closed', async () => {
    const { add, end, started, queue, clock } = queueOf({}, 2);
    add('delayed');
    await end('delayed', 1_000);
    add('a');
    add('a');
    add('b');
    const closed = queue.close();
    let isClosed = false;
    void closed.then(() => {
      isClosed = true;
    });
    await end('a');
    expect(isClosed).toBe(false);
    await end('b', 5);
    await closed;
    expect(clock.waiting).toBe(0);
    add('c');
    await queue.idle();
    clock.advance(10_000);
    expect(started).toEqual(['delayed', 'a', 'b']);
  });
});
