import { spawnSync } from 'node:child_process';
import { percentile, type Yardstick } from './figure.ts';

/** The middle of ten starts of a Node that does nothing. */
export async function bareNodeStart(): Promise<Yardstick> {
  const times = Array.from({ length: 10 }, () => {
    const start = performance.now();
    spawnSync(process.execPath, ['-e', '0']);
    return performance.now() - start;
  });
  return { name: 'a bare Node starts and ends', value: percentile(times, 0.5), unit: 'ms' };
}
