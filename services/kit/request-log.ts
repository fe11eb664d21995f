import type { FastifyReply, FastifyRequest } from 'fastify';
import { isDomainError } from '../../core/errors.ts';
import type { Log } from '../../core/ports/log.ts';
import type { Problem } from './problem.ts';

const HEALTH_CHECKS = new Set(['/healthz', '/readyz']);

/** Logs one line per request, with the route's pattern, as URLs hold ids and emails. Successful health checks are not logged. */
export function logRequest(log: Log, request: FastifyRequest, reply: FastifyReply): void {
  const route = request.routeOptions.url ?? 'none';
  const status = reply.statusCode;
  if (HEALTH_CHECKS.has(route) && status === 200) return;
  log.info(
    {
      requestId: request.id,
      tenantId: request.caller?.tenantId,
      tier: request.caller?.tier,
      method: request.method,
      route,
      status,
      ms: Math.round(reply.elapsedTime * 100) / 100,
    },
    'request',
  );
}

/** Logs what a developer must look into: internal errors, and code that reached for another tenant's data. */
export function logError(log: Log, request: FastifyRequest, problem: Problem, error: unknown): void {
  const fields = { requestId: request.id, tenantId: request.caller?.tenantId, route: request.routeOptions.url };
  if (isDomainError(error, 'ACCESS_DENIED')) log.error(fields, 'code requested data of another tenant');
  else if (problem.status >= 500) log.error({ ...fields, err: error }, 'request failed');
}
