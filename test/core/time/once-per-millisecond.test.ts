import { expect, test } from '@jest/globals';
import { oncePerMillisecond } from '../../../core/time/once-per-millisecond.ts';

test('a time is formatted once until another time follows', () => {
  const formatted: number[] = [];
  const text = oncePerMillisecond((ms) => {
    formatted.push(ms);
    return new Date(ms).toISOString();
  });
  expect([0, 0, 1, 1, 0].map(text)).toEqual([
    '1970-01-01T00:00:00.000Z',
    '1970-01-01T00:00:00.000Z',
    '1970-01-01T00:00:00.001Z',
    '1970-01-01T00:00:00.001Z',
    '1970-01-01T00:00:00.000Z',
  ]);
  expect(formatted).toEqual([0, 1, 0]);
});
