import type { IncomingMessage } from 'node:http';
import { ClientBudget } from '../../core/collections/client-budget.ts';
import { clientGroup } from '../../core/http/client-address.ts';
import { DEFAULT_MAX_BODY_BYTES } from '../../core/http/operation.ts';
import type { Log } from '../../core/ports/log.ts';
import { contentLength } from './body.ts';
import type { Exchange } from './exchange.ts';
import { BROWSER_FAILURE_RESPONSES, FAILURE_RESPONSES } from './failure-responses.ts';
import { forward, type Hop } from './forward.ts';
import { addPlatformHeaders, requestHeaders } from './headers.ts';
import { readPlatformBody } from './platform-body.ts';
import { isReady } from './readiness.ts';
import { UnreadResponse } from './unread-response.ts';
import {
  type CreateUpstream,
  DEFAULT_CONNECTIONS,
  DEFAULT_MAX_ACTIVE,
  type Upstream,
  type UpstreamLimits,
} from './upstream/upstream.ts';

const MIB = 2 ** 20;
/** Bodies that have not arrived completely. */
const BODIES_PER_CLIENT = { places: 256, bytes: 8 * MIB };
const BODIES = { places: 4_096, bytes: 64 * MIB };
/** Responses that have not been read completely. */
const UNREAD_PER_CLIENT = { places: 64, bytes: 16 * MIB };
const UNREAD = { places: 1_024, bytes: 128 * MIB };

/** A body for the platform is small, so a client that takes longer is broken or hostile, in milliseconds. */
const BODY_TIMEOUT_MS = 20_000;
/**
 * Connections for strangers. Fewer than for those who have signed in, whose requests wait in the platform behind all others
 * that are in progress there.
 */
const STRANGERS_CONNECTIONS = 48;
/** A platform that takes longer to respond to a readiness probe is not ready. */
const READY_TIMEOUT_MS = 1_000;

/** Services read the keys of the realms here. */
const KEY_SET = /^\/realms\/[a-z0-9-]+\/jwks$/;

export interface PlatformRouteOptions {
  readonly createUpstream: CreateUpstream;
  /** Unix socket of the platform. */
  readonly platformSocket: string;
  /** What clients see. Called for each request, because the port may be known only after listening. */
  readonly publicUrl: () => URL;
  readonly limits: UpstreamLimits & { readonly maxBodyBytes?: number; readonly platformBodyTimeoutMs?: number };
  readonly log: Log;
}

/**
 * The way to the platform, which strangers use, too: they sign in and sign up. The platform has few connections, so a request
 * takes one only while the platform works on it: the gateway reads the whole request first, and the whole response at once,
 * within a budget for each client (docs/decisions/0019).
 */
export class PlatformRoute {
  readonly #options: PlatformRouteOptions;
  readonly #maxBodyBytes: number;
  readonly #maxActive: number;
  readonly #strangers: Upstream;
  /** For those who have signed in, for key sets and for readiness. Strangers cannot occupy its connections. */
  readonly #own: Upstream;
  readonly #bodies = new ClientBudget(BODIES_PER_CLIENT, BODIES);
  readonly #unread = new ClientBudget(UNREAD_PER_CLIENT, UNREAD);

  constructor(options: PlatformRouteOptions) {
    const { createUpstream, platformSocket, limits } = options;
    this.#options = options;
    this.#maxBodyBytes = Math.min(limits.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES, DEFAULT_MAX_BODY_BYTES);
    this.#maxActive = limits.maxActive ?? DEFAULT_MAX_ACTIVE;
    const { connections = DEFAULT_CONNECTIONS } = limits;
    const strangers = Math.min(connections, STRANGERS_CONNECTIONS);
    this.#strangers = createUpstream(platformSocket, { ...limits, connections: strangers });
    this.#own = createUpstream(platformSocket, limits);
  }

  /** Whether the request declares a body that is too long. */
  isTooLarge(request: IncomingMessage): boolean {
    return (contentLength(request) ?? 0) > this.#maxBodyBytes;
  }

  /** @param isSignedIn whether the request has a valid token */
  send(exchange: Exchange, path: string, isSignedIn: boolean): void {
    const { request, response } = exchange;
    const client = clientGroup(exchange.clientAddress);
    const limits = {
      maxBytes: this.#maxBodyBytes,
      withinMs: this.#options.limits.platformBodyTimeoutMs ?? BODY_TIMEOUT_MS,
    };
    readPlatformBody(exchange, limits, { budget: this.#bodies, client }, (body) => {
      if (response.destroyed) return;
      const headers = requestHeaders(request, 'platform');
      addPlatformHeaders(headers, exchange, this.#options.publicUrl());
      const isBrowser = request.headers.accept?.includes('text/html') === true;
      const responses = isBrowser ? BROWSER_FAILURE_RESPONSES : FAILURE_RESPONSES;
      const fail: Hop['fail'] = (failure) => exchange.respond(responses[failure]);
      const pick = (): Upstream | undefined => this.#pick(path, isSignedIn);
      const unread = new UnreadResponse(response, this.#unread, client);
      forward(exchange, { path, headers, body, length: body?.length, pick, fail, unread }, this.#options.log);
    });
  }

  /** Whether the platform is ready to serve. */
  isReady(): Promise<boolean> {
    return isReady(this.#own, READY_TIMEOUT_MS);
  }

  /** Closes every connection at once. */
  destroy(): void {
    this.#strangers.destroy();
    this.#own.destroy();
  }

  #pick(path: string, isSignedIn: boolean): Upstream | undefined {
    const upstream = isSignedIn || KEY_SET.test(path) ? this.#own : this.#strangers;
    return upstream.active < this.#maxActive ? upstream : undefined;
  }
}
