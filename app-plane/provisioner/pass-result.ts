/** How a pass over a tenant ended. */
export type PassResult =
  /** Nothing is left to do. */
  | { readonly outcome: 'done' }
  /**
   * Call again after `afterMs`. 0: another process changed the tenant meanwhile, or its clean-up follows; call again at once,
   * if possible with the same reconciler, which may still hold the lease.
   */
  | {
      readonly outcome: 'again';
      readonly afterMs: number;
      /** What the work elsewhere waits for. An event may start the next pass earlier. @default - no work goes on elsewhere */
      readonly pending?: string;
      /** true: another process works on the tenant, so this call has observed nothing. @default false */
      readonly isHeld?: true;
    }
  /** The work was given up, and nothing happens until somebody asks again. `reason`: in plain words. */
  | { readonly outcome: 'failed'; readonly reason: string };

export const DONE: PassResult = { outcome: 'done' };

export function again(afterMs: number, pending?: string): Extract<PassResult, { outcome: 'again' }> {
  return { outcome: 'again', afterMs, ...(pending !== undefined && { pending }) };
}

/** Another process holds the lease. @param pending as in `again` */
export function heldElsewhere(afterMs: number, pending?: string): PassResult {
  return { ...again(afterMs, pending), isHeld: true };
}

export function failed(reason: string): PassResult {
  return { outcome: 'failed', reason };
}
