import { DomainError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Table } from '../../core/ports/table.ts';
import { withTimeout } from '../../core/time/wait.ts';
import { isFinal, loadPlacement, type Phase } from './placement.ts';

/** Another process may be working on the tenant, so a wait looks at the placement at least this often. */
const POLL_MS = 500;

/** Lets callers wait for the end of work on a tenant. */
export class TenantWaiters {
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #waiters = new Map<string, Set<() => void>>();

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  /** Wakes all callers that wait for the tenant. Call it when work on the tenant has ended. */
  wake(tenantId: string): void {
    for (const wake of this.#waiters.get(tenantId) ?? []) wake();
  }

  /**
   * The tenant's phase once it is a final one, or its phase after `timeoutMs`.
   * Throws NOT_FOUND if the tenant was never accepted.
   */
  async finalPhase(tenantId: string, timeoutMs: number): Promise<Phase> {
    const deadline = this.#clock.monotonic() + timeoutMs;
    for (;;) {
      const phase = (await loadPlacement(this.#table, tenantId))?.data.phase;
      const leftMs = deadline - this.#clock.monotonic();
      if (phase && (isFinal(phase) || leftMs <= 0)) return phase;
      if (leftMs <= 0) throw new DomainError('NOT_FOUND', `tenant ${tenantId} was never accepted`);
      await this.#woken(tenantId, Math.min(leftMs, POLL_MS));
    }
  }

  /** Resolves when the tenant's waiters are woken, and after `ms` at the latest. */
  async #woken(tenantId: string, ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = this.#waiters.get(tenantId) ?? new Set();
    this.#waiters.set(tenantId, waiting.add(resolve));
    await withTimeout(this.#clock, ms, promise, () => undefined);
    waiting.delete(resolve);
    if (waiting.size === 0) this.#waiters.delete(tenantId);
  }
}
