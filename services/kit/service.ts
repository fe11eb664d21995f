import type { IncomingMessage } from 'node:http';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify, type RouteOptions } from 'fastify';
import { DomainError, isDomainError } from '../../core/errors.ts';
import { hasValidHost } from '../../core/http/host-header.ts';
import { decodeUtf8, parseJson } from '../../core/http/json-body.ts';
import { type AnyResponse, DEFAULT_MAX_BODY_BYTES, type Declaration } from '../../core/http/operation.ts';
import { parseParts } from '../../core/http/parse.ts';
import { clientRequestId } from '../../core/http/request-id.ts';
import type { Authorize, VerifiedToken } from '../../core/identity/authorize.ts';
import type { CallerLookup } from '../../core/identity/caller-lookup.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import type { Table } from '../../core/ports/table.ts';
import { isKeyPart } from '../../core/ports/table-rules.ts';
import type { ServiceDirectory } from './directory.ts';
import { isKnown } from './etag.ts';
import type { ServiceOperation } from './operation.ts';
import { MethodNotAllowed, PROBLEM_MEDIA_TYPE, type Problem, toProblem } from './problem.ts';
import { createRenderer } from './render.ts';
import { logError, logRequest } from './request-log.ts';
import { createRights, type Rights, requireAccess } from './rights.ts';
import { type Caller, callerOf, tenantContext } from './tenant-context.ts';

/** What a service is made of; the entry point or a test passes it in. */
export interface ServiceParts {
  /** Folder under services/, and the first segment of the service's URLs. */
  readonly name: string;
  readonly config: ServiceConfig;
  /**
   * The store of the token's tenant. It may hold the data of other tenants too: an operation only gets the handle that is
   * scoped to the tenant of its request. Throws FORBIDDEN for a token that this task must not serve.
   */
  readonly tableOf: (token: VerifiedToken) => Table;
  /** Throws if the task cannot serve requests now. It reads no tenant's data. */
  readonly checkReady: () => Promise<void>;
  readonly authorize: Authorize;
  readonly callers: CallerLookup;
  readonly log: Log;
  readonly clock: Clock;
  /** Creates an id that sorts by time. */
  readonly ids: () => string;
  readonly directory: ServiceDirectory;
  /** Called with each response of an operation. Tests compare it with the operation's declaration. */
  readonly onResponse?: (operation: Declaration, response: AnyResponse) => void;
}

export interface ServiceConfig {
  /** The only tenant that this task serves; '' for a pooled task. */
  readonly tenant: string;
  /** Base URL of identity's realms: the public URL. '' if the service reaches identity in another way. */
  readonly identityUrl: string;
}

/** Longest path parameter, decoded. Ids and user names are shorter. */
const MAX_PARAM_LENGTH = 320;
/** For a whole request to arrive. */
const REQUEST_TIMEOUT_MS = 60_000;
const JSON_MEDIA_TYPE = 'application/json; charset=utf-8';
/** The methods that HTTP defines. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'QUERY'] as const;

/** Operations are checked by their zod schemas, so Fastify must not load its own compilers. */
const NO_COMPILERS = { buildValidator: refuseSchema, buildSerializer: refuseSchema };

function refuseSchema(): never {
  throw new DomainError('INTERNAL', 'a route must not have a Fastify schema: operations have zod schemas');
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Present once the token of a request for an operation is verified. */
    caller: Caller | undefined;
    token: VerifiedToken | undefined;
    rights: Rights | undefined;
  }
  interface FastifyContextConfig {
    operation?: ServiceOperation;
  }
}

/**
 * A service that does not listen yet: its operations under `/v1/<name>` and `/<name>`, each only for verified users of a
 * tenant, with health checks, OpenAPI, problem details and one log line per request.
 */
