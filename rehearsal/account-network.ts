import { spawnSync } from 'node:child_process';

/**
 * Guards 169.254.170.2, where tasks find their credentials: each account with containers holds a shared lock while it runs.
 * The kernel releases the lock when the process ends.
 */
export const TASK_ADDRESS_LOCK = '/run/lock/tierplane-task-address';
const TASK_ADDRESS = '169.254.170.2/32';
/** An account that was just killed releases its lock within this time. */
const RELEASED_WITHIN_SECONDS = '1';

/** The label of the loopback addresses that the launcher assigns to Service Connect aliases of the account on `port`. */
export function aliasLabel(port: number): string {
  return `lo:tp${port}`;
}

/** Removes the addresses of an account that has ended, 169.254.170.2 only if no other account uses it. */
export function removeAddresses(port: number): void {
  spawnSync('ip', ['address', 'flush', 'dev', 'lo', 'label', aliasLabel(port)]);
  const remove = ['ip', 'address', 'delete', TASK_ADDRESS, 'dev', 'lo'];
  spawnSync('flock', ['--exclusive', '--wait', RELEASED_WITHIN_SECONDS, TASK_ADDRESS_LOCK, ...remove]);
}
