import type { Clock } from '../../core/ports/clock.ts';
import type { Table } from '../../core/ports/table.ts';
import type { TenantMessage } from '../../core/progress/tenant-message.ts';
import { dueAt, loadPlacement } from './placement.ts';
import type { Reconciler } from './reconcile.ts';

export interface WorkMessageDeps {
  readonly table: Table;
  readonly clock: Pick<Clock, 'now'>;
  readonly reconciler: Pick<Reconciler, 'reconcile'>;
  /** Queues a message that is delivered after `delayMs`. */
  readonly send: (message: TenantMessage, delayMs: number) => Promise<void>;
  /** Whether another pass may begin at once: the function has time left. */
  readonly hasTime: () => boolean;
}

/**
 * Works on a tenant until it must wait, and queues a message for the time after. Every event about a tenant leads to such a
 * message. So that they do not multiply, a message is dropped if a later pass has found that less or later work is due: that
 * pass has queued its own.
 */
export async function workOn(message: TenantMessage, deps: WorkMessageDeps): Promise<void> {
  const { reconciler, clock, send, hasTime } = deps;
  const { tenantId } = message;
  if (await isOutdated(message, deps)) return;
  for (;;) {
    const result = await reconciler.reconcile(tenantId);
    if (result.outcome !== 'again') return;
    const { afterMs } = result;
    if (afterMs === 0 && hasTime()) continue;
    // This call has observed nothing, so what has happened is still to be looked at.
    if (result.isHeld) await send(message, afterMs);
    else await send({ tenantId, dueAt: clock.now() + afterMs }, afterMs);
    return;
  }
}

async function isOutdated({ tenantId, dueAt: due }: TenantMessage, { table }: WorkMessageDeps): Promise<boolean> {
  if (due === undefined) return false;
  const placement = (await loadPlacement(table, tenantId))?.data;
  if (!placement) return true;
  if (placement.lease) return false;
  return (dueAt(placement) ?? Number.POSITIVE_INFINITY) > due;
}
