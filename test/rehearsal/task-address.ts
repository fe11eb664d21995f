import { spawnSync } from 'node:child_process';
import { TASK_ADDRESS_LOCK } from '../../rehearsal/account-network.ts';
import { until } from '../support/until.ts';

const ADDRESS = '169.254.170.2/32';
const LOOK = ['ip', 'address', 'show', 'dev', 'lo'] as const;

/**
 * Whether the address of task credentials is as it must be: without an account it is gone. Accounts of other suites may run,
 * start and end meanwhile; as long as one holds the lock, the address must stay for it. Waits while an account starts or
 * ends. @returns false if the address stays without an account, or is gone although one runs
 */
export async function isTaskAddressRight(): Promise<boolean> {
  return await until(isRightNow).catch(() => false);
}

function isRightNow(): boolean {
  // With the lock no account can start or end during the look.
  const alone = spawnSync('flock', ['--exclusive', '--nonblock', TASK_ADDRESS_LOCK, ...LOOK], { encoding: 'utf8' });
  if (alone.status === 0) return !alone.stdout.includes(ADDRESS);
  return spawnSync(LOOK[0], LOOK.slice(1), { encoding: 'utf8' }).stdout.includes(ADDRESS);
}
