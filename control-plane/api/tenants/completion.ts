import { isOnboarding } from '../../../core/tenant/lifecycle.ts';
import type { StateListener } from '../http/deps.ts';

/**
 * Connects the consumer of results with requests that wait for one, within one process.
 * `completion` is the `completion` of ControlPlaneDeps; `onState` goes to `resultsConsumer`.
 */
export function createCompletions(): { completion(tenantId: string): Promise<void>; onState: StateListener } {
  const waiting = new Map<string, PromiseWithResolvers<void>>();
  return {
    completion(tenantId) {
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
