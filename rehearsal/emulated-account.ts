import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ensurePython, type PythonEnvironmentOptions } from './python-environment.ts';

const LAUNCHER = join(import.meta.dirname, 'emulator', 'launch.py');
const MODULES = join(import.meta.dirname, '..', 'node_modules');
const UP_WITHIN_MS = 30_000;
const POLL_MS = 50;

export const ACCOUNT_ID = '000000000000';
export const REGION = 'us-east-1';

/** An AWS account on this machine: permissions are enforced, and `environment` makes its root user of who takes it. */
export interface EmulatedAccount {
  /** `http://127.0.0.1:<port>`, for every service. */
  readonly endpoint: string;
  readonly port: number;
  /** For files that belong to it; removed when it closes. */
  readonly directory: string;
  /** What the AWS SDKs and the CDK CLI need, as environment variables. */
  readonly environment: Readonly<Record<string, string>>;
  /** Empties the account. */
  reset(): Promise<void>;
  /** Everything the emulator has said. */
  log(): string;
  /** Ends it with all its processes and removes its files. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts an account on a free port. It also ends by itself when this process does, and its files go unless that was killed.
 * Throws an Error with the end of the emulator's log if it is not up within 30 s.
 */
export async function startEmulatedAccount(options: PythonEnvironmentOptions): Promise<EmulatedAccount> {
  const python = await ensurePython('emulator', options);
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), 'tierplane-aws-'));
  const endpoint = `http://127.0.0.1:${port}`;
  const child = launch(python, port, directory);
  const log = (): string => readFileSync(join(directory, 'emulator.log'), 'utf8');
  const remove = (): void => rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  /** Nothing can be waited for any more. */
  const abandon = (): void => {
    killGroup(child);
    remove();
  };
  process.once('exit', abandon);
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= end(child).finally(() => {
      remove();
      process.off('exit', abandon);
    });
    return closing;
  };
  try {
    await untilHealthy(endpoint, child);
  } catch (error) {
    const words = log().slice(-4000);
    await close();
    throw new Error(`the emulated account is not up: ${words}`, { cause: error });
  }
  return {
    endpoint,
    port,
    directory,
    environment: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_REGION: REGION,
      AWS_DEFAULT_REGION: REGION,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    },
    async reset() {
      const response = await fetch(`${endpoint}/_ministack/reset`, { method: 'POST' });
      if (!response.ok) throw new Error(`reset of the emulated account answered ${response.status}`);
    },
    log,
    close,
  };
}

/** A process group of its own, so that the functions it starts end with it. */
function launch(python: string, port: number, directory: string): ChildProcess {
  const log = openSync(join(directory, 'emulator.log'), 'a');
  try {
    return spawn(python, [LAUNCHER], {
      detached: true,
      stdio: ['pipe', log, log],
      env: {
        // Functions run on this very Node, and find the SDK as they do in AWS: outside their bundles.
        PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
        NODE_PATH: MODULES,
        TMPDIR: directory,
        HOME: directory,
        // Keys that sign tokens: they go with the account.
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
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('it ended');
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

/** Kills the leader of a group with all of it. @returns whether there was anything to kill */
export function killGroup({ pid, exitCode, signalCode }: ChildProcess): boolean {
  if (pid === undefined || exitCode !== null || signalCode !== null) return false;
  process.kill(-pid, 'SIGKILL');
  return true;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}
