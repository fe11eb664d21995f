import type { Clock, RandomBytes } from '../../core/ports/clock.ts';
import { type BackOff, backOffMs, chanceOf } from '../../core/retry/back-off.ts';
import { pause } from '../../core/time/wait.ts';

const MAX_ATTEMPTS = 10;
const BACK_OFF: BackOff = { baseMs: 100, maxMs: 5_000 };

/**
 * Reads the key sets of issuers before the first requests need them. The many tasks of a start would otherwise all read
 * them at the same moment, and their first requests would fail if that took too long.
 *
 * @param preload reads the key set of one issuer; throws if it cannot be read
 * @returns resolves when each key set has been tried once. Those that could not be read are tried again in the background.
 */
export async function preloadKeys(
  preload: (issuer: string) => Promise<void>,
  issuers: Iterable<string>,
  { clock, random }: { readonly clock: Pick<Clock, 'after'>; readonly random: RandomBytes },
): Promise<void> {
  async function isRead(issuer: string): Promise<boolean> {
    return preload(issuer).then(
      () => true,
      () => false,
    );
  }
  async function tryAgain(issuer: string): Promise<void> {
    for (let attempt = 1; attempt < MAX_ATTEMPTS; attempt++) {
      await pause(clock, backOffMs(attempt, BACK_OFF, chanceOf(random)));
      if (await isRead(issuer)) return;
    }
  }
  await Promise.all(
    Array.from(issuers, async (issuer) => {
      if (!(await isRead(issuer))) void tryAgain(issuer);
    }),
  );
}
