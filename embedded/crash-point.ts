import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { DataDir } from './data-dir.ts';

/** The provisioner's last checkpoint for a tenant. */
const LAST = 'finished';

/**
 * In test mode (TIERPLANE_TEST_MODE=1) only: if the data directory holds a file `crash-at` with a number n, this process is
 * killed with SIGKILL, as in a power failure, at the n-th checkpoint that the provisioner passes for the next tenant whose
 * request it accepts. The file is then renamed to `crash-armed`, and to `crash-missed` if there were fewer checkpoints.
 */
export function crashPointOf(dir: DataDir): ((name: string, tenantId: string) => void) | undefined {
  if (process.env.TIERPLANE_TEST_MODE !== '1') return undefined;
  const [requested, armed, missed] = ['crash-at', 'crash-armed', 'crash-missed'].map((name) =>
    join(dir.root, name),
  ) as [string, string, string];
  let watched: { tenantId: string; left: number } | undefined;
  return (name, tenantId) => {
    if (name === 'accept' && existsSync(requested)) {
      watched = { tenantId, left: Number(readFileSync(requested, 'utf8')) };
      renameSync(requested, armed);
    }
    if (watched?.tenantId !== tenantId) return;
    watched.left -= 1;
    if (watched.left === 0) process.kill(process.pid, 'SIGKILL');
    if (name !== LAST) return;
    renameSync(armed, missed);
    watched = undefined;
  };
}
