import type * as z from 'zod';
import type { Access } from './access.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

type ParameterName<P extends string> = P extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParameterName<Rest>
  : never;

/** The parameters that the path template `P` names: `{ tenantId: string }` for `/tenants/{tenantId}`. */
export type PathParameters<P extends string> = Readonly<Record<ParameterName<P>, string>>;

/** Names of optional request headers in lower case, each with its description. */
export type HeaderDescriptions = Readonly<Record<string, string>>;

/** Longest body of an operation that declares no other limit, in bytes (256 KiB). */
export const DEFAULT_MAX_BODY_BYTES = 256 * 1024;

/** What an operation sends with one status. */
export interface ResponseSpec {
  readonly description: string;
  /** @default - no body */
  readonly body?: z.ZodType;
  /** @default 'application/json' */
  readonly mediaType?: string;
  /** The body in other media types, with which something in front of the operation may respond. @default - none */
  readonly others?: readonly { readonly mediaType: string; readonly body: z.ZodType }[];
  /** Headers that the response always has, by name in lower case, each with its description. */
  readonly headers?: HeaderDescriptions;
}

/** The responses of an operation by status, refusals included. */
export type Responses = Readonly<Record<number, ResponseSpec>>;

/** A value whose objects and lists are not written to. */
type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

type Exact<T> = T extends readonly (infer Item)[]
  ? readonly Exact<Item>[]
  : T extends object
    ? { readonly [K in keyof T]: Exact<Exclude<T[K], undefined>> }
    : T;

/** A response body of the schema `S` as clients read it: an optional key is absent, never undefined. */
export type ResponseBody<S extends z.ZodType> = Exact<z.output<S>>;

type BodyOf<S extends ResponseSpec> = S extends { readonly body: infer B extends z.ZodType }
  ? { readonly body: DeepReadonly<z.input<B>> }
  : { readonly body?: undefined };

type HeadersOf<S extends ResponseSpec> = S extends { readonly headers: infer H }
  ? { readonly headers: Readonly<Record<keyof H & string, string>> }
  : { readonly headers?: undefined };

/** What a handler may return: a declared status with the body and the headers declared for it. */
export type ResponseOf<R extends Responses> = {
  [Status in keyof R & number]: { readonly status: Status } & BodyOf<R[Status]> & HeadersOf<R[Status]>;
}[keyof R & number];

/** A response of any operation. */
export interface AnyResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: unknown;
}

/** A request that passed every check: it is authorized and matches the declared schemas. */
export interface Call<P extends string, Q, H extends string, B> {
  /** Decoded. */
  readonly params: PathParameters<P>;
  readonly query: Q;
  /** The declared headers as received. */
  readonly headers: { readonly [Name in H]?: string | undefined };
  readonly body: B;
}

/** Everything about an operation but its code: what dispatch, checks and OpenAPI read. */
export interface Declaration {
  /** OpenAPI's `operationId`. Unique in its API, and stable, because generated clients name their functions after it. */
  readonly id: string;
  readonly method: Method;
  /** A template with parameters in braces: `/tenants/{tenantId}`. */
  readonly path: string;
  readonly access: Access;
  /** Group in the API's documentation. @default - none */
  readonly tag?: string;
  readonly summary: string;
  /** @default - any query is accepted and ignored */
  readonly query?: z.ZodType;
  /** @default - the handler reads no header */
  readonly headers?: HeaderDescriptions;
  /** @default - any body is accepted and ignored */
  readonly body?: z.ZodType;
  /** A longer body is refused with 413 before it is parsed. @default DEFAULT_MAX_BODY_BYTES (256 KiB) */
  readonly maxBodyBytes?: number;
  readonly responses: Responses;
}

/**
 * One operation of an HTTP API, as data: dispatch, the checks of requests and responses, and OpenAPI all read it.
 *
 * @typeParam Context what the API's transport adds to each call, such as the caller
 * @typeParam Deps the dependencies of the handlers
 */
export interface Operation<Context = unknown, Deps = unknown> extends Declaration {
  admit?(context: Context, deps: Deps): AnyResponse | undefined;
  find?(params: Readonly<Record<string, string>>, deps: Deps): Promise<unknown>;
  // biome-ignore lint/suspicious/noExplicitAny: one list holds operations with different parameters
  handle(call: Call<string, any, string, any> & Context, deps: Deps): AnyResponse | Promise<AnyResponse>;
}

export interface OperationSpec<
  Context,
  Deps,
  P extends string,
  Q extends z.ZodType,
  H extends HeaderDescriptions,
  B extends z.ZodType,
  R extends Responses,
  Returned extends ResponseOf<R>,
> extends Declaration {
  readonly path: P;
  readonly query?: Q;
  readonly headers?: H;
  readonly body?: B;
  /** Every response that `handle` returns, and refusals that it throws beyond those of the API. */
  readonly responses: R;
  /** Runs before anything of the request is parsed. @returns a refusal, such as 429. @default - every request is admitted */
  admit?(context: Context, deps: Deps): ResponseOf<R> | undefined;
  /** Runs before the body is parsed. Throws NOT_FOUND if the resource does not exist. @default - `handle` throws it */
  find?(params: PathParameters<P>, deps: Deps): Promise<unknown>;
  handle(call: Call<P, z.output<Q>, keyof H & string, z.output<B>> & Context, deps: Deps): Returned | Promise<Returned>;
}

/**
 * The function that defines operations of one API.
 * @param refusals the responses that an operation of this API has because of what it declares
 */
export function createOperation<Context, Deps = undefined>(refusals: (declared: Declaration) => Responses) {
  return function operation<
    const P extends string,
    const R extends Responses,
    const Returned extends ResponseOf<R>,
    Q extends z.ZodType = z.ZodUndefined,
    B extends z.ZodType = z.ZodUndefined,
    const H extends HeaderDescriptions = Readonly<Record<never, string>>,
  >(spec: OperationSpec<Context, Deps, P, Q, H, B, R, Returned>): Operation<Context, Deps> {
    return { ...spec, responses: { ...refusals(spec), ...spec.responses } };
  };
}
