import { isOnboarding } from '../../../core/tenant/lifecycle.ts';
import type { StateListener } from '../http/deps.ts';

/**
 * Joins the consumer of results with those who wait for one, within one process.
 * `settled` is the `settled` of ControlPlaneDeps, `onState` goes to `resultsConsumer`.
 */
export function createCompletionWaiters(): { settled(tenantId: string): Promise<void>; onState: StateListener } {
  const waiting = new Map<string, PromiseWithResolvers<void>>();
  return {
    settled(tenantId) {
      const waiter = waiting.get(tenantId) ?? Promise.withResolvers<void>();
      waiting.set(tenantId, waiter);
      return waiter.promise;
    },
    onState(tenantId, state) {
      if (isOnboarding(state)) return;
      waiting.get(tenantId)?.resolve();
      waiting.delete(tenantId);
    },
  };
}
