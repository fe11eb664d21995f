import { existsSync, rmSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { type Logger, pino } from 'pino';
import { startOf } from '../adapters/embedded/runtime/supervisor/process-info.ts';
import { DomainError, isDomainError } from '../core/errors.ts';
import { ADMIN_SIGN_IN_SCOPE, CLI_CLIENT } from '../core/identity/issuers.ts';
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
import type { CliContext } from './context.ts';
import { finishDemo } from './demo-tenants.ts';
import { asCliError, CliError } from './exit-codes.ts';
import { commandFor, startCommandFor } from './launcher.ts';
import { signIn } from './oidc-client.ts';
import { note, printFields, printJson, printLine } from './output.ts';

/** A start that takes longer is spoken of, on stderr; and again so often, in milliseconds. */
const SLOW_START_MS = 1_000;
const SLOW_START_AGAIN_MS = 10_000;
/** Bytes of log that wait for a disk. */
const MAX_LOG_BUFFERED = 2 ** 20;

/** `tierplane up`: runs the platform until a signal, then drains and ends. */
export async function runPlatform(context: CliContext, flags: ConfigFlags): Promise<void> {
  const { dir } = context;
  const progress = context.json ? () => undefined : note;
  const { asked, stopped } = signalled(progress);
  const { platform, lock, email, admin, demo } = await start(dir, flags, asked).catch((error: unknown) => {
    if (!asked.aborted) throw error;
    // Whatever it was that failed then: it ends as was wished, and has left nothing running.
    progress('stopped before the platform was ready');
    process.exit(0);
  });
  writePrivate(dir.running, {
    pid: process.pid,
    start: startOf(process.pid),
    startedAt: new Date().toISOString(),
    urls: platform.urls,
  } satisfies Running);
  // What was compiled for this start serves the next one, however this process will end.
  flushCompileCache();
  if (demo && admin && !asked.aborted) {
    await Promise.race([makeDemo(platform, dir, admin, asked, progress), stopped]);
  }
  if (!asked.aborted) {
    if (context.json)
      printJson({ ready: true, urls: platform.urls, admin: { email, password: platform.firstPassword ?? null } });
    else announce(platform, email, dir);
  }
  await stopped;
  await platform.close();
  rmSync(dir.running, { force: true });
  lock.release();
  const further = existsSync(dir.demoPending) ? ' and finishes the demo' : '';
  progress(
    `stopped; \`${startCommandFor(dir)}\` finds everything again${further}, \`${commandFor(dir)} reset\` forgets it`,
  );
  process.exit(0);
}

interface Started {
  readonly platform: Platform;
  readonly lock: { release(): void };
  /** Of the first admin. */
  readonly email: string;
  readonly admin: AdminCredentials | undefined;
  /** Whether the demo tenants are still to be made, and wanted. */
  readonly demo: boolean;
}

async function start(dir: DataDir, flags: ConfigFlags, stop: AbortSignal): Promise<Started> {
  const say = (line: string) => stop.aborted || note(line);
  const slow = setTimeout(() => say('starting ...'), SLOW_START_MS);
  const slower = setInterval(() => say(`still starting; ${dir.logs} tells more ...`), SLOW_START_AGAIN_MS);
  try {
    const config = loadConfig(dir.config, flags);
    prepareDataDir(dir);
    // From here on whatever this process or a child creates is the owner's alone, unless it is opened on purpose.
    process.umask(0o077);
    const lock = lockDataDir(dir);
    if (!lock) throw alreadyRunning(dir);
    const log = openPlatformLog(`${dir.logs}/platform.log`, config.logLevel);
    const platform = await startPlatform({ config, dir, log, command: commandFor(dir) });
    const admin = readJson<AdminCredentials>(dir.admin);
    const email = admin?.email ?? config.adminEmail;
    return { platform, lock, email, admin, demo: config.demo && existsSync(dir.demoPending) };
  } catch (error) {
    throw explain(error, dir);
  } finally {
    clearTimeout(slow);
    clearInterval(slower);
  }
}

function openPlatformLog(dest: string, level: PlatformConfig['logLevel']): Logger {
  const file = pino.destination({ dest, mode: 0o600, sync: false, maxLength: MAX_LOG_BUFFERED });
  // A full disk costs log lines, not the platform.
  file.on('error', () => undefined);
  const formatters = { level: (label: string) => ({ level: label }) };
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters }, file);
}

/** The demo of a first start, or what is left of it. That it failed is said, but does not keep the platform from running. */
async function makeDemo(
  platform: Platform,
  dir: DataDir,
  admin: AdminCredentials,
  stop: AbortSignal,
  progress: (line: string) => void,
): Promise<void> {
  const whole = isWhole(demoProgress(dir));
  progress(whole ? 'making three demo tenants, one a tier ...' : 'finishing the demo tenants that were begun ...');
  const issuer = `${platform.urls.publicUrl}/realms/admin`;
  const signedIn = signIn({
    issuer,
    clientId: CLI_CLIENT,
    userName: admin.email,
    password: admin.password,
    scope: ADMIN_SIGN_IN_SCOPE,
  });
  const adminToken = async () => (await signedIn).accessToken;
  try {
    await finishDemo({ urls: platform.urls, dir, adminToken, progress });
  } catch (error) {
    if (stop.aborted) return;
    const reason = error instanceof Error ? error.message : String(error);
    note(`the demo tenants could not be made (${reason}); \`${commandFor(dir)} demo\` tries again`);
  }
}

function alreadyRunning(dir: DataDir): CliError {
  const running = findRunning(dir);
  const where = running ? ` at ${running.urls.publicUrl} (pid ${running.pid})` : '';
  return new CliError('config', `a platform already runs in ${dir.root}${where}`, {
    hint: `stop it with \`${commandFor(dir)} down\`, or give this one a --data-dir and --port of its own`,
  });
}

/** What a start can fail with, each with its exit code. */
function explain(error: unknown, dir: DataDir): unknown {
  if (error instanceof CliError) return error;
  const known = asCliError(error);
  if (isDomainError(error, 'CONFIG') && known instanceof CliError) return known;
  if (isDomainError(error, 'CONFIG') || isDomainError(error, 'CORRUPT'))
    return new CliError('config', error.message, { cause: error });
  if (error instanceof DomainError) {
    const hint = `\`${commandFor(dir)} logs --lines 10\` shows what led to it`;
    return new CliError('failed', error.message, { cause: error, hint });
  }
  const { code, path, dest } = error as NodeJS.ErrnoException & { dest?: string };
  if (['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT'].includes(code ?? '')) {
    return new CliError('cannotCreate', notWritable(dest ?? path ?? dir.root, error), { cause: error });
  }
  return error;
}

/** The first signal asks for a clean end, a start under way is finished first; a second one ends at once. */
function signalled(progress: (line: string) => void): { readonly asked: AbortSignal; readonly stopped: Promise<void> } {
  const controller = new AbortController();
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (controller.signal.aborted) process.exit(130);
        progress('\nstopping: what is under way is finished first ...');
        controller.abort();
        resolve();
      });
    }
  });
  return { asked: controller.signal, stopped };
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
