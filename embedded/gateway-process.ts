import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { GATEWAY_ENTRY } from '../adapters/embedded/program.ts';
import { DomainError, messageOf } from '../core/errors.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Log } from '../core/ports/log.ts';
import { type BackOff, backOffMs } from '../core/retry/back-off.ts';
import type { ServiceEndpoints } from '../core/routing/registry.ts';

const BACK_OFF: BackOff = { baseMs: 50, maxMs: 5_000 };
/** A gateway that drains is given this long before it is killed. */
const DRAIN_MS = 11_000;

/** The gateway as a child process: started, told what changes, started again when it dies. */
export interface GatewayProcess {
  /** Resolves when it listens. Throws CONFIG if its port cannot be had. */
  start(): Promise<void>;
  setEndpoints(services: readonly ServiceEndpoints[]): void;
  invalidate(what: { readonly tenantId?: string; readonly subject?: string }): void;
  readonly pid: number | undefined;
  /** Unplanned restarts. */
  readonly restarts: number;
  close(): Promise<void>;
}

type Message =
  | { readonly type: 'ready'; readonly port: number }
  | { readonly type: 'error'; readonly code: string; readonly message: string };

interface Options {
  /** What app-plane/gateway/server.ts parses from TIERPLANE_GATEWAY. */
  readonly settings: object;
  /** Where what it writes to stderr goes. */
  readonly logFile: string;
  /** Variables of its environment beside TIERPLANE_GATEWAY: the mark by which a later start knows it for its own. */
  readonly environment: Readonly<Record<string, string>>;
  /** Path of a setpriv that works: the kernel then ends the gateway with the platform, even if both are stuck. */
  readonly setpriv: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export function createGatewayProcess(options: Options): GatewayProcess {
  const { clock, log } = options;
  let child: ChildProcess | undefined;
  let closing = false;
  let restarts = 0;
  /** Starts in a row that failed. */
  let failures = 0;
  let endpoints: readonly ServiceEndpoints[] = [];

  function launch(): Promise<void> {
    const spawned = spawnGateway(options);
    child = spawned;
    // It listens once it knows where the tasks are.
    send(spawned, { type: 'endpoints', services: endpoints });
    return new Promise((resolve, reject) => {
      spawned.on('message', (message: Message) => {
        if (message.type === 'ready') {
          failures = 0;
          resolve();
        } else {
          reject(new DomainError('CONFIG', message.message));
        }
      });
      spawned.once('error', reject);
      spawned.once('exit', (code, signal) => {
        reject(new DomainError('UNAVAILABLE', `the gateway ended with ${signal ?? `exit code ${code}`}`));
        if (child === spawned) child = undefined;
      });
    });
  }

  /** Keeps one running, from the first successful start on. */
  function watch(): void {
    child?.once('exit', (code, signal) => {
      if (closing) return;
      restarts += 1;
      log.warn({ code, signal, restarts }, 'the gateway ended and is started again');
      relaunch();
    });
  }

  function relaunch(): void {
    launch().then(watch, (error: unknown) => {
      if (closing) return;
      failures += 1;
      const waitMs = backOffMs(failures, BACK_OFF, Math.random());
      const reason = messageOf(error);
      log.error({ reason, waitMs }, 'the gateway did not start and is started again later');
      clock.after(waitMs, () => !closing && relaunch());
    });
  }

  return {
    async start() {
      await launch();
      watch();
    },
    setEndpoints(services) {
      endpoints = services;
      if (child) send(child, { type: 'endpoints', services });
    },
    invalidate(what) {
      if (child) send(child, { type: 'invalidate', ...what });
    },
    get pid() {
      return child?.pid;
    },
    get restarts() {
      return restarts;
    },
    async close() {
      closing = true;
      const ending = child;
      if (!ending) return;
      const ended = new Promise<void>((resolve) => ending.once('exit', () => resolve()));
      ending.kill('SIGTERM');
      const killer = clock.after(DRAIN_MS, () => ending.kill('SIGKILL'));
      await ended;
      killer.cancel();
    },
  };
}

function send(child: ChildProcess, message: object): void {
  if (child.connected) child.send(message, () => undefined);
}

function spawnGateway({ settings, logFile, environment, setpriv }: Options): ChildProcess {
  const log = openSync(logFile, 'a', 0o600);
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', GATEWAY_ENTRY];
  const command = setpriv === undefined ? node : [setpriv, '--pdeathsig', 'KILL', ...node];
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  try {
    return spawn(command[0] as string, command.slice(1), {
      detached: true, // Ctrl-C in a terminal is the platform's to hear: it says when the gateway shall end
      stdio: ['ignore', log, log, 'ipc'],
      env: { ...environment, PATH, NODE_COMPILE_CACHE, TIERPLANE_GATEWAY: JSON.stringify(settings) },
    });
  } finally {
    closeSync(log);
  }
}
