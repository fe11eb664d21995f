import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DataDir } from './data-dir.ts';

/**
 * Test mode (TIERPLANE_TEST_MODE=1) only: a file `crash-at` with a number n in the data directory kills this process
 * (kill -9, as a power cut would) at the n-th checkpoint that the provisioner passes on its way with the next tenant it
 * accepts a request for. The file is used up by that request.
 */
export function crashPointOf(dir: DataDir): ((name: string, tenantId: string) => void) | undefined {
  if (process.env.TIERPLANE_TEST_MODE !== '1') return undefined;
  const file = join(dir.root, 'crash-at');
  let watched: { tenantId: string; left: number } | undefined;
  return (name, tenantId) => {
    if (name === 'accept' && existsSync(file)) {
      watched = { tenantId, left: Number(readFileSync(file, 'utf8')) };
      rmSync(file);
    }
    if (watched?.tenantId !== tenantId) return;
    watched.left -= 1;
    if (watched.left === 0) process.kill(process.pid, 'SIGKILL');
  };
}
