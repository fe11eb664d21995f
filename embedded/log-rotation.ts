import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { rotateLog } from '../adapters/embedded/runtime/supervisor/log-file.ts';
import type { Clock } from '../core/ports/clock.ts';
import { repeat } from '../core/time/repeat.ts';

const INTERVAL_MS = 5_000;

/**
 * Rotates the logs that a process writes directly, such as those of agents: each keeps at most 10 MB and two old files. The
 * logs that strangers and services can fill are rotated as they are written (RotatingFile).
 */
export function rotateLogs(folder: string, clock: Clock): { close(): Promise<void> } {
  return repeat(clock, INTERVAL_MS, async () => {
    for (const name of await readdir(folder)) if (name.endsWith('.log')) await rotateLog(join(folder, name));
  });
}