export function buildService(parts: ServiceParts, operations: readonly ServiceOperation[]): FastifyInstance {
  const { name, log, ids } = parts;
  const app = fastify({
    logger: false,
    // A request without a body is complete with its head; acceptJsonOnly keeps Fastify from waiting for its end.
    http: { optimizeEmptyRequests: true },
    bodyLimit: DEFAULT_MAX_BODY_BYTES,
    // Also ends a request whose body does not arrive.
    requestTimeout: REQUEST_TIMEOUT_MS,
    requestIdHeader: false,
    genReqId: (request: IncomingMessage) => clientRequestId(request.headers['x-request-id']) ?? ids(),
    // A path with a slash at its end is the same resource.
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH, ignoreTrailingSlash: true },
    schemaController: { compilersFactory: NO_COMPILERS },
    // Requests that are on their way when a drain begins are still served.
    return503OnClosing: false,
    frameworkErrors: (error, _request, reply) => sendProblem(reply, toProblem(error)),
  });
  app.decorateRequest('caller', undefined);
  app.decorateRequest('token', undefined);
  app.decorateRequest('rights', undefined);
  acceptJsonOnly(app);
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done(refusalOf(request));
  });
  if (parts.onResponse) observeResponses(app, parts.onResponse);
  app.addHook('onResponse', (request, reply, done) => {
    logRequest(log, request, reply);
    done();
  });
  app.setErrorHandler(async (error, request, reply) => {
    const problem = toProblem(error, request.routeOptions.bodyLimit);
    logError(log, request, problem, error);
    if (isDomainError(error) && error.retryAfter !== undefined) reply.header('retry-after', String(error.retryAfter));
    if (problem.status === 413) await discardBody(request.raw);
    return sendProblem(reply, problem);
  });

  addHealth(app, parts);
  for (const base of [`/v1/${name}`, `/${name}`]) {
    for (const one of operations) app.route(toRoute(parts, base, one));
    app.get(`${base}/openapi.json`, async () => {
      // Loaded on demand, as it takes memory and few requests need it.
      const { describeService } = await import('./description.ts');
      return describeService(name, operations);
    });
    refuseOtherMethods(app, base, operations);
  }
  return app;
}

/** The reason to refuse a request before its operation is known. */
function refusalOf(request: FastifyRequest): DomainError | undefined {
  if (!hasValidHost(request.raw.rawHeaders)) return new DomainError('INVALID', 'the request must have one valid Host');
  return request.is404 ? new DomainError('NOT_FOUND', 'nothing exists at this path') : undefined;
}

