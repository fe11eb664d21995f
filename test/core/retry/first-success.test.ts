import { expect, test } from '@jest/globals';
import { firstSuccess } from '../../../core/retry/first-success.ts';

test('a result is computed once, also for calls at the same time', async () => {
  let calls = 0;
  const one = firstSuccess(async () => ++calls);
  expect(await Promise.all([one(), one()])).toEqual([1, 1]);
  expect(await one()).toBe(1);
});

test('a failed attempt is repeated by the next call', async () => {
  let calls = 0;
  const one = firstSuccess(async () => {
    calls += 1;
    if (calls === 1) throw new Error('not yet');
    return calls;
  });
  const results = await Promise.allSettled([one(), one()]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await one()).toBe(2);
  expect(await one()).toBe(2);
});
