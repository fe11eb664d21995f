import type { IncomingMessage } from 'node:http';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify, type RouteOptions } from 'fastify';
import { DomainError, isDomainError } from '../../core/errors.ts';
import { clientRequestId } from '../../core/http/request-id.ts';
import type { Authorize } from '../../core/identity/authorize.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import type { Table } from '../../core/ports/table.ts';
import type { ServiceDirectory } from './directory.ts';
import { isKnown } from './etag.ts';
import type { Answer, Operation } from './operation.ts';
import { parseParts } from './parse.ts';
import { BODY_LIMIT, MethodNotAllowed, PROBLEM_MEDIA_TYPE, type Problem, toProblem } from './problem.ts';
import { createRenderer } from './render.ts';
import { type TenantContext, tenantContext } from './tenant-context.ts';

/** What a service is made of; all of it comes from outside. */
export interface ServiceParts {
  /** Folder under services/, first segment of its URLs. */
  readonly name: string;
  readonly config: ServiceConfig;
  /** The whole store. Operations never see it, only the handle of their request's tenant. */
  readonly table: Table;
  readonly authorize: Authorize;
  readonly log: Log;
  readonly clock: Clock;
  /** Makes a new id, sorting by time. */
  readonly ids: () => string;
  readonly directory: ServiceDirectory;
}

export interface ServiceConfig {
  /** The one tenant this task serves, '' for a pooled task. */
  readonly tenant: string;
  /** Where identity's realms are: the front door's URL. */
  readonly identityUrl: string;
}

/** Longest path parameter; emails have up to 320 characters. */
const MAX_PARAM_LENGTH = 320;
const JSON_MEDIA_TYPE = 'application/json; charset=utf-8';
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** Operations check their input and answers themselves; this keeps Fastify from loading its own compilers for it. */
const NO_COMPILERS = { buildValidator: refuseSchema, buildSerializer: refuseSchema };

function refuseSchema(): never {
  throw new DomainError('INTERNAL', 'a route must not have a Fastify schema: operations have zod schemas');
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set for operations, once the token is verified. */
    tenant: TenantContext | undefined;
  }
}

/**
 * A service: its operations under `/v1/<name>` and `/<name>`, each for verified users of a tenant only, with health,
 * OpenAPI, problem details and one log line a request around them. It does not listen yet.
 */
export function buildService(parts: ServiceParts, operations: readonly Operation[]): FastifyInstance {
  const { name, log, ids } = parts;
  const app = fastify({
    logger: false,
    // What comes without a body is complete with its head; acceptJsonOnly keeps anyone from waiting for its end.
    http: { optimizeEmptyRequests: true },
    bodyLimit: BODY_LIMIT,
    requestIdHeader: false,
    genReqId: (request: IncomingMessage) => clientRequestId(request.headers['x-request-id']) ?? ids(),
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    schemaController: { compilersFactory: NO_COMPILERS },
    // Requests already on their way when a drain begins are still served.
    return503OnClosing: false,
    frameworkErrors: (error, _request, reply) => sendProblem(reply, toProblem(error)),
  });
  app.decorateRequest('tenant', undefined);
  acceptJsonOnly(app);
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done(request.is404 ? new DomainError('NOT_FOUND', 'there is nothing at this path') : undefined);
  });
  app.addHook('onResponse', (request, reply, done) => {
    logRequest(log, request, reply);
    done();
  });
  app.setErrorHandler(async (error, request, reply) => {
    const problem = toProblem(error);
    logFault(log, request, problem, error);
    if (problem.status === 413) await discardBody(request.raw);
    return sendProblem(reply, problem);
  });

  addHealth(app, parts.table);
  for (const base of [`/v1/${name}`, `/${name}`]) {
    for (const one of operations) app.route(toRoute(parts, base, one));
    app.get(`${base}/openapi.json`, async () => {
      // Loaded when asked for: few ask, and every task would pay for it.
      const { describeService } = await import('./openapi.ts');
      return describeService(name, operations);
    });
    refuseOtherMethods(app, base, operations);
  }
  return app;
}

function toRoute(parts: ServiceParts, base: string, one: Operation): RouteOptions {
  const render = one.answer && createRenderer(one.answer);
  return {
    method: one.method,
    url: `${base}${one.path}`,
    onRequest: async (request) => {
      request.tenant = await identify(parts, request);
      if (one.role && request.tenant.role !== one.role) {
        throw new DomainError('FORBIDDEN', `only a ${one.role} may do this`);
      }
    },
    handler: async (request, reply) => {
      if (!request.tenant) throw new DomainError('INTERNAL', 'an operation must not run without a tenant');
      const [params, query, body] = parseParts([
        { part: 'path', schema: one.params, value: request.params },
        { part: 'query', schema: one.query, value: request.query },
        { part: 'body', schema: one.body, value: request.body },
      ]);
      const { tenant, headers } = request;
      const answer = await one.handle({
        tenant,
        params,
        query,
        body,
        ifMatch: headers['if-match'],
        ifNoneMatch: headers['if-none-match'],
        idempotencyKey: singleHeader(headers['idempotency-key']),
      });
      setHeaders(reply, parts.name, answer);
      if (one.method === 'GET' && isKnown(headers['if-none-match'], answer.etag)) return reply.code(304).send();
      reply.code(one.status);
      return render ? reply.type(JSON_MEDIA_TYPE).send(render(answer.body)) : reply.send();
    },
  };
}

