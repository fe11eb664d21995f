import * as z from 'zod';
import type { Access } from '../../core/http/access.ts';
import { createOperation, type Declaration, type Operation, type ResponseSpec } from '../../core/http/operation.ts';
import { PROBLEM_MEDIA_TYPE, Problem } from './problem.ts';
import type { TenantContext } from './tenant-context.ts';

/** What a service adds to each call. */
export interface CallContext {
  readonly tenant: TenantContext;
}

/** An operation of a service. Its path is relative to the service's URL: `''` is the collection, `/{productId}` an item. */
export type ServiceOperation = Operation<CallContext>;

/** Every user of the tenant. */
export const TENANT_USER: Access = { kind: 'user' };
/** Users of the tenant with the role TenantAdmin. */
export const TENANT_ADMIN: Access = { kind: 'user', role: 'TenantAdmin' };

export const IDEMPOTENCY_KEY = {
  'idempotency-key':
    'A repetition with the same key and body within 24 hours returns the item that the first request created.',
} as const;
export const IF_MATCH = { 'if-match': 'The request fails with 412 unless this is the current entity tag.' } as const;
export const IF_NONE_MATCH = {
  'if-none-match': 'The response is 304 without a body if this is the current entity tag.',
} as const;

/** Headers of a response with one item. */
export const ETAG = { etag: 'Entity tag of this state of the item.' } as const;
/** Headers of a response with a new item. */
export const CREATED = { ...ETAG, location: "URL of the item, relative to the collection's." } as const;

/** Declares a refusal: a problem (RFC 9457). */
export function refusal(description: string) {
  return { description, body: Problem, mediaType: PROBLEM_MEDIA_TYPE } as const satisfies ResponseSpec;
}

/** The gateway in front of the services refuses requests in the shape of Amazon API Gateway. */
const BY_GATEWAY = {
  mediaType: 'application/json',
  body: z.object({ message: z.string() }).meta({ id: 'GatewayMessage', description: 'A response of the gateway.' }),
} as const;

function gatewayRefusal(description: string): ResponseSpec {
  return { description, ...BY_GATEWAY };
}

/** Responses that follow from what an operation declares. Its own descriptions take precedence. */
function responsesOf(declaration: Declaration): Record<number, ResponseSpec> {
  const byBoth = Object.entries(serviceResponses(declaration)).map(
    ([status, spec]) => [status, spec.body ? { ...spec, others: [BY_GATEWAY] } : spec] as const,
  );
  return {
    ...Object.fromEntries(byBoth),
    408: gatewayRefusal('The request did not arrive in time.'),
    431: gatewayRefusal('The headers are too large.'),
    502: gatewayRefusal('The service closed the connection, or its response was malformed.'),
    504: gatewayRefusal('The service did not respond in time.'),
  };
}

function serviceResponses({ body, headers = {}, path }: Declaration): Record<number, ResponseSpec> {
  return {
    400: refusal('The request is malformed or not valid; `errors` names the fields.'),
    401: refusal('The request has no valid access token.'),
    403: refusal("The caller may not do this, or the data is not the tenant's."),
    ...(path.includes('{') && { 404: refusal('The item does not exist.') }),
    ...('if-none-match' in headers && { 304: { description: 'The caller has the current state already.' } }),
    ...('if-match' in headers && { 412: refusal('If-Match does not name the current entity tag.') }),
    ...('idempotency-key' in headers && { 409: refusal('The Idempotency-Key was used with another body.') }),
    ...('if-match' in headers && { 409: refusal('Other requests keep changing the item; try again.') }),
    413: refusal('The body is too large.'),
    414: refusal('The URL is too long.'),
    ...(body && { 415: refusal('The body is not application/json.') }),
    429: refusal("The tenant's usage plan, or a limit such as that of invitations, is exceeded."),
    500: refusal('The service failed; its log has the cause under the request id.'),
    503: refusal('A part of the platform is not available; try again later.'),
  };
}

/** Defines an operation of a service. */
export const operation = createOperation<CallContext>(responsesOf);
