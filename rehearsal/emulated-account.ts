import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePort } from './free-port.ts';
import { ensurePython, type PythonEnvironmentOptions } from './python-environment.ts';

const LAUNCHER = join(import.meta.dirname, 'emulator', 'launch.py');
const MODULES = join(import.meta.dirname, '..', 'node_modules');
const UP_WITHIN_MS = 30_000;
const POLL_MS = 50;

export const ACCOUNT_ID = '000000000000';
export const REGION = 'us-east-1';

/** An emulated AWS account on this machine that enforces permissions. `environment` holds the keys of its root user. */
export interface EmulatedAccount {
  /** `http://127.0.0.1:<port>`, for every service. */
  readonly endpoint: string;
  readonly port: number;
  /** A folder for files of this account. `close` removes it. */
  readonly directory: string;
  /** The environment variables that the AWS SDKs and the CDK CLI need. */
  readonly environment: Readonly<Record<string, string>>;
  /** Empties the account. */
  reset(): Promise<void>;
  /** The emulator's log. */
  log(): string;
  /** Ends the emulator with all its processes and removes its files. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts an account on a free port. The emulator ends when this process does; its files are removed unless this process was
 * killed.
 * @throws Error with the end of the emulator's log if it is not up within 30 s
 */
export async function startEmulatedAccount(options: PythonEnvironmentOptions): Promise<EmulatedAccount> {
  const python = await ensurePython('emulator', options);
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), 'tierplane-aws-'));
  const endpoint = `http://127.0.0.1:${port}`;
  const child = launch(python, port, directory);
  const log = (): string => readFileSync(join(directory, 'emulator.log'), 'utf8');
  const close = closeOnce(child, directory);
  try {
    await untilHealthy(endpoint, child);
  } catch (error) {
    const end = log().slice(-4000);
    await close();
    throw new Error(`the emulated account did not start: ${end}`, { cause: error });
  }
  return { endpoint, port, directory, environment: environmentOf(endpoint), reset: () => reset(endpoint), log, close };
}

/** @returns `close`; the emulator and its files also go when this process exits */
function closeOnce(child: ChildProcess, directory: string): () => Promise<void> {
  const remove = (): void => rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  const closeAtExit = (): void => {
    killGroup(child);
    remove();
  };
  process.once('exit', closeAtExit);
  let closing: Promise<void> | undefined;
  return () => {
    closing ??= end(child).finally(() => {
      remove();
      process.off('exit', closeAtExit);
    });
    return closing;
  };
}

function environmentOf(endpoint: string): EmulatedAccount['environment'] {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  };
}

async function reset(endpoint: string): Promise<void> {
  const response = await fetch(`${endpoint}/_ministack/reset`, { method: 'POST' });
  if (!response.ok) throw new Error(`the reset of the emulated account failed with status ${response.status}`);
}

/** Starts the emulator in its own process group, so that the functions it starts end with it. */
function launch(python: string, port: number, directory: string): ChildProcess {
  const log = openSync(join(directory, 'emulator.log'), 'a');
  try {
    return spawn(python, [LAUNCHER], {
      detached: true,
      stdio: ['pipe', log, log],
      env: {
        // Functions run on this Node and find the SDK outside their bundles, as on AWS.
        PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
        NODE_PATH: MODULES,
        TMPDIR: directory,
        HOME: directory,
        // Holds the keys that sign tokens, which are removed with the account.
        STATE_DIR: join(directory, 'state'),
        PYTHONDONTWRITEBYTECODE: '1',
        BIND_HOST: '127.0.0.1',
        GATEWAY_PORT: String(port),
        AUTH: 'true',
        MINISTACK_ACCOUNT_ID: ACCOUNT_ID,
        MINISTACK_REGION: REGION,
        LOG_LEVEL: 'INFO',
      },
    });
  } finally {
    closeSync(log);
  }
}

async function untilHealthy(endpoint: string, child: ChildProcess): Promise<void> {
  const end = performance.now() + UP_WITHIN_MS;
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('the emulator ended');
    try {
      if ((await fetch(`${endpoint}/_ministack/health`)).ok) return;
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  if (killGroup(child)) await exited;
}

/** Kills the process group that `child` leads. @returns whether the process was running */
export function killGroup({ pid, exitCode, signalCode }: ChildProcess): boolean {
  if (pid === undefined || exitCode !== null || signalCode !== null) return false;
  process.kill(-pid, 'SIGKILL');
  return true;
}
