import { type AnswerListener, Call, type Carrier, type UpstreamRequest } from './call.ts';
import { Connection, type ConnectionOwner, type Patience } from './connection.ts';

export interface UpstreamLimits {
  /** @default 2_000 (2 seconds) */
  readonly connectTimeoutMs?: number;
  /** From the request to the response's first byte. @default 30_000 (30 seconds) */
  readonly headersTimeoutMs?: number;
  /** Between two pieces of a response. @default 60_000 (1 minute) */
  readonly bodyTimeoutMs?: number;
  /** Connections to one task; requests beyond wait. @default 128 */
  readonly connections?: number;
  /** Requests at one task, waiting ones included; beyond it is taken for unavailable. @default 2_048 */
  readonly maxActive?: number;
}

/** Time-outs are looked for this many times in the shortest of them, so that none is late by more than a tenth. */
const CHECKS_PER_TIMEOUT = 10;

const ignore = (): void => undefined;

/** One task's socket, with its connections. */
export class Upstream implements ConnectionOwner {
  readonly socketPath: string;
  readonly #patience: Patience;
  readonly #maxConnections: number;
  readonly #checkEveryMs: number;
  readonly #connections = new Set<Connection>();
  /** The one used last is used next, so that those beyond what is needed end by themselves. */
  readonly #idle: Connection[] = [];
  /** Requests for which there is no connection yet, in their order. */
  readonly #waiting = new Set<Call>();
  #active = 0;
  #state: 'open' | 'closing' | 'destroyed' = 'open';
  #timer: NodeJS.Timeout | undefined;

  constructor(socketPath: string, limits: UpstreamLimits) {
    this.socketPath = socketPath;
    this.#patience = {
      connectMs: limits.connectTimeoutMs ?? 2_000,
      headersMs: limits.headersTimeoutMs ?? 30_000,
      bodyMs: limits.bodyTimeoutMs ?? 60_000,
    };
    this.#maxConnections = limits.connections ?? 128;
    this.#checkEveryMs = Math.ceil(Math.min(...Object.values(this.#patience)) / CHECKS_PER_TIMEOUT);
  }

  /** Requests sent or waiting, and not yet ended. */
  get active(): number {
    return this.#active;
  }

  /** Sends a request, as soon as there is a connection for it. The listener hears nothing before this has returned. */
  send(request: UpstreamRequest, listener: AnswerListener): Call {
    const call = new Call(request, listener, this.#settled);
    this.#active += 1;
    // A body may fail while it waits; who sends it will see that it has.
    if (request.body && !Buffer.isBuffer(request.body)) request.body.on('error', ignore);
    const idle = this.#idle.pop();
    if (idle) idle.carry(call);
    else if (this.#state === 'destroyed') process.nextTick(() => call.fail('unreachable'));
    else if (this.#connections.size < this.#maxConnections) this.#open(call);
    else this.#wait(call);
    return call;
  }

  /** Finishes what is under way, and keeps no connection after that. */
  close(): void {
    if (this.#state === 'open') this.#state = 'closing';
    for (const connection of [...this.#idle]) connection.destroy();
  }

  /** Ends every connection at once. */
  destroy(): void {
    this.#state = 'destroyed';
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const call of waiting) call.fail('unreachable');
    for (const connection of [...this.#connections]) connection.destroy();
  }

  freed(connection: Connection): void {
    const next = this.#nextWaiting();
    if (next) connection.carry(next);
    else if (this.#state === 'open') this.#idle.push(connection);
    else connection.destroy();
  }

  gone(connection: Connection): void {
    this.#connections.delete(connection);
    const place = this.#idle.indexOf(connection);
    if (place >= 0) this.#idle.splice(place, 1);
    const next = this.#nextWaiting();
    if (next) this.#open(next);
  }

  readonly #settled = (): void => {
    this.#active -= 1;
  };

  #open(call: Call): void {
    const connection = new Connection(this.socketPath, this);
    this.#connections.add(connection);
    this.#timer ??= setTimeout(this.#check, this.#checkEveryMs).unref();
    connection.carry(call);
  }

  #wait(call: Call): void {
    call.carrier = this.#queue;
    this.#waiting.add(call);
  }

  readonly #queue: Carrier = {
    pause: () => undefined,
    resume: () => undefined,
    drop: (call) => void this.#waiting.delete(call),
  };

  #nextWaiting(): Call | undefined {
    const next = this.#waiting.values().next().value;
    if (next) this.#waiting.delete(next);
    return next;
  }

  readonly #check = (): void => {
    const now = performance.now();
    for (const connection of [...this.#connections]) connection.check(now, this.#patience);
    this.#timer = this.#connections.size > 0 ? setTimeout(this.#check, this.#checkEveryMs).unref() : undefined;
  };
}
