import { DEFAULT_MAX_BODY_BYTES } from '../../../core/http/operation.ts';
import type { Check } from '../../../core/ports/table.ts';

/** Who calls. Built from a verified token, or from the context that the AWS authorizer adds to a request. */
export type Principal =
  | {
      readonly kind: 'user';
      readonly userName: string;
      /** Any name; only SystemAdmin may write. */
      readonly role: string;
      readonly scopes: readonly string[];
      /** The conditions under which name and role stay as they are. */
      readonly basis: readonly Check[];
    }
  /** The application plane, or another part of the platform. */
  | { readonly kind: 'machine' }
  | { readonly kind: 'anonymous' };

/** The caller's name in logs and records. A credential has its client id as its user name. */
export function nameOf(principal: Principal): string {
  return principal.kind === 'user' ? principal.userName : principal.kind;
}

/** Path of the API below the platform's address, unless the home serves it elsewhere. */
export const DEFAULT_BASE_PATH = '/control-plane';

/** The part of a request that decides whether its caller may make it. */
export type RequestHead = Pick<ApiRequest, 'method' | 'path' | 'headers'>;

/** A request as every transport passes it to the handlers. */
export interface ApiRequest {
  readonly method: string;
  /** Without the control plane's prefix, still percent-encoded, without query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string | undefined>>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The raw text. */
  readonly body: string | undefined;
}

/** Every transport refuses longer bodies with 413. No operation may declare a higher limit. */
export const MAX_BODY_BYTES = DEFAULT_MAX_BODY_BYTES;

export interface ApiResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** JSON; a string where `headers` name another content type. Absent: no body. */
  readonly body?: unknown;
}

export function bodyTooLarge(maxBytes: number): ApiResponse {
  return { status: 413, body: { statusCode: 413, message: `Request body must have at most ${maxBytes} bytes` } };
}

export const BODY_TOO_LARGE: ApiResponse = bodyTooLarge(MAX_BODY_BYTES);

export const BODY_NOT_UTF8: ApiResponse = {
  status: 400,
  body: { statusCode: 400, message: 'Request body is not valid UTF-8' },
};

/** The principal of an `Authorization` header. Throws UNAUTHENTICATED where there is no valid token. */
export type AuthorizePrincipal = (authorization: string | undefined) => Promise<Principal>;
