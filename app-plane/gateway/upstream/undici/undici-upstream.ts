import { Pool } from 'undici';
import type { UpstreamRequest } from '../request.ts';
import {
  DEFAULT_CONNECTIONS,
  KEEP_ALIVE_MARGIN_MS,
  KEEP_ALIVE_MS,
  type ResponseListener,
  timeoutsOf,
  type Upstream,
  type UpstreamLimits,
} from '../upstream.ts';
import { UndiciCall } from './undici-call.ts';

const ignore = (): void => undefined;

/** The origin is never resolved: connections go to the socket. */
const ORIGIN = 'http://localhost';

/** undici as the HTTP client for one task (docs/decisions/0009). */
export class UndiciUpstream implements Upstream {
  readonly socketPath: string;
  readonly #options: Pool.Options;
  readonly #calls = new Set<UndiciCall>();
  #pool: Pool;
  #state: 'open' | 'closing' | 'destroyed' = 'open';

  constructor(socketPath: string, limits: UpstreamLimits) {
    this.socketPath = socketPath;
    const { connectMs, headersMs, bodyMs } = timeoutsOf(limits);
    this.#options = {
      socketPath,
      connections: limits.connections ?? DEFAULT_CONNECTIONS,
      connectTimeout: connectMs,
      headersTimeout: headersMs,
      bodyTimeout: bodyMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
    };
    this.#pool = new Pool(ORIGIN, this.#options);
  }

  get active(): number {
    return this.#calls.size;
  }

  send(request: UpstreamRequest, listener: ResponseListener): UndiciCall {
    const call = new UndiciCall(request, listener, () => this.#onCallEnded(call));
    this.#calls.add(call);
    const { body } = request;
    // A body may fail while it waits.
    if (body && !Buffer.isBuffer(body)) body.on('error', ignore);
    if (this.#state === 'destroyed') process.nextTick(() => call.fail('unreachable'));
    // undici may report an error at once, but the listener must not be called before this returns.
    else process.nextTick(() => call.dispatchTo(this.#pool));
    return call;
  }

  close(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#closePool();
  }

  destroy(): void {
    this.#state = 'destroyed';
    for (const call of [...this.#calls]) call.failDestroyed();
    this.#pool.destroy().catch(ignore);
  }

  #onCallEnded(call: UndiciCall): void {
    this.#calls.delete(call);
    if (this.#state === 'closing' && this.#calls.size === 0) this.#closePool();
  }

  /** A closed pool refuses requests, so those sent later go to a new one. A pool without requests has no connection. */
  #closePool(): void {
    this.#pool.close().catch(ignore);
    this.#pool = new Pool(ORIGIN, this.#options);
  }
}
