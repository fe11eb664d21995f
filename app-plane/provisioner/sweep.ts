import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import type { Table } from '../../core/ports/table.ts';
import { remainingWaitMs } from './attempt-wait.ts';
import { isHeld } from './claim.ts';
import { reasonOf } from './failures.ts';
import { type Placement, readySilos, unfinished } from './placement.ts';
import type { Restoration } from './restoration.ts';
import type { Priority } from './work-queue.ts';

/**
 * Hands every tenant whose work is due to `send`, in order of due time, and returns when all are handed over. A function
 * calls it once per schedule. A tenant may be handed over again before its work begins, which does no harm.
 * @returns how many tenants were handed over
 */
export async function sweepOnce(
  { table, clock }: Pick<SweepOptions, 'table' | 'clock'>,
  send: (placement: Placement) => void | Promise<void>,
  /** Tenants to hand over although they are not due. @default - none */
  isDueAnyway: (placement: Placement) => boolean = () => false,
): Promise<number> {
  const now = clock.now();
  let count = 0;
  // Looks at all of them, because their waits differ: after the clock was set back, a later one may be due first.
  for await (const placement of unfinished(table)) {
    if (!isDueAnyway(placement) && (isHeld(placement, now) || remainingWaitMs(placement, now) > 0)) continue;
    await send(placement);
    count += 1;
  }
  return count;
}

export interface SweepOptions {
  readonly table: Table;
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds between two sweeps. */
  readonly intervalMs: number;
  /** The holder of the leases. */
  readonly owner: string;
  readonly enqueue: (placement: Placement, priority: Priority) => void;
  readonly isRunning: (tenantId: string) => boolean;
  /** Receives every silo that is queued after a start. */
  readonly restoration: Restoration;
}

/** Queues tenants without an event: unfinished work that is due and, after a start, silos to restore. */
export class Sweep {
  readonly #options: SweepOptions;
  #timer: { cancel(): void } | undefined;
  #closed = false;

  constructor(options: SweepOptions) {
    this.#options = options;
  }

  /** Queues every silo and all unfinished work, then sweeps at the interval. */
  async start(): Promise<void> {
    const { table, enqueue, restoration } = this.#options;
    for await (const placement of readySilos(table)) {
      restoration.add(placement.tenantId);
      enqueue(placement, 'background');
    }
    restoration.seal();
    await this.#sweep({ afterStart: true });
    this.#schedule();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #schedule(): void {
    if (this.#closed) return;
    const { clock, intervalMs, log } = this.#options;
    this.#timer = clock.after(intervalMs, () => {
      void this.#sweep({ afterStart: false })
        .catch((error: unknown) => log.error({ reason: reasonOf(error), err: error }, 'sweep failed'))
        .then(() => this.#schedule());
    });
  }

  /**
   * Work that someone waits for precedes the restoring of tenants that are ready. After a start, what an earlier process of
   * the same name has left behind is due, and so is work that goes on elsewhere: it may have ended meanwhile.
   */
  async #sweep({ afterStart }: { readonly afterStart: boolean }): Promise<void> {
    const { owner, enqueue, isRunning } = this.#options;
    const isLeftBehind = ({ lease, pending }: Placement) => lease?.owner === owner || pending !== undefined;
    await sweepOnce(
      this.#options,
      (placement) => {
        if (isRunning(placement.tenantId)) return;
        enqueue(placement, placement.phase === 'ready' ? 'background' : 'interactive');
      },
      (placement) => afterStart && isLeftBehind(placement),
    );
  }
}
