/** Who calls. Built from a verified token, or from the context that the AWS authorizer adds to a request. */
export type Principal =
  | {
      readonly kind: 'user';
      readonly userName: string;
      /** Any name; only SystemAdmin may write. */
      readonly role: string;
      readonly scopes: readonly string[];
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

/** Every transport refuses longer bodies with 413. */
export const MAX_BODY_BYTES = 1024 * 1024;

export interface ApiResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** JSON; a string where `headers` name another content type. Absent: no body. */
  readonly body?: unknown;
}

export const BODY_TOO_LARGE: ApiResponse = {
  status: 413,
  body: { statusCode: 413, message: `Request body must have at most ${MAX_BODY_BYTES} bytes` },
};

export const BODY_NOT_UTF8: ApiResponse = {
  status: 400,
  body: { statusCode: 400, message: 'Request body is not valid UTF-8' },
};

/** The principal of an `Authorization` header. Throws UNAUTHENTICATED where there is no valid token. */
export type AuthorizePrincipal = (authorization: string | undefined) => Promise<Principal>;
