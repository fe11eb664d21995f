import * as z from 'zod';
import type { Access } from '../../../core/http/access.ts';
import { createOperation, type Declaration, type Operation, type ResponseSpec } from '../../../core/http/operation.ts';
import type { Scope } from '../../../core/identity/issuers.ts';
import { SYSTEM_ADMIN } from '../../../core/identity/users/administrators.ts';
import type { AppPlaneDeps, ControlPlaneDeps, TenantDeps } from './deps.ts';
import type { ApiRequest, Principal } from './http.ts';

/** What the control plane adds to each call. */
export interface CallContext {
  readonly principal: Principal;
  readonly request: ApiRequest;
}

export type OperationOf<Deps> = Operation<CallContext, Deps>;
export type ControlPlaneOperation = OperationOf<ControlPlaneDeps>;

export const PUBLIC: Access = { kind: 'public' };
export const MACHINE: Access = { kind: 'machine' };

export function canRead(scope: Scope): Access & { kind: 'user' } {
  return { kind: 'user', scope };
}

/** Writing requires the scope and the role SystemAdmin. */
export function canWrite(scope: Scope): Access & { kind: 'user' } {
  return { kind: 'user', scope, role: SYSTEM_ADMIN };
}

export function orMachine(access: Access & { kind: 'user' }): Access {
  return { ...access, machineToo: true };
}

/** SBT's shape for short results, and for refusals by its gateway. */
export const Message = z.object({ message: z.string() }).meta({ id: 'Message' });

/** SBT's shape for refusals by its handlers. */
const ErrorMessage = z
  .object({ statusCode: z.int().describe("The response's status."), message: z.string() })
  .meta({ id: 'Error' });

const ValidationError = z
  .object({
    statusCode: z.literal([400, 422]),
    detail: z.array(
      z.object({
        loc: z.array(z.union([z.string(), z.int()])).describe('Path of the field: `["body","tenantData","tier"]`.'),
        type: z.string().describe('Stable kind of the error: `missing`, `enum`, `extra_forbidden` ...'),
        msg: z.string(),
      }),
    ),
  })
  .meta({ id: 'ValidationError' });

/** Declares a refusal in the shape of SBT's handlers. */
export function refusal(description: string) {
  return { description, body: ErrorMessage } as const satisfies ResponseSpec;
}

/** The refusal of every operation on one tenant. */
export const NO_TENANT = refusal('No tenant has this id.');

/** Declares a refusal in the shape of SBT's gateway. */
export function gatewayRefusal(description: string) {
  return { description, body: Message } as const satisfies ResponseSpec;
}

/** Declares a refusal because of a limit. */
export function tooMany(description: string) {
  return {
    ...gatewayRefusal(description),
    headers: { 'retry-after': 'Seconds to wait before the next request.' },
  } as const satisfies ResponseSpec;
}

const NOT_VALID: ResponseSpec = { description: 'A field is not valid.', body: ValidationError };

/** The refusal of a `next_token` that is not one of its list. */
export const BAD_PAGE_TOKEN = {
  description: 'The `next_token` is not one of this list.',
  body: ValidationError,
} as const satisfies ResponseSpec;

/** The gateway refuses malformed paths in its own shape. */
const MALFORMED: ResponseSpec = {
  description: 'The body is not valid JSON, or the path is malformed.',
  body: z.union([ErrorMessage, Message]).meta({ id: 'Malformed' }),
};

/** Declares the result `{"message"}`. */
export function done(description: string) {
  return { description, body: Message } as const satisfies ResponseSpec;
}

/** Refusals that follow from what an operation declares. Its own descriptions take precedence. */
function refusalsOf({ access, body, query, path, method }: Declaration): Record<number, ResponseSpec> {
  return {
    ...(access.kind === 'user' && { 401: gatewayRefusal('The request has no valid access token.') }),
    ...(access.kind !== 'public' && { 403: gatewayRefusal('The caller may not do this.') }),
    ...(path.includes('{') && { 404: refusal('The resource does not exist.') }),
    ...(method !== 'GET' && { 409: refusal('The resource exists already, or its state does not allow this.') }),
    ...((body || path.includes('{')) && { 400: MALFORMED }),
    ...(body && { 413: refusal('The body is too large.') }),
    ...((body ?? query) && { 422: NOT_VALID }),
    500: refusal('The platform failed; its log has the cause.'),
    503: refusal('A part of the platform is not available; try again later.'),
  };
}

/** Defines an operation of the control plane. */
export const operation = createOperation<CallContext, ControlPlaneDeps>(refusalsOf);

/** Defines an operation that the control plane serves or, on AWS, a function of the application plane. */
export const tenantOperation = createOperation<CallContext, TenantDeps>(refusalsOf);

/** Defines an operation on the compute of the application plane. */
export const appPlaneOperation = createOperation<CallContext, AppPlaneDeps>(refusalsOf);