/** Verifies the token and opens the door to its tenant's data, and to nothing else. */
async function identify({ authorize, config, table }: ServiceParts, request: FastifyRequest): Promise<TenantContext> {
  const authorization = request.headers.authorization;
  const token = await authorize(authorization);
  const claims = { served: config.tenant, header: singleHeader(request.headers['x-tierplane-tenant']) };
  return tenantContext(token, claims, { table, authorization: authorization ?? '', requestId: request.id });
}

function setHeaders(reply: FastifyReply, name: string, { etag, createdId }: Answer<unknown>): void {
  if (etag !== undefined) reply.header('etag', etag);
  // Relative, as only the front door knows what it put before our path (RFC 9110, 10.2.2).
  if (createdId !== undefined) reply.header('location', `${name}/${encodeURIComponent(createdId)}`);
}

function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
  if (problem.status === 503) reply.header('retry-after', '1');
  return reply.code(problem.status).type(PROBLEM_MEDIA_TYPE).send(JSON.stringify(problem));
}

/** No body at all is taken for none, whatever its declared type: clients name one on DELETE, too. */
function acceptJsonOnly(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const { headers } = request;
    if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) {
      delete headers['content-type'];
    }
    done();
  });
  app.removeAllContentTypeParsers();
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const text = textOf(body as Buffer);
    if (text === '') done(null, undefined);
    else if (text === undefined) done(NOT_UTF8, undefined);
    else parseJson(request, text, done);
  });
}

/** What is no UTF-8 would be kept as something else than was sent. */
const NOT_UTF8 = Object.assign(new Error('the body must be UTF-8'), { statusCode: 400 });
const utf8 = new TextDecoder('utf-8', { fatal: true });

function textOf(body: Buffer): string | undefined {
  try {
    return utf8.decode(body);
  } catch {
    return undefined;
  }
}

/**
 * Reads the rest of a body that is too long, and forgets it: an answer in the middle of it would end the connection under
 * the gateway's hands, and the client would be told of a failure instead. The gateway bounds length and time.
 */
async function discardBody(body: IncomingMessage): Promise<void> {
  if (body.complete || body.destroyed) return;
  await new Promise<void>((resolve) => {
    body.once('end', resolve).once('close', resolve).resume();
  });
}

function addHealth(app: FastifyInstance, table: Table): void {
  app.get('/healthz', () => ({ status: 'ok' }));
  app.get('/readyz', async () => {
    try {
      await table.get({ pk: 'ready', sk: 'ready' });
    } catch (cause) {
      throw new DomainError('UNAVAILABLE', 'the store must be readable, it is not', { cause });
    }
    return { status: 'ready' };
  });
}

function refuseOtherMethods(app: FastifyInstance, base: string, operations: readonly Operation[]): void {
  for (const path of new Set(operations.map((one) => one.path))) {
    const known: string[] = operations.filter((one) => one.path === path).map((one) => one.method);
    if (known.includes('GET')) known.push('HEAD');
    app.route({
      method: METHODS.filter((method) => !known.includes(method)),
      url: `${base}${path}`,
      onRequest: async (_request, reply) => {
        reply.header('allow', known.join(', '));
        throw new MethodNotAllowed(known.join(', '));
      },
      handler: () => undefined,
    });
  }
}

/** One line a request. The route's pattern, not its URL: that holds ids and emails. Good health is not worth a line. */
function logRequest(log: Log, request: FastifyRequest, reply: FastifyReply): void {
  const route = request.routeOptions.url ?? 'none';
  const status = reply.statusCode;
  if (route === '/healthz' && status === 200) return;
  log.info(
    {
      requestId: request.id,
      tenantId: request.tenant?.tenantId,
      tier: request.tenant?.tier,
      method: request.method,
      route,
      status,
      ms: Math.round(reply.elapsedTime * 100) / 100,
    },
    'request',
  );
}

/** What somebody has to look into: our own faults, and code that reached for another tenant's data. */
function logFault(log: Log, request: FastifyRequest, problem: Problem, error: unknown): void {
  const fields = { requestId: request.id, tenantId: request.tenant?.tenantId, route: request.routeOptions.url };
  if (isDomainError(error, 'ACCESS_DENIED')) log.error(fields, 'code asked for data of another tenant');
  else if (problem.status >= 500) log.error({ ...fields, err: error }, 'request failed');
}

/** Node joins repetitions of these headers by commas, so that a doubled one equals no valid value. */
function singleHeader(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value;
}
