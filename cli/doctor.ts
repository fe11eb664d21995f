import { spawnSync } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { openFilesLimit, openFilesShortage } from '../adapters/embedded/open-files.ts';
import { SERVICES_DIR } from '../adapters/embedded/program.ts';
import { bundleOf } from '../adapters/embedded/runtime/supervisor/bundles.ts';
import { loadConfig } from '../embedded/config.ts';
import type { DataDir } from '../embedded/data-dir.ts';
import { findRunning } from '../embedded/running.ts';
import { SERVICES } from '../tenant-templates/tiers.ts';
import { examples, localContextOf } from './context.ts';
import { damagedStores, databaseError } from './doctor-stores.ts';
import { asCliError, EXIT } from './exit-codes.ts';
import { printJson, printLine } from './output.ts';

interface Finding {
  readonly check: string;
  readonly ok: boolean;
  /** true if a platform runs all the same, for example with less isolation. */
  readonly warning?: boolean;
  readonly detail: string;
}

const MIN_FREE_BYTES = 200 * 2 ** 20;

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('check this machine and the data directory; changes nothing')
    .addHelpText('after', examples('doctor', 'doctor --data-dir /var/lib/tierplane --json'))
    .action(async (_options, command: Command) => {
      const { dir, json } = localContextOf(command);
      const findings = await examine(dir);
      if (json) printJson(findings);
      else
        for (const one of findings) printLine(`${one.ok ? '✓' : one.warning ? '!' : '✗'} ${one.check}: ${one.detail}`);
      if (findings.some((one) => !one.ok && !one.warning)) process.exitCode = EXIT.failed;
    });
}

async function examine(dir: DataDir): Promise<Finding[]> {
  return [
    { check: 'node', ok: true, detail: process.version },
    bundles(),
    parentDeath(),
    separateUsers(),
    openFiles(),
    writable(dir),
    freeSpace(dir),
    fsyncTime(dir),
    await configurationAndPort(dir),
    ...(existsSync(dir.platformDb) ? [database(dir), stores(dir), privateFiles(dir)] : []),
  ];
}

function bundles(): Finding {
  const missing = SERVICES.filter((name) => !existsSync(bundleOf(SERVICES_DIR, name)));
  const detail =
    missing.length === 0
      ? `${SERVICES.length} services are built`
      : `not built: ${missing.join(', ')}; run \`npm run build\``;
  return { check: 'bundles', ok: missing.length === 0, detail };
}

function parentDeath(): Finding {
  const works = spawnSync('setpriv', ['--pdeathsig', 'KILL', process.execPath, '--version']).status === 0;
  const detail = works
    ? 'setpriv is installed: no task outlives its agent'
    : 'setpriv (util-linux) is missing: a blocked task may outlive a killed platform until the next start';
  return { check: 'task death', ok: works, warning: !works, detail };
}

function separateUsers(): Finding {
  const root = process.getuid?.() === 0;
  const detail = root ? 'root: each silo tenant has its own uid' : 'not root: all tasks share one uid';
  return { check: 'task users', ok: root, warning: !root, detail };
}

function openFiles(): Finding {
  const shortage = openFilesShortage();
  return { check: 'open files', ok: shortage === undefined, detail: shortage ?? `${openFilesLimit() ?? 'enough'}` };
}

/** The nearest existing folder above a path, or the path itself. */
function existing(path: string): string {
  return existsSync(path) ? path : existing(dirname(path));
}

function writable(dir: DataDir): Finding {
  const place = existing(dir.root);
  try {
    accessSync(place, constants.W_OK);
    return { check: 'data directory', ok: true, detail: dir.root };
  } catch {
    return { check: 'data directory', ok: false, detail: `${place} is not writable` };
  }
}

function freeSpace(dir: DataDir): Finding {
  const { bavail, bsize } = statfsSync(existing(dir.root));
  const free = bavail * bsize;
  return { check: 'disk', ok: free >= MIN_FREE_BYTES, detail: `${Math.round(free / 2 ** 20)} MiB free` };
}

/** The time of a durable write on this disk; onboarding waits for one. */
function fsyncTime(dir: DataDir): Finding {
  const path = join(existing(dir.root), `.tierplane-fsync-${process.pid}`);
  try {
    const file = openSync(path, 'w', 0o600);
    const rounds = 10;
    const start = performance.now();
    for (let i = 0; i < rounds; i++) {
      writeSync(file, 'x');
      fsyncSync(file);
    }
    const each = (performance.now() - start) / rounds;
    closeSync(file);
    return { check: 'fsync', ok: each < 50, warning: each >= 50, detail: `${each.toFixed(2)} ms` };
  } catch {
    return { check: 'fsync', ok: false, warning: true, detail: 'could not be measured' };
  } finally {
    rmSync(path, { force: true });
  }
}

async function configurationAndPort(dir: DataDir): Promise<Finding> {
  try {
    const { host, port } = loadConfig(dir.config, { demo: true });
    const running = findRunning(dir);
    if (running) return { check: 'public url', ok: true, detail: `${running.urls.publicUrl} (running)` };
    const free = await isFree(host, port);
    const detail = free ? `${host}:${port} is free` : `${host}:${port} is in use; choose another port with --port`;
    return { check: 'public url', ok: free, detail };
  } catch (error) {
    const shown = asCliError(error);
    return { check: 'configuration', ok: false, detail: shown instanceof Error ? shown.message : String(shown) };
  }
}

function isFree(host: string, port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}

function database(dir: DataDir): Finding {
  const error = databaseError(dir.platformDb);
  return { check: 'database', ok: error === undefined, detail: error ?? 'ok' };
}

/** The stores of the services. A damaged one takes only its service away, so it is a warning. */
function stores(dir: DataDir): Finding {
  const { count, errors } = damagedStores(dir, SERVICES);
  const howTo =
    'move each file away with its -wal and -shm files and restore a backup; its service then starts by itself';
  const detail = errors.length === 0 ? `${count} stores are usable` : `${errors.join('; ')}; ${howTo}`;
  return { check: 'stores', ok: errors.length === 0, warning: errors.length > 0, detail };
}

function privateFiles(dir: DataDir): Finding {
  const open = [dir.admin, dir.demo, dir.localCredential, dir.platformDb]
    .filter(existsSync)
    .filter((path) => (statSync(path).mode & 0o077) !== 0);
  const detail =
    open.length === 0
      ? 'only their owner can read them'
      : `readable by others: ${open.join(', ')}; run chmod 600 on them`;
  return { check: 'private files', ok: open.length === 0, detail };
}
