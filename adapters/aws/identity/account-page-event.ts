import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { DomainError } from '../../../core/errors.ts';
import { issuerOf, parseRealm } from '../../../core/identity/issuers.ts';
import type { UsersResponse } from '../../../core/identity/users-api/users-response.ts';
import type { RealmId, RealmSpec } from '../../../core/ports/identity.ts';
import { contentSecurityPolicy } from '../../../web/pages/policy.ts';
import { STYLE } from '../../../web/pages/style.ts';
import type { PageRequest, PageResponse } from '../../shared/identity/page-request.ts';

/** In bytes. */
const MAX_FORM_BYTES = 16 * 1024;
const PATH = /^\/realms\/([a-z0-9-]+)(\/[a-z/-]+)$/;

/** A path below a realm. */
export interface RealmPage {
  readonly realm: RealmId;
  readonly path: string;
}

/** Which page of which realm an event asks for. Undefined if its path is not one of a realm's. */
export function pageOf({ rawPath, requestContext: { stage } }: APIGatewayProxyEventV2): RealmPage | undefined {
  const prefix = `/${stage}`;
  const [, raw = '', path = ''] =
    PATH.exec(rawPath.startsWith(`${prefix}/`) ? rawPath.slice(prefix.length) : rawPath) ?? [];
  const realm = parseRealm(raw);
  return realm && { realm, path };
}

/** @param publicUrl where the realms are reached, without a slash at the end */
export function pageRequest(event: APIGatewayProxyEventV2, realm: RealmSpec, publicUrl: string): PageRequest {
  const { http, requestId } = event.requestContext;
  const { origin, 'content-type': type = '' } = event.headers;
  return {
    method: http.method,
    realm,
    mount: new URL(issuerOf(publicUrl, realm.id)).pathname,
    query: new URLSearchParams(event.rawQueryString),
    async form() {
      if (!/^application\/x-www-form-urlencoded\b/i.test(type)) {
        throw new DomainError('INVALID', 'content-type must be application/x-www-form-urlencoded');
      }
      const body = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
      if (body.length <= MAX_FORM_BYTES) return new URLSearchParams(body.toString());
      throw new DomainError('TOO_LARGE', `a form must have at most ${MAX_FORM_BYTES} bytes`);
    },
    isForeign: origin !== undefined && origin !== new URL(publicUrl).origin,
    // API Gateway's own observation. The header of the client cannot be trusted.
    client: http.sourceIp,
    requestId,
  };
}

/** A response of the API of users' own accounts. */
export function apiResult(
  { status, headers, body }: UsersResponse,
  requestId: string,
): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode: status,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...{ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'x-request-id': requestId },
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  };
}

export function pageResult(
  { status, html, headers }: PageResponse,
  requestId: string,
): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode: status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': contentSecurityPolicy({ styles: [STYLE] }),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      // With no-referrer, browsers would send `Origin: null` with our own forms.
      'referrer-policy': 'same-origin',
      'cache-control': 'no-store',
      'x-request-id': requestId,
      ...headers,
    },
    body: html,
  };
}
