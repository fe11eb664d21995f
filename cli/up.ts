import { existsSync, rmSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { type Logger, pino } from 'pino';
import { openLineFile } from '../adapters/embedded/line-file.ts';
import { startOf } from '../adapters/embedded/runtime/supervisor/process-info.ts';
import { isDomainError } from '../core/errors.ts';
import type { AdminCredentials } from '../embedded/admin.ts';
import { type ConfigFlags, loadConfig, type PlatformConfig } from '../embedded/config.ts';
import {
  type DataDir,
  lockDataDir,
  notWritable,
  prepareDataDir,
  readJson,
  writePrivate,
} from '../embedded/data-dir.ts';
import { demoProgress, isWhole } from '../embedded/demo-progress.ts';
import { type Platform, startPlatform } from '../embedded/platform.ts';
import { findRunning, type Running } from '../embedded/running.ts';
import type { LocalContext } from './context.ts';
import { finishDemo } from './demo-tenants.ts';
import { asCliError, CliError } from './exit-codes.ts';
import { commandFor, startCommandFor } from './launcher.ts';
import { note, printFields, printJson, printLine } from './output.ts';
import { accessTo } from './platform-access.ts';

/** A start that takes longer is reported on stderr, in milliseconds. */
const SLOW_START_MS = 1_000;
/** How often it is reported again, in milliseconds. */
const SLOW_START_AGAIN_MS = 10_000;
/** Bytes of log kept in memory while the disk is slow. */
const MAX_LOG_BUFFERED = 2 ** 20;

/** `tierplane up`: runs the platform until a signal, then finishes its requests and ends. */
export async function runPlatform(context: LocalContext, flags: ConfigFlags): Promise<void> {
  const { dir } = context;
  const progress = context.json ? () => undefined : note;
  const { stopping, stopped } = signalled(progress);
  const { platform, lock, email, demo } = await start(dir, flags, stopping).catch((error: unknown) => {
    if (!stopping.aborted) throw error;
    // The user wanted it to end, and a failed start leaves nothing running.
    progress('stopped before the platform was ready');
    process.exit(0);
  });
  writePrivate(dir.running, {
    pid: process.pid,
    start: startOf(process.pid),
    startedAt: new Date().toISOString(),
    urls: platform.urls,
  } satisfies Running);
  // The next start uses what this one has compiled, however this process ends.
  flushCompileCache();
  if (demo && !stopping.aborted) await Promise.race([makeDemo(platform, context, stopping, progress), stopped]);
  if (!stopping.aborted) {
    if (context.json)
      printJson({ ready: true, urls: platform.urls, admin: { email, password: platform.firstPassword ?? null } });
    else announce(platform, email, dir);
  }
  await stopped;
  await platform.close();
  rmSync(dir.running, { force: true });
  lock.release();
  const further = existsSync(dir.demoPending) ? ' and finishes the demo tenants' : '';
  progress(
    `stopped; \`${startCommandFor(dir)}\` starts it again with all its data${further}, \`${commandFor(dir)} reset\` deletes the data`,
  );
  process.exit(0);
}

interface Started {
  readonly platform: Platform;
  readonly lock: { release(): void };
  /** Email of the first admin. */
  readonly email: string;
  /** Whether demo tenants remain to be created. */
  readonly demo: boolean;
}

async function start(dir: DataDir, flags: ConfigFlags, stop: AbortSignal): Promise<Started> {
  const report = (line: string) => stop.aborted || note(line);
  const slow = setTimeout(() => report('starting ...'), SLOW_START_MS);
  const slower = setInterval(() => report(`still starting; see ${dir.logs} ...`), SLOW_START_AGAIN_MS);
  try {
    const config = loadConfig(dir.config, flags);
    prepareDataDir(dir);
    // From here on, files of this process and its children are readable by their owner only, unless opened on purpose.
    process.umask(0o077);
    const lock = lockDataDir(dir);
    if (!lock) throw alreadyRunning(dir);
    const log = openPlatformLog(`${dir.logs}/platform.log`, config.logLevel);
    const platform = await startPlatform({ config, dir, log, command: commandFor(dir) });
    const admin = readJson<AdminCredentials>(dir.admin);
    const email = admin?.email ?? config.adminEmail;
    return { platform, lock, email, demo: config.demo && existsSync(dir.demoPending) };
  } catch (error) {
    throw explain(error, dir);
  } finally {
    clearTimeout(slow);
    clearInterval(slower);
  }
}

function openPlatformLog(path: string, level: PlatformConfig['logLevel']): Logger {
  const file = openLineFile(path, { maxBuffered: MAX_LOG_BUFFERED });
  process.on('exit', file.flushSync);
  const formatters = { level: (label: string) => ({ level: label }) };
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters }, file);
}

