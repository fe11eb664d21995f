import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import type { Table } from '../../core/ports/table.ts';
import { remainingMs } from '../../core/retry/back-off.ts';
import { BACK_OFF, reasonOf } from './failures.ts';
import { dueAt, type Placement, readySilos, unfinished } from './placement.ts';
import type { Restoration } from './restoration.ts';
import type { Priority } from './work-queue.ts';

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

  /** Work that someone waits for precedes the restoring of tenants that are ready. */
  async #sweep({ afterStart }: { readonly afterStart: boolean }): Promise<void> {
    const { table, clock, owner, enqueue, isRunning } = this.#options;
    const now = clock.now();
    for await (const placement of unfinished(table)) {
      const isDue = remainingMs(dueAt(placement) ?? 0, now, BACK_OFF.maxMs) === 0;
      // In order of due time: the others are not due either.
      if (!isDue && !afterStart) return;
      const isLeftBehind = afterStart && placement.lease?.owner === owner;
      if ((isDue || isLeftBehind) && !isRunning(placement.tenantId)) {
        enqueue(placement, placement.phase === 'ready' ? 'background' : 'interactive');
      }
    }
  }
}
