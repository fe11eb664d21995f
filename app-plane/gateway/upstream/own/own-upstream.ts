import type { UpstreamRequest } from '../request.ts';
import {
  DEFAULT_CONNECTIONS,
  type ResponseListener,
  type Timeouts,
  timeoutsOf,
  type Upstream,
  type UpstreamLimits,
} from '../upstream.ts';
import { type Carrier, OwnCall } from './call.ts';
import { Connection, type ConnectionOwner } from './connection.ts';

/** Timeouts are checked this many times in the shortest of them, so that none fires late by more than a tenth of it. */
const CHECKS_PER_TIMEOUT = 10;

const ignore = (): void => undefined;

/** Tierplane's own HTTP/1.1 client for one task (docs/decisions/0009). */
export class OwnUpstream implements Upstream, ConnectionOwner {
  readonly socketPath: string;
  readonly #timeouts: Timeouts;
  readonly #maxConnections: number;
  readonly #checkIntervalMs: number;
  readonly #connections = new Set<Connection>();
  /** The connection used last is used next, so that surplus connections reach their idle timeout. */
  readonly #idle: Connection[] = [];
  /** Calls without a connection, in order of arrival. */
  readonly #waiting = new Set<OwnCall>();
  #active = 0;
  #state: 'open' | 'closing' | 'destroyed' = 'open';
  #timer: NodeJS.Timeout | undefined;

  constructor(socketPath: string, limits: UpstreamLimits) {
    this.socketPath = socketPath;
    this.#timeouts = timeoutsOf(limits);
    this.#maxConnections = limits.connections ?? DEFAULT_CONNECTIONS;
    this.#checkIntervalMs = Math.ceil(Math.min(...Object.values(this.#timeouts)) / CHECKS_PER_TIMEOUT);
  }

  get active(): number {
    return this.#active;
  }

  send(request: UpstreamRequest, listener: ResponseListener): OwnCall {
    const call = new OwnCall(request, listener, this.#onCallEnded);
    this.#active += 1;
    // A body may fail while it waits. BodyWriter notices when it starts.
    if (request.body && !Buffer.isBuffer(request.body)) request.body.on('error', ignore);
    const idle = this.#idle.pop();
    if (idle) idle.carry(call);
    else if (this.#state === 'destroyed') process.nextTick(() => call.fail('unreachable'));
    else if (this.#connections.size < this.#maxConnections) this.#open(call);
    else this.#wait(call);
    return call;
  }

  close(): void {
    if (this.#state === 'open') this.#state = 'closing';
    for (const connection of [...this.#idle]) connection.destroy();
  }

  destroy(): void {
    this.#state = 'destroyed';
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const call of waiting) call.fail('unreachable');
    for (const connection of [...this.#connections]) connection.destroy();
  }

  released(connection: Connection): void {
    const next = this.#nextWaiting();
    if (next) connection.carry(next);
    else if (this.#state === 'open') this.#idle.push(connection);
    else connection.destroy();
  }

  closed(connection: Connection): void {
    this.#connections.delete(connection);
    const place = this.#idle.indexOf(connection);
    if (place >= 0) this.#idle.splice(place, 1);
    const next = this.#nextWaiting();
    if (next) this.#open(next);
  }

  readonly #onCallEnded = (): void => {
    this.#active -= 1;
  };

  #open(call: OwnCall): void {
    const connection = new Connection(this.socketPath, this);
    this.#connections.add(connection);
    this.#timer ??= setTimeout(this.#checkTimeouts, this.#checkIntervalMs).unref();
    connection.carry(call);
  }

  #wait(call: OwnCall): void {
    call.carrier = this.#queue;
    this.#waiting.add(call);
  }

  readonly #queue: Carrier = {
    pause: () => undefined,
    resume: () => undefined,
    drop: (call) => void this.#waiting.delete(call),
  };

  #nextWaiting(): OwnCall | undefined {
    const next = this.#waiting.values().next().value;
    if (next) this.#waiting.delete(next);
    return next;
  }

  readonly #checkTimeouts = (): void => {
    const now = performance.now();
    for (const connection of [...this.#connections]) connection.checkTimeouts(now, this.#timeouts);
    this.#timer =
      this.#connections.size > 0 ? setTimeout(this.#checkTimeouts, this.#checkIntervalMs).unref() : undefined;
  };
}