/** Creates the demo tenants of a first start, or the rest of them. A failure is reported; the platform keeps running. */
async function makeDemo(
  platform: Platform,
  context: LocalContext,
  stop: AbortSignal,
  progress: (line: string) => void,
): Promise<void> {
  const { dir } = context;
  const isNew = isWhole(demoProgress(dir));
  progress(isNew ? 'creating three demo tenants, one per tier ...' : 'finishing the interrupted demo tenants ...');
  try {
    const access = await accessTo(context);
    await finishDemo({ urls: platform.urls, dir, adminToken: () => access.token(), progress });
  } catch (error) {
    if (stop.aborted) return;
    const reason = error instanceof Error ? error.message : String(error);
    note(`the demo tenants could not be created (${reason}); \`${commandFor(dir)} demo\` tries again`);
  }
}

function alreadyRunning(dir: DataDir): CliError {
  const running = findRunning(dir);
  const where = running ? ` at ${running.urls.publicUrl} (pid ${running.pid})` : '';
  return new CliError('config', `a platform already runs in ${dir.root}${where}`, {
    hint: `stop it with \`${commandFor(dir)} down\`, or choose another --data-dir and --port`,
  });
}

/** The failures of a start, each with its exit code. */
function explain(error: unknown, dir: DataDir): unknown {
  if (error instanceof CliError) return error;
  if (isDomainError(error)) {
    const known = asCliError(error);
    if (known instanceof CliError) return known;
    const hint = `\`${commandFor(dir)} logs --lines 10\` shows the last log lines`;
    return new CliError('failed', error.message, { cause: error, hint });
  }
  const { code, path, dest } = error as NodeJS.ErrnoException & { dest?: string };
  if (['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT'].includes(code ?? '')) {
    return new CliError('cannotCreate', notWritable(dest ?? path ?? dir.root, error), { cause: error });
  }
  return error;
}

/** The first signal ends the platform cleanly, after a start in progress; a second one ends the process at once. */
function signalled(progress: (line: string) => void): {
  readonly stopping: AbortSignal;
  readonly stopped: Promise<void>;
} {
  const controller = new AbortController();
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (controller.signal.aborted) process.exit(130);
        progress('\nstopping after the requests in progress ...');
        controller.abort();
        resolve();
      });
    }
  });
  return { stopping: controller.signal, stopped };
}

function announce(platform: Platform, email: string, dir: DataDir): void {
  const { urls } = platform;
  const tierplane = commandFor(dir);
  printLine('Tierplane is ready.\n');
  printFields({
    'start page': urls.publicUrl,
    'control plane': urls.controlPlane,
    "tenants' api": urls.api,
    openapi: urls.openapi,
    admin: email,
    password: platform.firstPassword ?? (existsSync(dir.admin) ? `in ${dir.admin}` : undefined),
    data: dir.root,
  });
  printLine(
    `\nNext, in another terminal:\n  ${tierplane} tenants list${existsSync(dir.demo) ? `\n  ${tierplane} demo` : ''}\nCtrl-C stops it.`,
  );
}
