import type * as z from 'zod';
import type { ControlPlaneDeps } from './deps.ts';
import type { ApiRequest, ApiResponse, Principal, Scope } from './http.ts';

/** Who may call. A machine is let in by name only; whoever writes must be SystemAdmin as well as hold the scope. */
export type Access =
  | { readonly kind: 'public' }
  | { readonly kind: 'machine' }
  | { readonly kind: 'user'; readonly scope: Scope; readonly writes: boolean; readonly machineToo?: boolean };

export interface Call<Q, B> {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Q;
  readonly body: B;
  readonly principal: Principal;
  readonly request: ApiRequest;
}

/** One operation: dispatch and OpenAPI both read it, so neither can know a route that the other does not. */
export interface Route<Q extends z.ZodType = z.ZodType, B extends z.ZodType = z.ZodType> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `/tenants/{tenantId}` */
  readonly path: string;
  readonly access: Access;
  readonly tag: string;
  readonly summary: string;
  /** @default - any query, ignored */
  readonly query?: Q;
  /** @default - any body, ignored */
  readonly body?: B;
  /** Throws NOT_FOUND for what is not there, before the body is looked at. @default - `handle` tells */
  readonly find?: (params: Readonly<Record<string, string>>, deps: ControlPlaneDeps) => Promise<unknown>;
  /** Status of success and what it means; refusals are the same everywhere. */
  readonly answer: { readonly status: number; readonly description: string };
  readonly headers?: readonly { readonly name: string; readonly description: string }[];
  /** Whether calls are limited per client address. @default false */
  readonly limited?: boolean;
  readonly handle: (call: Call<z.output<Q>, z.output<B>>, deps: ControlPlaneDeps) => ApiResponse | Promise<ApiResponse>;
}

/** Types one route by its schemas, and hands it on as one of the table's. */
export function route<Q extends z.ZodType, B extends z.ZodType>(one: Route<Q, B>): Route {
  return one as unknown as Route;
}
