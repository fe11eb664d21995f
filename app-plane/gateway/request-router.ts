import { DomainError } from '../../core/errors.ts';
import type { Log } from '../../core/ports/log.ts';
import { type Admission, type Admitted, type Refused, type Served, UNMETERED, type Unmetered } from './admission.ts';
import { type BodyOptions, contentLength, hasBody, openBody } from './body.ts';
import type { Cors } from './cors.ts';
import type { Exchange } from './exchange.ts';
import { FAILURE_RESPONSES } from './failure-responses.ts';
import { forward, type Hop } from './forward.ts';
import { addServiceHeaders, requestHeaders } from './headers.ts';
import type { PlatformRoute } from './platform-route.ts';
import { dataUnavailable, type GatewayResponse, RESPONSES } from './responses.ts';
import { ROUTES } from './routes.ts';
import { serviceResponseHeaders } from './service-response-headers.ts';
import { parseTarget, type Target } from './target.ts';
import { leastBusy, type TaskDirectory } from './task-directory.ts';
import type { Upstream } from './upstream/upstream.ts';

export interface RequestRouterOptions {
  readonly admission: Admission;
  readonly tasks: TaskDirectory;
  readonly platform: PlatformRoute;
  /** The application's microservices. */
  readonly services: readonly string[];
  /** What clients see. */
  readonly publicUrl: () => URL;
  /** Longest request body, in bytes. */
  readonly maxBodyBytes: number;
  /** Most requests at one task. */
  readonly maxActive: number;
  readonly isDraining: () => boolean;
  /** @default - pages of other origins cannot call the tenants' API */
  readonly cors?: Cors | undefined;
  readonly log: Log;
}

/** Requests with these methods change nothing, so that the admission of their head suffices. */
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

function isSafe({ method = '' }: { readonly method?: string | undefined }): boolean {
  return SAFE_METHODS.has(method);
}

/** What stays the same for all attempts to forward a request. */
type Destination = Pick<Hop, 'path' | 'headers' | 'body' | 'pick' | 'responseHeaders'>;

type ApiTarget = Extract<Target, { readonly kind: 'api' }>;

/** The tasks of the service that may serve a request, and its body. */
interface ServiceHop {
  readonly candidates: readonly Upstream[];
  readonly body?: Hop['body'];
}

/** Sends each request to a tenant's service or to the platform, or responds to it. */
export class RequestRouter {
  readonly #options: RequestRouterOptions;

  constructor(options: RequestRouterOptions) {
    this.#options = options;
  }

  async route(exchange: Exchange): Promise<void> {
    const target = parseTarget(exchange.request.url ?? '');
    if (target.kind === 'api' && this.#options.services.includes(target.service)) exchange.service = target.service;
    if (target.kind === 'platform' && this.#options.platform.isTooLarge(exchange.request)) {
      exchange.respond(RESPONSES.tooLarge);
      return;
    }
    const preflight = target.kind === 'api' ? this.#applyCors(exchange) : undefined;
    if (preflight) return exchange.respond(preflight);
    const admission = await this.#admit(exchange, target);
    exchange.route = admission.route;
    if (!admission.admitted) return exchange.respond(admission.response);
    if (exchange.response.destroyed) return admission.leave();
    exchange.onClosed(admission.leave);
    switch (target.kind) {
      case 'api':
        return admission.route === undefined
          ? exchange.respond(RESPONSES.unavailable)
          : this.#toService(exchange, admission, target);
      case 'platform':
        return this.#options.platform.send(exchange, target.path, admission.isSignedIn);
      case 'healthz':
        return exchange.respond(RESPONSES.healthy);
      case 'readyz':
        return exchange.respond(await this.#readiness());
      case 'too-long':
        return exchange.respond(RESPONSES.uriTooLong);
      case 'malformed':
        return exchange.respond(RESPONSES.badRequest);
    }
  }

  /** Adds the headers for pages of other origins. @returns the response to a preflight request of an allowed origin */
  #applyCors(exchange: Exchange): GatewayResponse | undefined {
    const { cors } = this.#options;
    if (!cors) return undefined;
    exchange.corsHeaders = cors.headersFor(exchange.request);
    return cors.preflight(exchange.request);
  }

  /** Admits a request by the limit of its route. */
  #admit({ request, requestId }: Exchange, target: Target): Promise<Admitted | Unmetered | Refused> | Unmetered {
    const { admission } = this.#options;
    const { authorization } = request.headers;
    switch (ROUTES[target.kind]) {
      case 'usage-plan': {
        const service = target.kind === 'api' ? target.service : '';
        return admission.toService({ authorization, requestId, service, contentLength: contentLength(request) });
      }
      case 'usage-plan-of-token':
        return admission.toPlatform({ authorization, requestId });
      case 'constant-work':
        return UNMETERED;
    }
  }

