import { type ChildProcess, spawn } from 'node:child_process';
import { Heartbeat } from '../adapters/embedded/heartbeat.ts';
import { ProcessLog } from '../adapters/embedded/process-log.ts';
import { GATEWAY_ENTRY } from '../adapters/embedded/program.ts';
import type { GatewayConfig } from '../app-plane/gateway/config.ts';
import type { GatewayMessage } from '../app-plane/gateway/messages.ts';
import { DomainError, messageOf } from '../core/errors.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Log } from '../core/ports/log.ts';
import { type BackOff, backOffMs } from '../core/retry/back-off.ts';
import type { ServiceEndpoints } from '../core/routing/registry.ts';

const BACK_OFF: BackOff = { baseMs: 50, maxMs: 5_000 };
/** A draining gateway is killed after this time. */
const DRAIN_MS = 11_000;
const START_TIMEOUT_MS = 20_000;

export interface GatewayProcessOptions {
  /** Passed to app-plane/gateway/server.ts as TIERPLANE_GATEWAY. */
  readonly settings: GatewayConfig;
  /** Receives what the process prints. */
  readonly logFile: string;
  /** Environment variables besides TIERPLANE_GATEWAY: the mark by which a later start recognises the process. */
  readonly environment: Readonly<Record<string, string>>;
  /** Path of a setpriv that works. With it, the kernel ends the gateway with the platform, even if both are blocked. */
  readonly setpriv: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when the gateway has ended or hung, and is being replaced. @default - the log alone has it */
  readonly replaced?: ((reason: string) => void) | undefined;
}

/** The gateway as a child process. It is restarted with back-off when it ends, and killed and restarted when it hangs. */
export class GatewayProcess {
  readonly #options: GatewayProcessOptions;
  readonly #output: ProcessLog;
  #child: ChildProcess | undefined;
  #closing = false;
  #restarts = 0;
  /** Starts in a row that failed. */
  #failures = 0;
  #lastFailure: string | undefined;
  /** In epoch ms. */
  #failedAt: number | undefined;
  #problem: string | undefined;
  #endpoints: readonly ServiceEndpoints[] = [];
  #lastPing = 0;
  /** Called when the gateway has responded to the ping with this number. */
  readonly #pongs = new Map<number, () => void>();