/** Authenticates the caller before the body is read, so that strangers cost little, and authorizes after it. */
function toRoute(parts: ServiceParts, base: string, one: ServiceOperation): RouteOptions {
  const respond = createResponder(one);
  return {
    method: one.method,
    url: `${base}${one.path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
    config: { operation: one },
    bodyLimit: one.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES,
    onRequest: async (request) => {
      const { caller, token } = await identify(parts, request);
      request.caller = caller;
      request.token = token;
      request.rights = rightsOf(parts, one, { ...caller, claimedRole: token.role }, request);
    },
    handler: async (request, reply) => {
      const { headers, caller, token, rights } = request;
      if (!caller || !token || !rights) throw new DomainError('INTERNAL', 'an operation must not run without a caller');
      // A body may have taken long to arrive. The token may have expired since.
      if (request.body !== undefined) await identify(parts, request);
      const tenant = await tenantContext(caller, rights, parts.tableOf(token));
      const [query, body] = parseParts([
        { part: 'query', schema: one.query, value: request.query },
        { part: 'body', schema: one.body, value: request.body },
      ]);
      const params = requireKeys(request.params as Record<string, string>);
      // Node joins repetitions of the headers that operations read by commas, so every value is a string.
      const given = headers as Record<string, string | undefined>;
      return respond(await one.handle({ tenant, params, query, headers: given, body }, undefined), request, reply);
    },
  };
}

type Responder = (response: AnyResponse, request: FastifyRequest, reply: FastifyReply) => FastifyReply;

/** Sends what an operation's handler returns, by the schema that it declares for the status. */
function createResponder({ method, responses }: ServiceOperation): Responder {
  const renderers = new Map(
    Object.entries(responses).flatMap(([status, { body }]) => (body ? [[Number(status), createRenderer(body)]] : [])),
  );
  return ({ status, headers, body }, request, reply) => {
    if (headers) reply.headers(headers);
    if (method === 'GET' && isKnown(request.headers['if-none-match'], headers?.etag)) return reply.code(304).send();
    reply.code(status);
    const render = renderers.get(status);
    return render ? reply.type(JSON_MEDIA_TYPE).send(render(body)) : reply.send();
  };
}

/** Throws NOT_FOUND for a parameter that cannot be part of a key, such as an empty one: no item has such an id. */
function requireKeys(params: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  if (Object.values(params).every(isKeyPart)) return params;
  throw new DomainError('NOT_FOUND', 'nothing exists at this path');
}

/** Verifies the token. */
async function identify(
  { authorize, config }: ServiceParts,
  request: FastifyRequest,
): Promise<{ readonly caller: Caller; readonly token: VerifiedToken }> {
  const authorization = request.headers.authorization;
  const token = await authorize(authorization);
  const claims = { served: config.tenant, header: singleHeader(request.headers['x-tierplane-tenant']) };
  const caller = callerOf(token, claims, { authorization: authorization ?? '', requestId: request.id });
  return { caller, token };
}

/**
 * The gateway sends the caller's role in the registry. It counts if the token has the same role; otherwise the registry is
 * asked, so that nobody gains a role by a header.
 * Throws FORBIDDEN if the role is known and may not call the operation.
 */
function rightsOf(
  { callers, clock }: ServiceParts,
  { access }: ServiceOperation,
  { claimedRole, ...caller }: Caller & { readonly claimedRole: string | undefined },
  request: FastifyRequest,
): Rights {
  const sent = singleHeader(request.headers['x-tierplane-role']);
  const role = sent === claimedRole ? sent : undefined;
  if (role !== undefined) requireAccess(access, role);
  const lookup = () => callers(caller);
  return createRights({ access, tenantId: caller.tenantId, role, lookup, clock });
}

function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
  if (problem.status === 503) reply.header('retry-after', '1');
  return reply.code(problem.status).type(PROBLEM_MEDIA_TYPE).send(JSON.stringify(problem));
}

/** Ignores the content type of a request without a body, as some clients send one with DELETE. */
function acceptJsonOnly(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const { headers } = request;
    if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) {
      delete headers['content-type'];
    }
    done();
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, readJson(body as Buffer));
    } catch (error) {
      done(error as Error, undefined);
    }
  });
}

/** Throws MALFORMED, or INVALID for unsafe values. */
function readJson(body: Buffer): unknown {
  const text = decodeUtf8(body);
  const json = text === undefined ? undefined : parseJson(text);
  if (!json) throw MALFORMED;
  return json.value;
}

const MALFORMED = Object.assign(new Error('the body must be JSON in UTF-8'), { statusCode: 400 });

/**
 * Reads a body that is too large to its end. A response before that would break the connection that the gateway is still
 * sending on, and the client would get an error of the gateway instead. The gateway limits length and time.
 */
async function discardBody(body: IncomingMessage): Promise<void> {
  if (body.complete || body.destroyed) return;
  await new Promise<void>((resolve) => {
    body.once('end', resolve).once('close', resolve).resume();
  });
}

/** Passes each response of an operation, with its body as sent, to `observe`. */
function observeResponses(app: FastifyInstance, observe: NonNullable<ServiceParts['onResponse']>): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    const { operation } = request.routeOptions.config;
    const headers = Object.fromEntries(
      Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]),
    );
    const body = typeof payload === 'string' && payload !== '' ? JSON.parse(payload) : undefined;
    if (operation) observe(operation, { status: reply.statusCode, headers, body });
    done(null, payload);
  });
}

function addHealth(app: FastifyInstance, { checkReady }: ServiceParts): void {
  app.get('/healthz', () => ({ status: 'ok' }));
  app.get('/readyz', async () => {
    try {
      await checkReady();
    } catch (cause) {
      throw new DomainError('UNAVAILABLE', 'the task is not ready', { cause });
    }
    return { status: 'ready' };
  });
}

function refuseOtherMethods(app: FastifyInstance, base: string, operations: readonly ServiceOperation[]): void {
  for (const path of new Set(operations.map((one) => one.path))) {
    const known: string[] = operations.filter((one) => one.path === path).map((one) => one.method);
    if (known.includes('GET')) known.push('HEAD');
    app.route({
      method: METHODS.filter((method) => !known.includes(method)),
      url: `${base}${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
      onRequest: async (_request, reply) => {
        reply.header('allow', known.join(', '));
        throw new MethodNotAllowed(known.join(', '));
      },
      handler: () => undefined,
    });
  }
}

/** Node joins repetitions of these headers by commas, so that a doubled one equals no valid value. */
function singleHeader(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value;
}
