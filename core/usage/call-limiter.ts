import type { Clock } from '../ports/clock.ts';
import type { Key, Table } from '../ports/table.ts';
import { remainingMs } from '../retry/back-off.ts';
import { updateItem } from '../retry/update-item.ts';
import { type Bucket, fullBucket, take } from './bucket.ts';

/** How often the platform may make calls that an account limits. */
export interface CallLimit {
  /** Sustained calls per second; less than 1 for a call every few seconds. */
  readonly rate: number;
  /** Most calls at once. */
  readonly burst: number;
}

/** A limit of calls that all processes of the platform share. */
export interface CallLimiter {
  /** Takes a turn for one call. @returns 0 if the call may be made now, else the milliseconds after which to ask again */
  take(): Promise<number>;
  /** The service refused a call because it got too many: nobody gets a turn for a while. @returns that time, in ms */
  refused(): Promise<number>;
}

export interface CallLimiterOptions {
  /** Names the limit in the table. */
  readonly name: string;
  readonly limit: CallLimit;
  /** How long nobody gets a turn after a refused call, in milliseconds. @default 10_000 */
  readonly pauseMs?: number;
  readonly table: Table;
  readonly clock: Pick<Clock, 'now'>;
}

/** A bucket, and until when nobody gets a turn. Times are epoch milliseconds. */
interface Turns {
  readonly bucket: Bucket;
  readonly pausedUntil: number;
}

function limitKey(name: string): Key<Turns> {
  return { pk: `call-limit#${name}`, sk: 'call-limit' };
}

/** A token bucket in the table. Its times are those of the processes' clocks, which differ little. */
export function createCallLimiter({ name, limit, pauseMs = 10_000, table, clock }: CallLimiterOptions): CallLimiter {
  async function update(change: (turns: Turns, now: number) => Turns): Promise<void> {
    const decide = (item: { readonly data: Turns } | undefined) => {
      const now = clock.now();
      return { item: { data: change(item?.data ?? { bucket: fullBucket(limit, now), pausedUntil: 0 }, now) } };
    };
    await updateItem(table, limitKey(name), decide, { maxAttempts: Number.POSITIVE_INFINITY });
  }

  return {
    async take() {
      let waitMs = 0;
      await update(({ bucket: { tokens, at }, pausedUntil }, now) => {
        // A clock that was ahead must not stop everybody until that time.
        const bucket = { tokens, at: Math.min(at, now) };
        waitMs = remainingMs(pausedUntil, now, pauseMs);
        if (waitMs === 0 && !take(bucket, limit, now)) waitMs = Math.ceil(((1 - bucket.tokens) / limit.rate) * 1_000);
        return { bucket, pausedUntil };
      });
      return waitMs;
    },
    async refused() {
      await update(({ bucket: { tokens } }, now) => {
        const pausedUntil = now + pauseMs;
        return { bucket: { tokens: Math.min(tokens, 1), at: pausedUntil }, pausedUntil };
      });
      return pauseMs;
    },
  };
}
