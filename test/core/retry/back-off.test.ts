import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { backOffMs, chanceOf, remainingMs } from '../../../core/retry/back-off.ts';

const BACK_OFF = { baseMs: 250, maxMs: 15_000 };
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('backOffMs', () => {
  test('doubles from the base to the maximum', () => {
    expect([1, 2, 3, 7, 8, 2_000].map((attempt) => backOffMs(attempt, BACK_OFF, 0))).toEqual([
      250, 500, 1_000, 15_000, 15_000, 15_000,
    ]);
  });

  test('chance takes off up to half, whatever the attempt', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), chance, (attempt, share) => {
        const ceiling = backOffMs(attempt, BACK_OFF, 0);
        const wait = backOffMs(attempt, BACK_OFF, share);
        expect(wait).toBeGreaterThan(ceiling * 0.4999);
        expect(wait).toBeLessThanOrEqual(ceiling);
        expect(wait).toBeCloseTo(ceiling * (1 - share / 2));
      }),
    );
  });
});

test('chanceOf maps a random byte to [0, 1)', () => {
  const bytes = (value: number) => (count: number) => new Uint8Array(count).fill(value);
  expect([0, 128, 255].map((value) => chanceOf(bytes(value)))).toEqual([0, 0.5, 255 / 256]);
});

describe('remainingMs', () => {
  test('counts down to zero', () => {
    expect(remainingMs(1_500, 1_000, 30_000)).toBe(500);
    expect(remainingMs(1_000, 1_000, 30_000)).toBe(0);
    expect(remainingMs(1_000, 1_500, 30_000)).toBe(0);
  });

  test('is zero if more than the longest wait remains: the clock was set back', () => {
    expect(remainingMs(30_000, 0, 30_000)).toBe(30_000);
    expect(remainingMs(30_001, 0, 30_000)).toBe(0);
    expect(remainingMs(86_400_000, 0, 30_000)).toBe(0);
  });
});
