import { DomainError, isDomainError } from '../../core/errors.ts';
import { mayCall } from '../../core/http/access.ts';
import { parseJson } from '../../core/http/json-body.ts';
import type { Declaration } from '../../core/http/operation.ts';
import { parsePart } from '../../core/http/parse.ts';
import type { Guard } from '../../core/ports/guard.ts';
import type { ControlPlaneDeps } from './http/deps.ts';
import { errorResponse } from './http/error-response.ts';
import {
  type ApiRequest,
  type ApiResponse,
  type AuthorizePrincipal,
  bodyTooLarge,
  MAX_BODY_BYTES,
  type Principal,
  type RequestHead,
} from './http/http.ts';
import type { OperationOf } from './http/operation.ts';

interface Route<Deps> {
  readonly operation: OperationOf<Deps>;
  readonly pattern: RegExp;
}

/** The control plane's API. The transport only reads and writes bytes. No method throws. */
export interface ControlPlane {
  /**
   * The refusal of a request for which no operation exists, or whose caller may not make it. A transport that receives a
   * body piece by piece asks before it reads the body, so that strangers cost little.
   * @returns undefined if `respond` must decide
   */
  refusal(head: RequestHead): Promise<ApiResponse | undefined>;
  /** Authorizes the caller again, because the body may have taken long to arrive, and runs the operation. */
  respond(request: ApiRequest): Promise<ApiResponse>;
}

/** The operation of a request, and who calls it. */
interface Admitted<Deps> {
  readonly route: Route<Deps>;
  readonly principal: Principal;
}

const NOT_FOUND: ApiResponse = { status: 404, body: { message: 'Not Found' } };
const BODY_NOT_JSON: ApiResponse = {
  status: 400,
  body: { statusCode: 400, message: 'Request body is not valid JSON' },
};
const ANONYMOUS: Principal = { kind: 'anonymous' };

/** What dispatch itself needs. */
export type DispatchDeps = Pick<ControlPlaneDeps, 'log' | 'onResponse'>;

export interface DispatchOptions<Deps> {
  /** Two may share method and path: the first one that admits the caller runs. */
  readonly operations: readonly OperationOf<Deps>[];
  /** Gives the principal of an Authorization header. */
  readonly authorize: AuthorizePrincipal;
  /** The dependencies for a request of a user: every change is committed only while `guard` permits it. */
  readonly guarded: (deps: Deps, guard: Guard) => Deps;
}

/** Serves operations: finds the one of a request, admits its caller, parses the request and runs it. */
export function createDispatch<Deps extends DispatchDeps>(
  deps: Deps,
  { authorize, operations, guarded }: DispatchOptions<Deps>,
): ControlPlane {
  const routes: readonly Route<Deps>[] = operations.map((operation) => ({
    operation,
    pattern: patternOf(operation.path),
  }));

  /** Runs `act` with the admitted caller, and turns errors into responses. */
  async function admitted(
    { method, path, headers }: RequestHead,
    act: (admitted: Admitted<Deps>, admit: () => Promise<Admitted<Deps>>) => Promise<ApiResponse | undefined>,
  ): Promise<ApiResponse | undefined> {
    const candidates = routes.filter(({ operation, pattern }) => operation.method === method && pattern.test(path));
    let route = candidates.find(isForUsers) ?? candidates[0];
    if (!route) return refuseMethod(routes, method, path);
    const admit = async (): Promise<Admitted<Deps>> => {
      const principal = await principalFor(candidates, headers.authorization, authorize);
      return { principal, route: chooseRoute(candidates, principal) };
    };
    let response: ApiResponse | undefined;
    try {
      const chosen = await admit();
      route = chosen.route;
      response = await act(chosen, admit);
    } catch (error) {
      response = errorResponse(error, deps.log, { method, path });
    }
    if (response) deps.onResponse?.(route.operation, response);
    return response;
  }

  return {
    refusal: (head) => admitted(head, async () => undefined),
    async respond(request) {
      const run = ({ route, principal }: Admitted<Deps>, admit: () => Promise<Admitted<Deps>>) => {
        const own = principal.kind === 'user' ? guarded(deps, guardOf(admit)) : deps;
        return respond(route, request, principal, own);
      };
      return (await admitted(request, run)) ?? NOT_FOUND;
    },
  };
}

/** SBT responds with 404 to these methods where a path does not have them. */
const METHODS_OF_SBT = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** No path has the other methods, such as TRACE. They get what HTTP defines. */
function refuseMethod(routes: readonly Route<never>[], method: string, path: string): ApiResponse {
  if (METHODS_OF_SBT.includes(method)) return NOT_FOUND;
  const allowed = routes.filter(({ pattern }) => pattern.test(path)).map(({ operation }) => operation.method);
  if (allowed.length === 0) return NOT_FOUND;
  const allow = [...new Set(allowed)].sort().join(', ');
  return { status: 405, headers: { allow }, body: { message: 'Method Not Allowed' } };
}

/** `/tenants/{tenantId}` as an expression with named groups; a group never holds a '/'. */
function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
}

function isForUsers({ operation }: { readonly operation: Declaration }): boolean {
  return operation.access.kind === 'user';
}

/** Ignores the token of a request for a public operation. */
async function principalFor(
  candidates: readonly { readonly operation: Declaration }[],
  authorization: string | undefined,
  authorize: AuthorizePrincipal,
): Promise<Principal> {
  if (candidates.some(({ operation }) => operation.access.kind === 'public')) return ANONYMOUS;
  try {
    return await authorize(authorization);
  } catch (error) {
    if (isDomainError(error, 'UNAUTHENTICATED')) return ANONYMOUS;
    throw error;
  }
}

/**
 * Throws FORBIDDEN, or UNAUTHENTICATED where a token of a user could help. SBT's internal routes refuse anonymous
 * callers with 403, as IAM does.
 */
function chooseRoute<Deps>(candidates: readonly Route<Deps>[], principal: Principal): Route<Deps> {
  const route = candidates.find(({ operation }) => mayCall(operation.access, principal));
  if (route) return route;
  throw principal.kind === 'anonymous' && candidates.some(isForUsers)
    ? new DomainError('UNAUTHENTICATED', 'the request must have an access token')
    : new DomainError('FORBIDDEN', 'the caller may not do this');
}

/** Permits a change while the user may still make it. */
function guardOf(admit: () => Promise<{ readonly principal: Principal }>): Guard {
  return async () => {
    const { principal } = await admit();
    return principal.kind === 'user' ? principal.basis : [];
  };
}

async function respond<Deps>(
  { operation, pattern }: Route<Deps>,
  request: ApiRequest,
  principal: Principal,
  deps: Deps,
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
