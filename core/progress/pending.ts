/** Work that has started elsewhere and takes minutes, such as a CloudFormation stack. */
export interface Pending {
  /** What the work waits for, in plain words: `stack tp-silo-acme is being created`. */
  readonly pending: string;
  /** Milliseconds after which to look again if no event reports the end of the work earlier. */
  readonly lookAgainMs: number;
}

/**
 * Work of one request that goes on elsewhere for longer has failed, in minutes. The control plane offers a retry of work in
 * progress only after that.
 */
export const PENDING_LIMIT_MINUTES = 60;

/** The result of a call that may start work elsewhere: nothing if the work is done, otherwise what it waits for. */
// biome-ignore lint/suspicious/noConfusingVoidType: functions that return nothing are the usual case
export type MaybePending = void | Pending;
