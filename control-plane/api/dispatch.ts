import { DomainError, isDomainError } from '../../core/errors.ts';
import { mayCall } from '../../core/http/access.ts';
import { parseJson } from '../../core/http/json-body.ts';
import { parsePart } from '../../core/http/parse.ts';
import type { ControlPlaneDeps } from './http/deps.ts';
import { errorResponse } from './http/error-response.ts';
import {
  type ApiRequest,
  type ApiResponse,
  type AuthorizePrincipal,
  bodyTooLarge,
  MAX_BODY_BYTES,
  type Principal,
} from './http/http.ts';
import type { ControlPlaneOperation } from './http/operation.ts';
import { createOperations } from './operations.ts';

interface Route {
  readonly operation: ControlPlaneOperation;
  readonly pattern: RegExp;
}

/** Responds to a request; never throws. The transport only reads and writes bytes. */
export type ControlPlane = (request: ApiRequest) => Promise<ApiResponse>;

const NOT_FOUND: ApiResponse = { status: 404, body: { message: 'Not Found' } };
const BODY_NOT_JSON: ApiResponse = {
  status: 400,
  body: { statusCode: 400, message: 'Request body is not valid JSON' },
};
const ANONYMOUS: Principal = { kind: 'anonymous' };

/**
 * The control plane as one function.
 *
 * @param authorize gives the principal of an Authorization header
 * @param added the operations that only this home serves. @default - none
 */
export function createControlPlane(
  deps: ControlPlaneDeps,
  authorize: AuthorizePrincipal,
  added: readonly ControlPlaneOperation[] = [],
): ControlPlane {
  const routes: readonly Route[] = createOperations(added).map((operation) => ({
    operation,
    pattern: patternOf(operation.path),
  }));
  return async (request) => {
    const candidates = routes.filter(
      ({ operation, pattern }) => operation.method === request.method && pattern.test(request.path),
    );
    let route = candidates.find(isForUsers) ?? candidates[0];
    if (!route) return NOT_FOUND;
    let response: ApiResponse;
    try {
      const principal = await principalFor(candidates, request, authorize);
      route = chooseRoute(candidates, principal);
      response = await respond(route, request, principal, deps);
    } catch (error) {
      response = errorResponse(error, deps.log, { method: request.method, path: request.path });
    }
    deps.onResponse?.(route.operation, response);
    return response;
  };
}

/** `/tenants/{tenantId}` as an expression with named groups; a group never holds a '/'. */
function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
}

function isForUsers({ operation }: Route): boolean {
  return operation.access.kind === 'user';
}

/** Ignores the token of a request for a public operation. */
async function principalFor(
  candidates: readonly Route[],
  request: ApiRequest,
  authorize: AuthorizePrincipal,
): Promise<Principal> {
  if (candidates.some(({ operation }) => operation.access.kind === 'public')) return ANONYMOUS;
  try {
    return await authorize(request.headers.authorization);
  } catch (error) {
    if (isDomainError(error, 'UNAUTHENTICATED')) return ANONYMOUS;
    throw error;
  }
}

/**
 * Throws FORBIDDEN, or UNAUTHENTICATED where a token of a user could help. SBT's internal routes refuse anonymous
 * callers with 403, as IAM does.
 */
function chooseRoute(candidates: readonly Route[], principal: Principal): Route {
  const route = candidates.find(({ operation }) => mayCall(operation.access, principal));
  if (route) return route;
  throw principal.kind === 'anonymous' && candidates.some(isForUsers)
    ? new DomainError('UNAUTHENTICATED', 'the request must have an access token')
    : new DomainError('FORBIDDEN', 'the caller may not do this');
}

async function respond(
  { operation, pattern }: Route,
  request: ApiRequest,
  principal: Principal,
  deps: ControlPlaneDeps,
): Promise<ApiResponse> {
  const refusal = operation.admit?.({ principal, request }, deps);
  if (refusal) return refusal;
  const params = parametersOf(pattern, request.path);
  const query = operation.query && parsePart(operation.query, request.query, 'query');
  await operation.find?.(params, deps);
  const { maxBodyBytes = MAX_BODY_BYTES } = operation;
  if (Buffer.byteLength(request.body ?? '') > maxBodyBytes) return bodyTooLarge(maxBodyBytes);
  const json = operation.body ? parseJson(request.body) : { value: undefined };
  if (!json) return BODY_NOT_JSON;
  const body = operation.body && parsePart(operation.body, json.value, 'body');
  const { headers } = request;
  const response = await operation.handle({ params, query, headers, body, principal, request }, deps);
  const mediaType = operation.responses[response.status]?.mediaType;
  return mediaType ? { ...response, headers: { ...response.headers, 'content-type': mediaType } } : response;
}

/** Throws NOT_FOUND for a path that is not valid percent-encoding: no resource has such a name. */
function parametersOf(pattern: RegExp, path: string): Record<string, string> {
  const groups = pattern.exec(path)?.groups ?? {};
  try {
    return Object.fromEntries(Object.entries(groups).map(([name, raw]) => [name, decodeURIComponent(raw)]));
  } catch (cause) {
    throw new DomainError('NOT_FOUND', 'The path is not valid', { cause });
  }
}
