import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { DataDir } from './data-dir.ts';

/** The provisioner's last checkpoint on a tenant's way. */
const LAST = 'finished';

/**
 * Test mode (TIERPLANE_TEST_MODE=1) only: a file `crash-at` with a number n in the data directory kills this process
 * (kill -9, as a power cut would) at the n-th checkpoint that the provisioner passes on its way with the next tenant it
 * accepts a request for. The file becomes `crash-armed` then, and `crash-missed` where the way had fewer checkpoints.
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
