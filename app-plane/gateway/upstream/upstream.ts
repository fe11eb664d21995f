import type { UpstreamRequest } from './request.ts';

/** Receives one response in order: a head, then data. */
export interface ResponseSink {
  /** @param headers `name, value, name, value ...` as received, without hop-by-hop headers; the sink may change the list */
  onHead(status: number, headers: string[]): void;
  /**
   * @param piece part of the body; the sink may keep it
   * @param isLast the body is complete, which `onEnd` or `onFailure` confirms. @default false - more may follow
   */
  onData(piece: Buffer, isLast?: boolean): void;
}

/**
 * Receives the outcome of one request: a head, data, then either its end or a failure. Receives nothing after the request
 * is aborted.
 */
export interface ResponseListener extends ResponseSink {
  onEnd(): void;
  /** @param cause the underlying error, where there is one: always for `malformed-response` */
  onFailure(failure: UpstreamFailure, cause?: unknown): void;
}

/**
 * Why a response is missing or incomplete.
 * - `unreachable`, `connect-timeout`: no connection could be made; nothing was sent
 * - `disconnected`: the connection ended, for example because the task died or closed an idle connection as it was used
 * - `headers-timeout`, `body-timeout`: the task sent nothing for too long
 * - `malformed-response`: the task sent something that is not a valid HTTP/1.1 response
 * - `request-body`: the body of the request failed
 */
export type UpstreamFailure =
  | 'unreachable'
  | 'connect-timeout'
  | 'disconnected'
  | 'headers-timeout'
  | 'body-timeout'
  | 'malformed-response'
  | 'request-body';

/** A request in progress. */
export interface UpstreamCall {
  /** Stops the request and discards its response. No effect after the request has ended. */
  abort(): void;
  /** Stops reading the response, because the client reads slower than the task sends. */
  pause(): void;
  resume(): void;
}

/** The HTTP client for one task: its Unix socket and the connections to it. */
export interface Upstream {
  readonly socketPath: string;
  /** Requests that are waiting or in progress. */
  readonly active: number;
  /** Sends a request as soon as a connection is free. Does not call the listener before it returns. */
  send(request: UpstreamRequest, listener: ResponseListener): UpstreamCall;
  /** Finishes all requests, then closes every connection. Requests sent later are still served. */
  close(): void;
  /** Closes every connection at once. Requests in progress fail, and so do those sent later. */
  destroy(): void;
}

export interface UpstreamLimits {
  /** For a connection to be made. @default 2_000 (2 seconds) */
  readonly connectTimeoutMs?: number;
  /** From the request to the head of the response. @default 30_000 (30 seconds) */
  readonly headersTimeoutMs?: number;
  /** Between two pieces of a response. @default 60_000 (1 minute) */
  readonly bodyTimeoutMs?: number;
  /** Connections to one task. Requests beyond it wait. @default 128 */
  readonly connections?: number;
  /** Requests that wait or are in progress at one task. The gateway sends it no more than this. @default 2_048 */
  readonly maxActive?: number;
}

/** Limits in milliseconds, with defaults applied. */
export interface Timeouts {
  readonly connectMs: number;
  readonly headersMs: number;
  readonly bodyMs: number;
}

export function timeoutsOf(limits: UpstreamLimits): Timeouts {
  return {
    connectMs: limits.connectTimeoutMs ?? 2_000,
    headersMs: limits.headersTimeoutMs ?? 30_000,
    bodyMs: limits.bodyTimeoutMs ?? 60_000,
  };
}

export const DEFAULT_CONNECTIONS = 128;
export const DEFAULT_MAX_ACTIVE = 2_048;

/** An idle connection is kept for at most this long, or for less if the task announces less. */
export const KEEP_ALIVE_MS = 4_000;
/** The task's idle timer started earlier, so a connection is not used in the last second before the task's announced limit. */
export const KEEP_ALIVE_MARGIN_MS = 1_000;

/** Makes the HTTP client for one task. */
export type CreateUpstream = (socketPath: string, limits: UpstreamLimits) => Upstream;
