import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { markOf } from '../../adapters/embedded/runtime/supervisor/own-processes.ts';
import { dataDirAt } from '../../embedded/data-dir.ts';
import { lockDataDir } from '../../embedded/data-dir-lock.ts';
import { placeOf } from '../../embedded/instance.ts';

/**
 * Locks a data directory in its own process: `node --expose-gc lock-holder.ts <directory> [instance]`. Drops its reference to
 * the lock and collects garbage. With an instance, it also starts a child with the mark of an agent. Sends its parent whether
 * it holds the lock.
 */
const [path = '', instance] = process.argv.slice(2);
const isLocked = lockDataDir(dataDirAt(path)) !== undefined;
for (let round = 0; round < 3; round++) {
  globalThis.gc?.();
  await new Promise((resolve) => setImmediate(resolve));
}
if (instance !== undefined) {
  writeFileSync(dataDirAt(path).instance, JSON.stringify({ id: instance, place: placeOf(path) }));
  spawn(process.execPath, ['-e', 'process.on("disconnect", () => process.exit()); process.send("up")'], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: markOf(instance),
  }).once('message', () => process.send?.(isLocked));
} else process.send?.(isLocked);
process.on('disconnect', () => process.exit());
