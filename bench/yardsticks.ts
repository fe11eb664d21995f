import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { percentile, type Yardstick } from './figure.ts';
import { oncePer } from './once-per.ts';
import { onCore } from './processes.ts';
import type { Run } from './run.ts';
import { scratchFolder, startChild } from './scratch.ts';

/** The median of ten starts of Node with an empty program. */
export const bareNodeStart = oncePer(async (_: Run): Promise<Yardstick> => {
  const times = Array.from({ length: 10 }, () => {
    const start = performance.now();
    spawnSync(process.execPath, ['-e', '0']);
    return performance.now() - start;
  });
  return { name: 'a bare Node starts and ends', value: percentile(times, 0.5), unit: 'ms' };
});

/** The median of 50 durable commits of one small row each. */
export const durableCommit = oncePer(async (_: Run): Promise<Yardstick> => {
  const folder = scratchFolder();
  const db = new DatabaseSync(join(folder.path, 'commits.db'));
  db.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT)',
  );
  const insert = db.prepare('INSERT INTO rows (text) VALUES (?)');
  const times = Array.from({ length: 50 }, () => {
    const start = performance.now();
    insert.run('a row');
    return performance.now() - start;
  });
  db.close();
  await folder.remove();
  return { name: 'one durable SQLite commit', value: percentile(times, 0.5), unit: 'ms' };
});

/** Starts a bare node:http server on the server core. */
export async function startRawServer(
  bodyBytes: number,
): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const script = join(import.meta.dirname, 'raw-server.ts');
  const [command, args] = onCore('server', [process.execPath, script, String(bodyBytes)]);
  const child = startChild(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  if (!child.stdout) throw new Error('the server has no output');
  const [port] = await once(child.stdout, 'data');
  return { child, port: Number(port) };
}
