import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { rotateLog } from '../adapters/embedded/runtime/supervisor/log-file.ts';
import type { Clock } from '../core/ports/clock.ts';

const INTERVAL_MS = 60_000;

/**
 * Keeps the logs of the platform, the gateway and the agents in bounds: 10 MB each and two old files. Tasks' logs are
 * their agents' business.
 */
export function rotateLogs(folder: string, clock: Clock): { end(): void } {
  let timer = clock.after(INTERVAL_MS, rotate);
  function rotate(): void {
    for (const name of readdirSync(folder)) if (name.endsWith('.log')) rotateLog(join(folder, name));
    timer = clock.after(INTERVAL_MS, rotate);
  }
  return { end: () => timer.cancel() };
}
