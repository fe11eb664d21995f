import type * as z from 'zod';
import type { TenantRole } from '../../core/ports/identity.ts';
import type { TenantContext } from './tenant-context.ts';

/** A request that has passed every check: verified, in the right tenant, and of the declared shape. */
export interface Call<Params, Query, Body> {
  readonly tenant: TenantContext;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** The `If-Match` header as it came. */
  readonly ifMatch: string | undefined;
  /** The `If-None-Match` header as it came. */
  readonly ifNoneMatch: string | undefined;
  /** The `Idempotency-Key` header as it came. */
  readonly idempotencyKey: string | undefined;
}

export interface Answer<Body> {
  readonly body?: Body;
  /** Entity tag, quotes included. */
  readonly etag?: string;
  /** Id of what was created; becomes the `Location` header, relative to the collection's URL. */
  readonly createdId?: string;
}

/** One route of a service, as data: the kit serves it and describes it in OpenAPI. */
export interface OperationSpec<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, A extends z.ZodType> {
  /** OpenAPI's operationId; unique in the service. */
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the service's name: '' for the collection, '/:productId' for one of it. */
  readonly path: '' | `/:${string}`;
  readonly summary: string;
  /** Who may call it. @default - every user of the tenant */
  readonly role?: TenantRole;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** Status of success. */
  readonly status: 200 | 201 | 204;
  /** Shape of the answer: what it does not name is never sent, what it demands and misses is a 500. @default - no body */
  readonly answer?: A;
  /** Refusals beyond those every operation knows, for OpenAPI. */
  readonly refusals?: Readonly<Record<number, string>>;
  handle(call: Call<z.output<P>, z.output<Q>, z.output<B>>): Promise<Answer<z.input<A>>>;
}

export type Operation = OperationSpec<z.ZodType, z.ZodType, z.ZodType, z.ZodType>;

/** Lets the schemas type the handler, then forgets those types, so that operations of all shapes fit in one list. */
export function operation<
  P extends z.ZodType = z.ZodUndefined,
  Q extends z.ZodType = z.ZodUndefined,
  B extends z.ZodType = z.ZodUndefined,
  A extends z.ZodType = z.ZodUndefined,
>(spec: OperationSpec<P, Q, B, A>): Operation {
  return spec as unknown as Operation;
}
