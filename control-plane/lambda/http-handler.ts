import { AsyncLocalStorage } from 'node:async_hooks';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import type { ControlPlane } from '../api/dispatch.ts';
import {
  type ApiRequest,
  type ApiResponse,
  type AuthorizePrincipal,
  BODY_NOT_UTF8,
  BODY_TOO_LARGE,
  MAX_BODY_BYTES,
  type Principal,
} from '../api/http/http.ts';
import { bodyBytes, isText, toRequest, toResult } from './http-event.ts';

export interface HttpHandlerOptions {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: Log;
  /** The caller of a request, from the context that API Gateway's authorizer adds. */
  readonly principalOf: (event: APIGatewayProxyEventV2) => Promise<Principal>;
  /** The API over these callers. */
  readonly open: (authorize: AuthorizePrincipal) => ControlPlane;
  /** Resolves when the response may be sent. @param started of the monotonic clock. @default - at once */
  readonly completed?: (request: ApiRequest, response: ApiResponse, started: number) => Promise<unknown>;
}

/**
 * A function that serves operations behind API Gateway's HTTP API. Handles one request and writes one log line, which contains
 * no token, no body and no personal name.
 */
export function createHttpHandler({ clock, log, principalOf, open, completed }: HttpHandlerOptions) {
  /** The event of the current invocation. */
  const invocation = new AsyncLocalStorage<APIGatewayProxyEventV2>();
  const api = open(async () => {
    const event = invocation.getStore();
    if (!event) throw new Error('a caller exists only within an invocation');
    return await principalOf(event);
  });

  return (event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> =>
    invocation.run(event, async () => {
      const started = clock.monotonic();
      const request = toRequest(event);
      const response = refusedBody(event, request) ?? (await api.respond(request));
      await completed?.(request, response, started);
      const { requestId } = event.requestContext;
      const ms = Math.round(clock.monotonic() - started);
      log.info({ requestId, route: event.routeKey, status: response.status, ms }, 'request');
      return toResult(response, { requestId, path: request.path });
    });
}

/** The response to a body that no route accepts, or undefined. */
function refusedBody(event: APIGatewayProxyEventV2, request: ApiRequest): ApiResponse | undefined {
  if (bodyBytes(request) > MAX_BODY_BYTES) return BODY_TOO_LARGE;
  return isText(event) ? undefined : BODY_NOT_UTF8;
}
