import type { Clock } from '../../core/ports/clock.ts';

/** Interactive work, which someone waits for, precedes background work. */
export type Priority = 'interactive' | 'background';

export interface Work {
  readonly key: string;
  /** Work of one lane shares the lane's limit, so that slow work never delays fast work of another lane. */
  readonly lane: string;
  readonly priority: Priority;
}

export interface WorkQueueOptions {
  /** Works on one key. Returns undefined when done, or the milliseconds after which to run again. Must not throw. */
  readonly run: (key: string) => Promise<number | undefined>;
  /** Most keys that run at the same time. */
  readonly concurrency: number;
  /** Most keys of one lane that run at the same time. @default - `concurrency` */
  readonly perLane: Readonly<Record<string, number>>;
  readonly clock: Clock;
}

/**
 * A queue of keys, like the work queues of Kubernetes controllers: a key is queued once and never runs twice at the same
 * time; a key that is added while it runs, runs again afterwards.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #waiting = new Map<string, Work>();
  readonly #lines: Record<Priority, Map<string, string[]>> = { interactive: new Map(), background: new Map() };
  readonly #running = new Map<string, Work>();
  readonly #again = new Map<string, Work>();
  readonly #delayed = new Map<string, { cancel(): void }>();
  readonly #laneLoad = new Map<string, number>();
  readonly #idle: (() => void)[] = [];
  #closed = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  add(work: Work): void {
    if (this.#closed) return;
    this.#delayed.get(work.key)?.cancel();
    this.#delayed.delete(work.key);
    if (this.#running.has(work.key)) this.#again.set(work.key, work);
    else if (this.#enqueue(work)) this.#fill();
  }

  isRunning(key: string): boolean {
    return this.#running.has(key);
  }

  /** Resolves when no key waits or runs. A delayed key does not count. */
  async idle(): Promise<void> {
    if (this.#running.size + this.#waiting.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Accepts no more work. Resolves when running work has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    this.#waiting.clear();
    this.#again.clear();
    await this.idle();
  }

  /** @returns whether a line grew; a key that waits already only moves up */
  #enqueue(work: Work): boolean {
    const before = this.#waiting.get(work.key);
    if (before && (before.priority === 'interactive' || work.priority === 'background')) return false;
    this.#waiting.set(work.key, work);
    const line = this.#lines[work.priority].get(work.lane);
    if (line) line.push(work.key);
    else this.#lines[work.priority].set(work.lane, [work.key]);
    return true;
  }

  #fill(): void {
    while (!this.#closed && this.#running.size < this.#options.concurrency) {
      const work = this.#next('interactive') ?? this.#next('background');
      if (!work) return;
      void this.#work(work);
    }
  }

  #next(priority: Priority): Work | undefined {
    for (const [lane, line] of this.#lines[priority]) {
      const limit = this.#options.perLane[lane] ?? this.#options.concurrency;
      while (line.length > 0 && (this.#laneLoad.get(lane) ?? 0) < limit) {
        const work = this.#waiting.get(line.shift() as string);
        // A key that moved up, or to another lane, leaves its old place behind.
        if (work?.priority !== priority || work.lane !== lane) continue;
        this.#waiting.delete(work.key);
        return work;
      }
    }
    return undefined;
  }

  async #work(work: Work): Promise<void> {
    this.#running.set(work.key, work);
    this.#laneLoad.set(work.lane, (this.#laneLoad.get(work.lane) ?? 0) + 1);
    const after = await this.#options.run(work.key);
    this.#running.delete(work.key);
    this.#laneLoad.set(work.lane, (this.#laneLoad.get(work.lane) ?? 1) - 1);
    const again = this.#again.get(work.key);
    this.#again.delete(work.key);
    if (!this.#closed && (again || after === 0)) this.#enqueue(again ?? work);
    else if (!this.#closed && after !== undefined) this.#later(work, after);
    this.#fill();
    if (this.#running.size + this.#waiting.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #later(work: Work, afterMs: number): void {
    const timer = this.#options.clock.after(afterMs, () => {
      this.#delayed.delete(work.key);
      this.add(work);
    });
    this.#delayed.set(work.key, timer);
  }
}