  #toService(exchange: Exchange, admitted: Served, target: ApiTarget): void | Promise<void> {
    const { request } = exchange;
    const candidates = this.#options.tasks.tasksOf(admitted.route, target.service);
    if (candidates.length === 0) return exchange.respond(this.#withoutTasks(admitted.route, target.service));
    // Without a promise, because most requests are like this and nothing has changed since they were admitted.
    if (isSafe(request) && !hasBody(request)) return this.#send(exchange, admitted, target, { candidates });
    return this.#confirmAndSend(exchange, admitted, target);
  }

  /** Sends a request that takes long to arrive, or that changes something: its caller is checked again. */
  async #confirmAndSend(exchange: Exchange, admitted: Served, target: ApiTarget): Promise<void> {
    const { request } = exchange;
    const body = hasBody(request) ? await this.#open(exchange, () => this.#requireSame(exchange, admitted)) : undefined;
    // A streamed body is confirmed at its end.
    const isConfirmed = isSafe(request) || (body !== undefined && !Buffer.isBuffer(body));
    const caller = isConfirmed ? admitted : await this.#confirm(exchange);
    if (!caller) return;
    const candidates = this.#options.tasks.tasksOf(caller.route, target.service);
    this.#send(exchange, caller, target, { candidates, body });
  }

  #send(exchange: Exchange, caller: Served, { service, path }: ApiTarget, { candidates, body }: ServiceHop): void {
    const { maxActive, publicUrl } = this.#options;
    const headers = requestHeaders(exchange.request, 'service');
    addServiceHeaders(headers, exchange, caller);
    const pick: Hop['pick'] = (tried) => leastBusy(candidates, maxActive, tried);
    const address = { service, path, publicUrl };
    const responseHeaders: Hop['responseHeaders'] = (all) => serviceResponseHeaders(all, address);
    this.#forward(exchange, { path, headers, body, pick, responseHeaders });
  }

  /** Why no task of a service serves the tenant. */
  #withoutTasks(route: Served['route'], service: string): GatewayResponse {
    return this.#options.tasks.failureOf(route, service) === 'data' ? dataUnavailable(service) : RESPONSES.unavailable;
  }

  /**
   * Checks the caller of an admitted request again, as much may have changed since the head of the request arrived.
   * @returns undefined if the caller may not be served any more; then the exchange has its response
   */
  async #confirm(exchange: Exchange): Promise<Served | undefined> {
    const caller = await this.#options.admission.confirm(exchange.request.headers.authorization);
    if (!('response' in caller)) return caller;
    exchange.respond(caller.response);
    return undefined;
  }

  /** Throws if the caller may not be served any more, or has another role or tenant than the service has received. */
  async #requireSame(exchange: Exchange, { route, role }: Served): Promise<void> {
    const caller = await this.#confirm(exchange).catch((error: unknown) => {
      exchange.respond(RESPONSES.internalError);
      throw error;
    });
    if (caller?.role === role && caller.route.tenantId === route.tenantId) return;
    exchange.respond(RESPONSES.forbidden);
    throw new DomainError('FORBIDDEN', 'the rights of the caller have changed');
  }

  /** Opens a body. Never resolves if the client disconnects before a short body is complete. */
  #open(exchange: Exchange, beforeEnd: BodyOptions['beforeEnd']): Promise<NonNullable<Hop['body']>> {
    exchange.acceptBody();
    return openBody(exchange.request, { limit: this.#options.maxBodyBytes, beforeEnd });
  }

  #forward(exchange: Exchange, hop: Destination): void {
    if (exchange.response.destroyed) return;
    const length = contentLength(exchange.request);
    const fail: Hop['fail'] = (failure) => exchange.respond(FAILURE_RESPONSES[failure]);
    forward(exchange, { ...hop, length, fail }, this.#options.log);
  }

  async #readiness(): Promise<GatewayResponse> {
    const { tasks, services } = this.#options;
    const platform = await this.#options.platform.isReady();
    const pool = tasks.hasPooled(services);
    const draining = this.#options.isDraining();
    const ready = platform && pool && !draining;
    const failed = tasks.failedPooled(services);
    return {
      status: ready ? 200 : 503,
      contentType: 'application/json',
      headers: ready ? [] : ['retry-after', '1'],
      body: JSON.stringify({ status: ready ? 'ready' : 'not ready', platform, pool, failed, draining }),
    };
  }
}
