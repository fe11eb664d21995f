import { DomainError, isDomainError } from '../../core/errors.ts';
import { SYSTEM_ADMIN } from '../../core/identity/users/administrators.ts';
import type { ControlPlaneDeps } from './http/deps.ts';
import type { ApiRequest, ApiResponse, AuthorizePrincipal, Principal } from './http/http.ts';
import { parseJson } from './http/json-body.ts';
import { parse, toResponse } from './http/problems.ts';
import type { Access, Route } from './http/route.ts';
import { createRoutes } from './routes.ts';

interface Door {
  readonly route: Route;
  readonly pattern: RegExp;
}

/** Answers a request; never throws. The transport only reads and writes bytes. */
export type ControlPlane = (request: ApiRequest) => Promise<ApiResponse>;

/** The control plane as one function. `authorize` gives the principal of an Authorization header. */
export function createControlPlane(deps: ControlPlaneDeps, authorize: AuthorizePrincipal): ControlPlane {
  const doors: readonly Door[] = createRoutes(deps.serves).map((route) => ({ route, pattern: patternOf(route.path) }));
  return async (request) => {
    try {
      return await answer(doors, request, deps, authorize);
    } catch (error) {
      return toResponse(error, deps.log, { method: request.method, path: request.path });
    }
  };
}

/** `/tenants/{tenantId}` as an expression with named groups; a group never holds a '/'. */
function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
}

async function answer(
  doors: readonly Door[],
  request: ApiRequest,
  deps: ControlPlaneDeps,
  authorize: AuthorizePrincipal,
): Promise<ApiResponse> {
  const candidates = doors.filter(
    ({ route, pattern }) => route.method === request.method && pattern.test(request.path),
  );
  if (candidates.length === 0) return { status: 404, body: { message: 'Not Found' } };

  const isPublic = candidates.some(({ route }) => route.access.kind === 'public');
  const principal = isPublic ? ANONYMOUS : await principalOf(request, authorize);
  const door = candidates.find(({ route }) => admits(route.access, principal));
  if (!door) throw refusal(candidates, principal);

  const { route, pattern } = door;
  const params = paramsOf(pattern, request.path);
  const query = route.query ? parse(route.query, request.query, 'query') : request.query;
  await route.find?.(params, deps);
  if (!route.body) return route.handle({ params, query, body: undefined, principal, request }, deps);
  const json = parseJson(request.body);
  if (!json) return { status: 400, body: { statusCode: 400, message: 'Request body is not valid JSON' } };
  const body = parse(route.body, json.value, 'body');
  return route.handle({ params, query, body, principal, request }, deps);
}

const ANONYMOUS: Principal = { kind: 'anonymous' };

async function principalOf(request: ApiRequest, authorize: AuthorizePrincipal): Promise<Principal> {
  try {
    return await authorize(request.headers.authorization);
  } catch (error) {
    if (isDomainError(error, 'UNAUTHENTICATED')) return ANONYMOUS;
    throw error;
  }
}

function admits(access: Access, principal: Principal): boolean {
  if (access.kind === 'public') return true;
  if (principal.kind === 'machine') return access.kind === 'machine' || access.machineToo === true;
  if (principal.kind === 'anonymous' || access.kind === 'machine') return false;
  return principal.scopes.includes(access.scope) && (!access.writes || principal.role === SYSTEM_ADMIN);
}

/** SBT's internal routes answer a stranger 403, as IAM does; all others ask for a token first. */
function refusal(candidates: readonly Door[], principal: Principal): DomainError {
  const forUsers = candidates.some(({ route }) => route.access.kind === 'user');
  return principal.kind === 'anonymous' && forUsers
    ? new DomainError('UNAUTHENTICATED', 'a token must be given')
    : new DomainError('FORBIDDEN', 'the caller may not do this');
}

/** Throws NOT_FOUND for a path that is not valid percent-encoding: nothing is called so. */
function paramsOf(pattern: RegExp, path: string): Record<string, string> {
  const groups = pattern.exec(path)?.groups ?? {};
  try {
    return Object.fromEntries(Object.entries(groups).map(([name, raw]) => [name, decodeURIComponent(raw)]));
  } catch (cause) {
    throw new DomainError('NOT_FOUND', 'The path is not valid', { cause });
  }
}
