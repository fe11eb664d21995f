import type { RealmId } from '../../ports/identity.ts';

/** A request of a service to a realm's users API, on behalf of the service's caller. */
export interface UsersCall {
  readonly realm: RealmId;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below the realm, as in a URL: `/users?limit=20`, `/users/jo%40acme.example/invitation`. */
  readonly path: string;
  /** A JSON value. @default - no body */
  readonly body?: object;
  /** The caller's `Authorization` header. Never logged. */
  readonly authorization: string;
  readonly requestId: string;
}

export interface UsersCallResponse {
  readonly status: number;
  /** A JSON value; undefined for no body. */
  readonly body: unknown;
  /** Seconds to wait before the next request. @default - the API did not say */
  readonly retryAfter?: number;
}

/**
 * How a service reaches the users API. Embedded: HTTP. AWS: invocation of the function `tenant-users`. A call is sent once,
 * as most calls are not safe to repeat.
 */
export interface UsersTransport {
  /** Throws UNAVAILABLE if the API does not respond within 5 s. The request may have had its effect. */
  send(call: UsersCall): Promise<UsersCallResponse>;
  close(): Promise<void>;
}

/** How long a caller waits for the response, in milliseconds. */
export const USERS_TIMEOUT_MS = 5_000;
