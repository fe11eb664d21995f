import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { rotateLog } from '../adapters/embedded/runtime/supervisor/log-file.ts';
import type { Clock } from '../core/ports/clock.ts';
import { repeat } from '../core/time/repeat.ts';

const INTERVAL_MS = 60_000;

/**
 * Rotates the logs of platform, gateway and agents once a minute: each keeps at most 10 MB and two old files. Agents rotate
 * the logs of their tasks.
 */
export function rotateLogs(folder: string, clock: Clock): { close(): Promise<void> } {
  return repeat(clock, INTERVAL_MS, () => {
    for (const name of readdirSync(folder)) if (name.endsWith('.log')) rotateLog(join(folder, name));
  });
}
