import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { until } from '../scripts/until.ts';
import {
  containersFolder,
  createAccountFolder,
  removeAbandonedAccounts,
  removeAccountFolder,
} from './account-files.ts';
import { aliasLabel, removeAddresses, TASK_ADDRESS_LOCK } from './account-network.ts';
import { type ContainerEngine, startContainerEngine } from './container-engine.ts';
import { freePort } from './free-port.ts';
import { ensurePython, type PythonEnvironmentOptions } from './python-environment.ts';

const LAUNCHER = join(import.meta.dirname, 'emulator', 'launch.py');
const MODULES = join(import.meta.dirname, '..', 'node_modules');
const UP_WITHIN_MS = 30_000;

/**
 * NODE_OPTIONS of the many short-lived processes of an account. Node lets up to 48 MB of garbage pile up before it collects
 * it on a machine with much memory; with 2 MB semi-spaces, a synthesis uses a fifth less, and takes no longer.
 */
export const EARLY_COLLECTION = '--max-semi-space-size=2';

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
  /** Runs the account's containers. Undefined unless the account was started with containers. */
  readonly engine: ContainerEngine | undefined;
  /** Empties the account. */
  reset(): Promise<void>;
  /** The emulator's log. */
  log(): string;
  /** Ends the emulator with all its processes and removes its files. Idempotent. */
  close(): Promise<void>;
}

export interface AccountOptions extends PythonEnvironmentOptions {
  /**
   * Whether the account's ECS tasks run as containers, which needs a container engine and root.
   * @default false; then creating an ECS service fails
   */
  readonly containers?: boolean;
}

/**
 * Starts an account on a free port. The emulator ends when this process does; its containers, addresses and files are removed
 * then, or if this process was killed, when the next account starts.
 * @throws Error with the end of the emulator's log if it is not up within 30 s, or if there is no container engine
 */
export async function startEmulatedAccount(options: AccountOptions): Promise<EmulatedAccount> {
  const python = await ensurePython('emulator', options);
  removeAbandonedAccounts();
  const port = await freePort();
  const directory = createAccountFolder(port);
  const engine = options.containers ? await startEngine(directory) : undefined;
  const endpoint = `http://127.0.0.1:${port}`;
  const child = launch(python, { port, directory, engine });
  const log = (): string => readFileSync(join(directory, 'emulator.log'), 'utf8');
  const close = closeOnce(child, { port, directory, engine });
  try {
    await untilHealthy(endpoint, child);
  } catch (error) {
    const end = log().slice(-4000);
    await close();
    throw new Error(`the emulated account did not start: ${end}`, { cause: error });
  }
  const environment = environmentOf(endpoint);
  return { endpoint, port, directory, environment, engine, reset: () => reset(endpoint), log, close };
}

async function startEngine(directory: string): Promise<ContainerEngine> {
  try {
    return await startContainerEngine(containersFolder(directory), basename(directory));
  } catch (error) {
    removeAccountFolder(directory);
    throw error;
  }
}

/** What an account has on this machine besides its process. */
interface AccountParts {
  readonly port: number;
  readonly directory: string;
  readonly engine: ContainerEngine | undefined;
}

/** @returns `close`; everything of the account also goes when this process exits */
function closeOnce(child: ChildProcess, parts: AccountParts): () => Promise<void> {
  const closeAtExit = (): void => {
    killGroup(child);
    remove(parts);
  };
  process.once('exit', closeAtExit);
  let closing: Promise<void> | undefined;
  return () => {
    closing ??= end(child).finally(() => {
      remove(parts);
      process.off('exit', closeAtExit);
    });
    return closing;
  };
}

function remove({ port, directory, engine }: AccountParts): void {
  if (engine) {
    removeAddresses(port);
    engine.dispose();
  }
  removeAccountFolder(directory);
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
function launch(python: string, { port, directory, engine }: AccountParts): ChildProcess {
  const log = openSync(join(directory, 'emulator.log'), 'a');
  try {
    return spawn(python, [LAUNCHER], {
      detached: true,
      stdio: ['pipe', log, log],
      env: {
        // Functions run on this Node and find the SDK outside their bundles, as on AWS.
        PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
        NODE_PATH: MODULES,
        NODE_OPTIONS: EARLY_COLLECTION,
        TMPDIR: directory,
        HOME: directory,
        // Holds the keys that sign tokens, which are removed with the account.
        STATE_DIR: join(directory, 'state'),
        BIND_HOST: '127.0.0.1',
        GATEWAY_PORT: String(port),
        AUTH: 'true',
        // A failing trigger fails the sign-in, as on AWS.
        MINISTACK_COGNITO_PRETOKEN_STRICT: '1',
        MINISTACK_ACCOUNT_ID: ACCOUNT_ID,
        MINISTACK_REGION: REGION,
        LOG_LEVEL: 'INFO',
        ...(engine && {
          DOCKER_HOST: engine.host,
          TIERPLANE_IMAGE_PREFIX: engine.imagePrefix,
          MINISTACK_DOCKER_TIMEOUT: '60',
          TIERPLANE_ACCOUNT: basename(directory),
          TIERPLANE_TASK_ADDRESS_LOCK: TASK_ADDRESS_LOCK,
          TIERPLANE_ALIAS_LABEL: aliasLabel(port),
        }),
      },
    });
  } finally {
    closeSync(log);
  }
}

async function untilHealthy(endpoint: string, child: ChildProcess): Promise<void> {
  let seen = 'no response';
  const isHealthy = async (): Promise<boolean> => {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('the emulator ended');
    try {
      const { ok, status } = await fetch(`${endpoint}/_ministack/health`);
      seen = `status ${status}`;
      return ok;
    } catch (error) {
      seen = String(error);
      return false;
    }
  };
  const failure = () => `the emulator is not healthy after ${UP_WITHIN_MS} ms: ${seen}`;
  await until(isHealthy, { withinMs: UP_WITHIN_MS, failure });
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
