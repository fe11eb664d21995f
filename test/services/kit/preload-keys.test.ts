import { describe, expect, test } from '@jest/globals';
import { preloadKeys } from '../../../services/kit/preload-keys.ts';
import { nextTurn } from '../../support/background-work.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const random = (length: number) => new Uint8Array(length);

describe('the key sets of a task', () => {
  test('are all read before the task is ready', async () => {
    const read: string[] = [];
    const preload = async (issuer: string) => void read.push(issuer);
    await preloadKeys(preload, ['pool', 'tenant-a'], { clock: new ManualClock(), random });
    expect(read).toEqual(['pool', 'tenant-a']);
  });

  test('that cannot be read do not keep the task from being ready, and are tried again until they are read', async () => {
    const clock = new ManualClock();
    const attempts = { pool: 0, gone: 0 };
    const preload = async (issuer: string) => {
      attempts[issuer as keyof typeof attempts] += 1;
      if (issuer === 'gone' || attempts.pool < 3) throw new Error('not available');
    };
    await preloadKeys(preload, ['pool', 'gone'], { clock, random });
    expect(attempts).toEqual({ pool: 1, gone: 1 });
    for (let i = 0; i < 30; i++) {
      await nextTurn();
      clock.advance(5_000);
    }
    expect(attempts).toEqual({ pool: 3, gone: 10 });
  });
});
