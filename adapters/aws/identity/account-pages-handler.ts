import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { defined } from '../../../core/defined.ts';
import { DomainError, isDomainError } from '../../../core/errors.ts';
import { ownAccountTarget } from '../../../core/identity/users-api/own-account.ts';
import type { UsersEvent } from '../../../core/identity/users-api/users-endpoint.ts';
import type { UsersResponse } from '../../../core/identity/users-api/users-response.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { Identity, RealmId } from '../../../core/ports/identity.ts';
import type { Log } from '../../../core/ports/log.ts';
import { pause } from '../../../core/time/wait.ts';
import { pageOfError } from '../../shared/identity/page-error.ts';
import type { PageResponse } from '../../shared/identity/page-request.ts';
import { apiResult, pageOf, pageRequest, pageResult, type RealmPage } from './account-page-event.ts';
import type { AccountPages } from './account-pages.ts';

/**
 * How long a request for a link takes, in ms: longer than a look-up and a mail usually do. Lambda sends a response only when
 * all work is done, so the mail cannot follow it.
 */
const LINK_MS = 1_500;

export interface AccountPagesHandlerOptions {
  readonly pages: AccountPages;
  /** Serves `/me/password` and `/me/sessions` by access token (core/identity/users-api). */
  readonly api: (event: UsersEvent) => Promise<UsersResponse>;
  readonly identity: Pick<Identity, 'realm'>;
  /** Whether the function serves this realm. */
  readonly serves: (realm: RealmId) => boolean;
  /** Where the realms are reached, without a slash at the end. */
  readonly publicUrl: string;
  /** The page where users sign in. */
  readonly signInUrl: string;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * A function that serves the account pages behind API Gateway's HTTP API. Writes one log line per request, which contains no
 * token, no password and no personal name.
 */
export function createAccountPagesHandler(options: AccountPagesHandlerOptions) {
  const { clock, log } = options;
  return async (event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> => {
    const started = clock.monotonic();
    const { requestId } = event.requestContext;
    const page = pageOf(event);
    if (page && options.serves(page.realm) && ownAccountTarget(page.path)) {
      return apiResult(await callApi(options, event, page), requestId);
    }
    const response = await respond(options, event).catch((error: unknown): PageResponse => {
      const page = pageOfError(error, { homeHref: options.signInUrl });
      if (page.status === 500) log.error({ requestId, err: error }, 'the page failed');
      return { ...page, ...(isDomainError(error, 'UNAVAILABLE') && { headers: { 'retry-after': '5' } }) };
    });
    if (response.afterwards) {
      await Promise.all([response.afterwards(), pause(clock, LINK_MS - (clock.monotonic() - started))]);
    }
    const ms = Math.round(clock.monotonic() - started);
    log.info({ requestId, route: event.routeKey, status: response.status, ms }, 'request');
    return pageResult(response, requestId);
  };
}

/** Logs as the pages do. An error that no caller caused is a 500 without its message. */
async function callApi(
  { api, clock, log }: AccountPagesHandlerOptions,
  { routeKey, headers, body, isBase64Encoded, requestContext }: APIGatewayProxyEventV2,
  { realm, path }: RealmPage,
): Promise<UsersResponse> {
  const started = clock.monotonic();
  const { requestId, http } = requestContext;
  const { authorization } = headers;
  const text = body !== undefined && isBase64Encoded ? Buffer.from(body, 'base64').toString() : body;
  const call = { realm, method: http.method, path, ...defined({ authorization, body: text }) };
  const response = await api(call).catch((error: unknown): UsersResponse => {
    log.error({ requestId, err: error }, 'request failed');
    return { status: 500, headers: {}, body: { message: 'internal error' } };
  });
  const ms = Math.round(clock.monotonic() - started);
  log.info({ requestId, route: routeKey, status: response.status, ms }, 'request');
  return response;
}

async function respond(
  { pages, identity, serves, publicUrl }: AccountPagesHandlerOptions,
  event: APIGatewayProxyEventV2,
): Promise<PageResponse> {
  const page = pageOf(event);
  const realm = page && serves(page.realm) ? await identity.realm(page.realm) : undefined;
  if (!page || !realm) throw new DomainError('NOT_FOUND', 'page not found');
  return pages(page.path, pageRequest(event, realm, publicUrl));
}
