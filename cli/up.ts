import { existsSync, rmSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { type Logger, pino } from 'pino';
import { openLineFile } from '../adapters/embedded/line-file.ts';
import { openFilesShortage } from '../adapters/embedded/open-files.ts';
import { thisProcess } from '../adapters/embedded/runtime/supervisor/own-processes.ts';
import { systemClock } from '../adapters/shared/clock.ts';
import { DomainError, isDomainError, messageOf } from '../core/errors.ts';
import type { AdminFile } from '../embedded/admin.ts';
import { type ConfigFlags, loadConfig, type PlatformConfig } from '../embedded/config.ts';
import { type DataDir, notWritable, prepareDataDir, readJson, writePrivate } from '../embedded/data-dir.ts';
import { lockDataDir } from '../embedded/data-dir-lock.ts';
import { demoProgress, isWhole } from '../embedded/demo-progress.ts';
import { operatorLink } from '../embedded/operator-token.ts';
import { type Platform, startPlatform } from '../embedded/platform.ts';
import { findRunning, type Running } from '../embedded/running.ts';
import type { LocalContext } from './context.ts';
import { finishDemo } from './demo-tenants.ts';
import { asCliError, CliError, EXIT } from './exit-codes.ts';
import { commandFor, startCommandFor } from './launcher.ts';
import { note, printFields, printJson, printLine } from './output.ts';
import { accessTo } from './platform-access.ts';

/** A start that takes longer is reported on stderr, in milliseconds. */
const SLOW_START_MS = 1_000;
/** How often it is reported again, in milliseconds. */
const SLOW_START_AGAIN_MS = 10_000;
/** Bytes of log kept in memory while the disk is slow. */
const MAX_LOG_BUFFERED = 2 ** 20;

/** A start that fails ends within this time, in milliseconds, even if a part of the platform does not end. */
const FAILED_START_MS = 20_000;

/** `tierplane up`: runs the platform until a signal, then finishes its requests and ends. */
export async function runPlatform(context: LocalContext, flags: ConfigFlags): Promise<void> {
  const { dir } = context;
  const progress = context.json ? () => undefined : note;
  const signals = signalled(progress);
  const { stopping, stopped } = signals;
  // What the start has begun. It ends in reverse order, also after a failure: a failed start leaves nothing running.
  const begun = new AsyncDisposableStack();
  try {
    await serve(context, flags, begun, { ...signals, progress });
  } catch (error) {
    await endAtAnyCost(begun);
    if (!stopping.aborted) throw explain(error, dir);
    // The user wanted it to end.
    progress('stopped before the platform was ready');
    process.exit(0);
  }
  await stopped;
  await begun.disposeAsync();
  const further = existsSync(dir.demoPending) ? ' and finishes the demo tenants' : '';
  progress(
    `stopped; \`${startCommandFor(dir)}\` starts it again with all its data${further}, \`${commandFor(dir)} reset\` deletes the data`,
  );
  process.exit(0);
}

interface Signals {
  readonly stopping: AbortSignal;
  readonly stopped: Promise<void>;
  readonly progress: (line: string) => void;
}

/** Starts the platform and reports when it is ready. Whatever must end is added to `begun`. */
async function serve(
  context: LocalContext,
  flags: ConfigFlags,
  begun: AsyncDisposableStack,
  { stopping, stopped, progress }: Signals,
): Promise<void> {
  const { dir } = context;
  const { platform, email, demo } = await start(dir, flags, begun, stopping);
  const running: Running = { ...thisProcess(), startedAt: new Date().toISOString(), urls: platform.urls };
  writePrivate(dir.running, running);
  // The next start uses what this one has compiled, however this process ends.
  flushCompileCache();
  await Promise.race([untilReady(platform, stopping), stopped]);
  if (demo && !stopping.aborted) await Promise.race([makeDemo(platform, context, stopping, progress), stopped]);
  if (stopping.aborted) return;
  if (context.json) {
    printJson({
      ready: true,
      urls: platform.urls,
      startPage: operatorLink(platform.urls.publicUrl, '/', platform.operatorToken),
      admin: { email, password: platform.firstPassword ?? null },
    });
  } else announce(platform, email, dir);
}

/** Ends a failed start. If a part does not end in time, the process ends without it, and takes its children along. */
async function endAtAnyCost(begun: AsyncDisposableStack): Promise<void> {
  const limit = Promise.withResolvers<void>();
  const timer = setTimeout(limit.resolve, FAILED_START_MS);
  await Promise.race([begun.disposeAsync().catch(() => undefined), limit.promise]);
  clearTimeout(timer);
  // Nothing should keep the process now. If something does, it still ends once the error is printed.
  setTimeout(() => process.exit(), 1_000).unref();
}

/** Waits until every tenant is served, with progress on stderr. */
async function untilReady(platform: Platform, stop: AbortSignal): Promise<void> {
  const timer = setInterval(() => {
    const { done, total } = platform.restoration();
    if (!stop.aborted) note(`restoring tenants with their own tasks: ${done} of ${total} ...`);
  }, SLOW_START_MS);
  await platform.ready;
  clearInterval(timer);
  const { failed } = platform.restoration();
  if (failed.length > 0) note(`not served, because their services do not start: ${failed.join(', ')}; see the log`);
}

interface Started {
  readonly platform: Platform;
  /** Email of the first admin. */
  readonly email: string;
  /** Whether demo tenants remain to be created. */
  readonly demo: boolean;
}

async function start(
  dir: DataDir,
  flags: ConfigFlags,
  begun: AsyncDisposableStack,
  stop: AbortSignal,
): Promise<Started> {
  const report = (line: string) => stop.aborted || note(line);
  const slow = setTimeout(() => report('starting ...'), SLOW_START_MS);
  const slower = setInterval(() => report(`still starting; see ${dir.logs} ...`), SLOW_START_AGAIN_MS);
  try {
    const config = loadConfig(dir.config, flags);
    const shortage = openFilesShortage();
    if (shortage !== undefined) throw new DomainError('CONFIG', shortage);
    prepareDataDir(dir);
    // From here on, files of this process and its children are readable by their owner only, unless opened on purpose.
    process.umask(0o077);
    const lock = lockDataDir(dir);
    if (!lock) throw alreadyRunning(dir);
    begun.defer(() => lock.release());
    begun.defer(() => rmSync(dir.running, { force: true }));
    const log = openPlatformLog(`${dir.logs}/platform.log`, config.logLevel);
    lock.watch({ clock: systemClock, log, lost: () => lostLock(dir) });
    const platform = await startPlatform({ config, dir, log, command: commandFor(dir), notify: report });
    begun.defer(() => platform.close());
    const email = adminEmail(dir) ?? config.adminEmail;
    return { platform, email, demo: config.demo && existsSync(dir.demoPending) };
  } finally {
    clearTimeout(slow);
    clearInterval(slower);
  }
}

/** The first admin's email. Undefined if the file is damaged: the platform runs on without it. */
function adminEmail(dir: DataDir): string | undefined {
  try {
    return readJson<AdminFile>(dir.admin)?.email;
  } catch (error) {
    note(messageOf(error));
    return undefined;
  }
}

/** Two platforms on one directory would damage it, so this one ends at once, with all its processes. */
function lostLock(dir: DataDir): never {
  note(`tierplane: another process has taken ${dir.root}; this platform ends to protect the data`);
  process.exit(EXIT.failed);
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
  try {
    const isNew = isWhole(demoProgress(dir));
    progress(isNew ? 'creating three demo tenants, one per tier ...' : 'finishing the interrupted demo tenants ...');
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
    'start page': operatorLink(urls.publicUrl, '/', platform.operatorToken),
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
