import { describe, expect, test } from '@jest/globals';
import { giveBackWhenIdle } from '../../../services/kit/idle-memory.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const START = 10_000;
const ROUND = 60_000;

function watch() {
  const clock = new ManualClock();
  let count = 0;
  const memory = giveBackWhenIdle({ clock, collect: () => count++ });
  return { clock, memory, collected: () => count };
}

describe('the memory of an idle task', () => {
  test('is returned soon after the start, then once per pause of at least a minute', () => {
    const { clock, memory, collected } = watch();
    clock.advance(START);
    expect(collected()).toBe(0);
    clock.advance(START);
    expect(collected()).toBe(1);
    clock.advance(100 * ROUND);
    expect(collected()).toBe(1);
    memory.used();
    clock.advance(2 * ROUND);
    expect(collected()).toBe(2);
    clock.advance(100 * ROUND);
    expect(collected()).toBe(2);
  });

  test('is not collected while each round has a request', () => {
    const { clock, memory, collected } = watch();
    for (let round = 0; round < 20; round++) {
      memory.used();
      clock.advance(START);
    }
    expect(collected()).toBe(0);
    clock.advance(START);
    expect(collected()).toBe(1);
    for (let round = 0; round < 20; round++) {
      memory.used();
      clock.advance(ROUND);
    }
    expect(collected()).toBe(1);
  });

  test('is not collected before a whole round has passed since the last request', () => {
    const { clock, memory, collected } = watch();
    clock.advance(2 * START);
    clock.advance(2 * ROUND - 1);
    memory.used();
    clock.advance(ROUND);
    expect(collected()).toBe(1);
    clock.advance(1);
    expect(collected()).toBe(2);
  });

  test('is not collected after close', () => {
    const { clock, memory, collected } = watch();
    memory.close();
    clock.advance(100 * ROUND);
    expect(collected()).toBe(0);
  });
});
