import { expect, test } from '@jest/globals';
import { createKeyedQueue } from '../../../core/collections/keyed-queue.ts';

test('tasks of one key run one after the other, tasks of different keys at the same time', async () => {
  const inTurn = createKeyedQueue();
  const events: string[] = [];
  const gates = [1, 2, 3].map(() => Promise.withResolvers<void>());
  const task = (name: string, gate: number) => async () => {
    events.push(`${name} starts`);
    await gates[gate]?.promise;
    events.push(`${name} ends`);
    return name;
  };
  const all = [inTurn('a', task('a1', 0)), inTurn('a', task('a2', 1)), inTurn('b', task('b1', 2))];
  expect(events).toEqual(['a1 starts', 'b1 starts']);
  gates[2]?.resolve();
  gates[1]?.resolve();
  await all[2];
  expect(events).toEqual(['a1 starts', 'b1 starts', 'b1 ends']);
  gates[0]?.resolve();
  expect(await Promise.all(all)).toEqual(['a1', 'a2', 'b1']);
  expect(events.slice(3)).toEqual(['a1 ends', 'a2 starts', 'a2 ends']);
});

test('a task that fails rejects its own promise only; the next one of its key runs', async () => {
  const inTurn = createKeyedQueue();
  const failing = inTurn('a', async () => {
    throw new Error('broken');
  });
  const next = inTurn('a', async () => 'next');
  await expect(failing).rejects.toThrow('broken');
  expect(await next).toBe('next');
  expect(await inTurn('a', async () => 'later')).toBe('later');
});

test('a task that is added after the first one has ended waits for those that were added before it', async () => {
  const inTurn = createKeyedQueue();
  const gate = Promise.withResolvers<void>();
  const events: string[] = [];
  const first = inTurn('a', async () => undefined);
  const second = inTurn('a', async () => {
    await gate.promise;
    events.push('second');
  });
  await first;
  const third = inTurn('a', async () => events.push('third'));
  await new Promise((resolve) => setImmediate(resolve));
  gate.resolve();
  await Promise.all([second, third]);
  expect(events).toEqual(['second', 'third']);
});
