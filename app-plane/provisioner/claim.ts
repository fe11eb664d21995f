import { defined } from '../../core/defined.ts';
import { isDomainError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { put, type Table, type Write } from '../../core/ports/table.ts';
import type { MaybePending, Pending } from '../../core/progress/pending.ts';
import type { Step } from '../../core/progress/step.ts';
import { remainingMs } from '../../core/retry/back-off.ts';
import { MAX_STEPS, type Placement, type PlacementItem, type PlacementPatch, placementItem } from './placement.ts';

/** How long a lease lasts unless it is renewed. A dead holder delays its tenants by no more than this. */
export const LEASE_MS = 10_000;
/** Work that ends within this time writes its steps once, with its result; longer work writes them as they happen. */
const PROGRESS_MS = 200;

/** Another process changed the placement: the desired state is a new one, or the lease was taken over. */
export class Superseded extends Error {
  constructor(tenantId: string, options?: ErrorOptions) {
    super(`placement of tenant ${tenantId} was changed by another process`, options);
    this.name = 'Superseded';
  }
}

/** Thrown by the work of several steps that knows which of them failed. Steps that it does not name were not tried. */
export class StepsFailed extends Error {
  readonly failed: readonly string[];
  readonly done: readonly string[];
  /** Why the steps failed. */
  readonly error: unknown;

  constructor(steps: { readonly failed: readonly string[]; readonly done: readonly string[] }, error: unknown) {
    super('some steps failed', { cause: error });
    this.name = 'StepsFailed';
    this.failed = steps.failed;
    this.done = steps.done;
    this.error = error;
  }
}

/**
 * Whether another owner holds the lease. A lease that ends later than any lease can was taken before the system clock was
 * set back, and counts as over: every write is conditional on the version, so two owners cannot overwrite each other.
 */
export function isHeldByOther(placement: Placement, owner: string, now: number): boolean {
  return placement.lease?.owner !== owner && isHeld(placement, now);
}

/** Whether a lease lasts, whoever holds it. */
export function isHeld({ lease }: Placement, now: number): boolean {
  return lease !== undefined && remainingMs(lease.until, now, LEASE_MS) > 0;
}

/**
 * The claim of one process to a placement: the current record, its steps, and the lease, which it renews while work is
 * in progress. Every write is conditional on the item's version; the first that fails ends the claim with Superseded.
 */
export class Claim {
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #owner: string;
  #item: PlacementItem;
  #steps: Step[];
  #unwritten = false;
  #writing: Promise<void> = Promise.resolve();
  #timer: { cancel(): void } | undefined;
  #lost: Superseded | undefined;
  #failedStep: string | undefined;

  constructor(table: Table, clock: Clock, owner: string, item: PlacementItem) {
    this.#table = table;
    this.#clock = clock;
    this.#owner = owner;
    this.#item = item;
    this.#steps = [...item.data.steps];
    this.#beat();
  }

  /**
   * Takes the lease, unless this owner holds it and it still lasts, and writes `patch` with it. A sole owner, beside which
   * no other process works on the store, takes the lease when it writes the first progress: that saves short work a write.
   * @throws Superseded if another process was faster
   */
  static async take(
    table: Table,
    clock: Clock,
    owner: string,
    item: PlacementItem,
    { isSoleOwner = false, patch = {} }: { readonly isSoleOwner?: boolean; readonly patch?: PlacementPatch } = {},
  ): Promise<Claim> {
    const claim = new Claim(table, clock, owner, item);
    const { lease } = item.data;
    const isLasting = lease?.owner === owner && remainingMs(lease.until, clock.now(), LEASE_MS) >= LEASE_MS / 2;
    try {
      if (Object.keys(patch).length > 0 || !(isSoleOwner || isLasting)) await claim.save(patch);
    } catch (error) {
      claim.close();
      throw error;
    }
    return claim;
  }

  get placement(): Placement {
    return this.#item.data;
  }

  get steps(): readonly Step[] {
    return this.#steps;
  }

  /** The first step that failed under this claim, or undefined. */
  get failedStep(): string | undefined {
    return this.#failedStep;
  }

  /** @throws Superseded if a write has failed, also one in the background */
  check(): void {
    if (this.#lost) throw this.#lost;
  }

  /**
   * Runs the work of the steps `names`, and records the start and end of each. The steps of pending work keep running, with
   * the reason, and keep their start over several passes.
   */
  async record(
    names: readonly string[],
    work: () => Promise<MaybePending>,
    reasonOf: (error: unknown) => string,
  ): Promise<Pending | undefined> {
    const started = names.map(
      (name) => this.#running(name) ?? ({ name, status: 'running', startedAt: this.#time() } as const),
    );
    for (const step of started) this.#put(step);
    const end = (ended: readonly string[], outcome: Pick<Step, 'status' | 'reason'>) => {
      for (const { name, startedAt } of started) {
        if (ended.includes(name)) this.#put({ name, startedAt, endedAt: this.#time(), ...outcome });
      }
    };
    try {
      const outcome = await work();
      if (!outcome) end(names, { status: 'done' });
      else for (const step of started) this.#put({ ...step, reason: outcome.pending });
      return outcome ?? undefined;
    } catch (thrown) {
      const { failed, done, error } =
        thrown instanceof StepsFailed ? thrown : { failed: names, done: [], error: thrown };
      this.#failedStep ??= failed.join(', ');
      end(done, { status: 'done' });
      end(failed, { status: 'failed', reason: reasonOf(error) });
      // The others were not tried.
      this.#steps = this.#steps.filter(({ name, status }) => status !== 'running' || !names.includes(name));
      throw error;
    }
  }

  /** Records the end of the running steps `names`, whose work was observed to have ended. */
  complete(names: readonly string[]): void {
    for (const step of names.map((name) => this.#running(name))) {
      if (step) this.#put({ name: step.name, startedAt: step.startedAt, endedAt: this.#time(), status: 'done' });
    }
  }

  /** Records that the running steps have failed, because the work that they belong to is given up. */
  giveUp(): void {
    for (const { name, startedAt, status } of this.#steps) {
      if (status !== 'running') continue;
      this.#put({ name, startedAt, endedAt: this.#time(), status: 'failed', reason: 'given up before it had ended' });
    }
  }

  /** Writes `patch` and the steps, and renews the lease. @throws Superseded */
  save(patch: PlacementPatch): Promise<void> {
    return this.#write(() => ({ ...patch, lease: { owner: this.#owner, until: this.#clock.now() + LEASE_MS } }), []);
  }

  /** Writes `patch` and the steps, releases the lease, and writes `also` in the same transaction. @throws Superseded */
  async end(patch: PlacementPatch, also: readonly Write[] = []): Promise<void> {
    this.close();
    await this.#write(() => ({ ...patch, lease: undefined }), also);
  }

  /** Ends the work at its next step, because the process is about to end. It continues after the next start. */
  abandon(): void {
    this.#lost ??= new Superseded(this.placement.tenantId);
  }

  /** Stops renewing the lease, which then expires. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #running(name: string): Step | undefined {
    return this.#steps.findLast((step) => step.name === name && step.status === 'running');
  }

  #put(step: Step): void {
    const index = this.#steps.findLastIndex((old) => old.name === step.name && old.status === 'running');
    if (index < 0) this.#steps.push(step);
    else this.#steps[index] = step;
    if (this.#steps.length > MAX_STEPS) this.#steps = this.#steps.slice(-MAX_STEPS);
    this.#unwritten = true;
  }

  /** Writes in sequence: each write is conditional on the version that the one before created. */
  #write(patch: () => PlacementPatch, also: readonly Write[]): Promise<void> {
    const write = this.#writing.then(async () => {
      this.check();
      const data: Placement = defined({ ...this.#item.data, steps: [...this.#steps], ...patch() });
      const item = placementItem(data, this.#item.version + 1);
      this.#unwritten = false;
      try {
        await this.#table.transact([put(item, { version: this.#item.version }), ...also]);
      } catch (error) {
        if (!isDomainError(error, 'CONDITION_FAILED')) throw error;
        this.#lost = new Superseded(data.tenantId, { cause: error });
        throw this.#lost;
      }
      this.#item = item;
    });
    this.#writing = write.catch(() => undefined);
    return write;
  }

  /** Writes progress and renews the lease while work is in progress. */
  #beat(): void {
    this.#timer = this.#clock.after(PROGRESS_MS, () => {
      const until = this.#item.data.lease?.until ?? 0;
      const due = this.#unwritten || remainingMs(until, this.#clock.now(), LEASE_MS) < LEASE_MS / 2;
      const written = due ? this.save(this.#progress()).catch(() => undefined) : Promise.resolve();
      void written.then(() => {
        if (this.#timer && !this.#lost) this.#beat();
      });
    });
  }

  #progress(): PlacementPatch {
    return this.#item.data.phase === 'accepted' ? { phase: 'provisioning' } : {};
  }

  #time(): string {
    return new Date(this.#clock.now()).toISOString();
  }
}