  constructor(options: GatewayProcessOptions) {
    this.#options = options;
    this.#output = new ProcessLog(options.logFile);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Unplanned restarts. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Why it was restarted last. */
  get lastFailure(): string | undefined {
    return this.#lastFailure;
  }

  /** When it was restarted last, in epoch ms. */
  get failedAt(): number | undefined {
    return this.#failedAt;
  }

  /** For operators: what the running gateway cannot do, and why. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Resolves when the gateway listens. Throws CONFIG if it cannot use its port. */
  async start(): Promise<void> {
    await this.#launch();
    this.#watch();
  }

  /** Sends the gateway the sockets of the tasks of all services. */
  setEndpoints(services: readonly ServiceEndpoints[]): void {
    this.#endpoints = services;
    if (this.#child) send(this.#child, { type: 'endpoints', services });
  }

  /** Resolves when the gateway has applied every message sent so far, or has ended: a new one starts with all of them. */
  async applied(): Promise<void> {
    const child = this.#child;
    if (child) await new Promise<void>((resolve) => this.#ping(child, resolve));
  }

  /** Makes the gateway read a tenant's route, or a subject, again. */
  invalidate(what: { readonly tenantId?: string; readonly subject?: string }): void {
    if (this.#child) send(this.#child, { type: 'invalidate', ...what });
  }

  /** Lets the gateway drain, then ends it. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#child) await this.#end(this.#child);
    await this.#output.close();
  }

  async #end(child: ChildProcess): Promise<void> {
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const killer = this.#options.clock.after(DRAIN_MS, () => child.kill('SIGKILL'));
    await ended;
    killer.cancel();
  }

  #launch(): Promise<void> {
    const child = spawnGateway(this.#options);
    this.#child = child;
    this.#output.copy(child.stdout);
    this.#output.copy(child.stderr);
    // The gateway listens as soon as it knows where the tasks are.
    send(child, { type: 'endpoints', services: this.#endpoints });
    const { clock } = this.#options;
    const slow = clock.after(START_TIMEOUT_MS, () => child.kill('SIGKILL'));
    return new Promise<void>((resolve, reject) => {
      child.on('message', (message: GatewayMessage) => {
        if (message.type === 'error') reject(new DomainError('CONFIG', message.message));
        else if (message.type === 'ready') {
          this.#problem = message.quotaProblem;
          resolve();
        }
      });
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        reject(new DomainError('UNAVAILABLE', `the gateway ended with ${signal ?? `exit code ${code}`}`));
        if (this.#child === child) this.#child = undefined;
        for (const resolvePing of this.#pongs.values()) resolvePing();
        this.#pongs.clear();
      });
    }).finally(() => slow.cancel());
  }

  /** Restarts the gateway when it ends. Kills it when it hangs; it cannot watch itself. */
  #watch(): void {
    this.#failures = 0;
    const child = this.#child;
    if (!child) {
      this.#relaunch();
      return;
    }
    let hangs = false;
    const heartbeat = new Heartbeat({
      clock: this.#options.clock,
      ping: () => this.#ping(child, () => heartbeat.beat()),
      hung: () => {
        if (this.#closing) return;
        hangs = true;
        child.kill('SIGKILL');
      },
    });
    heartbeat.start();
    child.on('message', (message: GatewayMessage) => {
      if (message.type === 'pong') this.#pong(message.id);
    });
    child.once('exit', (code, signal) => {
      heartbeat.stop();
      if (this.#closing) return;
      this.#restarts += 1;
      this.#lastFailure = hangs ? 'hung' : signal === null ? `exit ${code}` : `killed ${signal}`;
      this.#failedAt = this.#options.clock.now();
      const fields = { reason: this.#lastFailure, restarts: this.#restarts };
      this.#options.log.warn(fields, 'the gateway ended or hung; starting it again');
      this.#options.replaced?.(this.#lastFailure);
      this.#relaunch();
    });
  }

  #ping(child: ChildProcess, onPong: () => void): void {
    this.#lastPing += 1;
    this.#pongs.set(this.#lastPing, onPong);
    send(child, { type: 'ping', id: this.#lastPing });
  }

  /** The gateway responds in order, so it has received every earlier ping too. */
  #pong(id: number): void {
    for (const [sent, resolve] of this.#pongs) {
      if (sent > id) break;
      this.#pongs.delete(sent);
      resolve();
    }
  }

  #relaunch(): void {
    this.#launch().then(
      () => this.#watch(),
      (error: unknown) => {
        if (this.#closing) return;
        this.#failures += 1;
        const waitMs = backOffMs(this.#failures, BACK_OFF, Math.random());
        this.#options.log.error({ reason: messageOf(error), waitMs }, 'the gateway did not start; trying again later');
        this.#options.clock.after(waitMs, () => {
          if (!this.#closing) this.#relaunch();
        });
      },
    );
  }
}

function send(child: ChildProcess, message: object): void {
  if (child.connected) child.send(message, () => undefined);
}

function spawnGateway({ settings, environment, setpriv }: GatewayProcessOptions): ChildProcess {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', GATEWAY_ENTRY];
  const command = setpriv === undefined ? node : [setpriv, '--pdeathsig', 'KILL', ...node];
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  return spawn(command[0] as string, command.slice(1), {
    detached: true, // Ctrl-C must reach the platform only, which then ends the gateway in order
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...environment, PATH, NODE_COMPILE_CACHE, TIERPLANE_GATEWAY: JSON.stringify(settings) },
  });
}
