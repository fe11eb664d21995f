import { isUtf8 } from 'node:buffer';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { ApiRequest, ApiResponse } from '../api/http/http.ts';

/**
 * Converts an event of API Gateway's HTTP API (payload format 2.0) into a request.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function toRequest(event: APIGatewayProxyEventV2): ApiRequest {
  const { body, isBase64Encoded } = event;
  return {
    method: event.requestContext.http.method,
    path: pathOf(event),
    query: Object.fromEntries(new URLSearchParams(event.rawQueryString)),
    // API Gateway's own observation of the address. The header that the client sent cannot be trusted.
    headers: { ...event.headers, 'x-forwarded-for': event.requestContext.http.sourceIp },
    body: body !== undefined && isBase64Encoded ? Buffer.from(body, 'base64').toString() : body,
  };
}

/**
 * The path without the prefix that a named stage adds. API Gateway decodes everything in `rawPath` except `%25`, and dispatch
 * decodes the path again. A `%` that starts no escape sequence is therefore encoded here.
 */
function pathOf({ rawPath, requestContext: { stage } }: APIGatewayProxyEventV2): string {
  const prefix = `/${stage}`;
  const path = rawPath === prefix || rawPath.startsWith(`${prefix}/`) ? rawPath.slice(prefix.length) : rawPath;
  return path.replaceAll(/%(?![0-9A-Fa-f]{2})/g, '%25') || '/';
}

/**
 * Whether the client sent a body in valid UTF-8. For textual content types API Gateway replaces invalid bytes by U+FFFD, so
 * a length that differs from `content-length` shows the replacement. A four-byte character without its last byte goes
 * unnoticed, because U+FFFD is three bytes long.
 */
export function isText({ body = '', isBase64Encoded, headers }: APIGatewayProxyEventV2): boolean {
  if (isBase64Encoded) return isUtf8(Buffer.from(body, 'base64'));
  const sent = headers['content-length'];
  return sent === undefined || !body.includes('\uFFFD') || Buffer.byteLength(body) === Number(sent);
}

/** The length of the body in bytes of UTF-8. */
export function bodyBytes({ body }: ApiRequest): number {
  return Buffer.byteLength(body ?? '');
}

export function toResult(
  { status, headers = {}, body }: ApiResponse,
  { requestId, path }: { readonly requestId: string; readonly path: string },
): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode: status,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-request-id': requestId,
      // Sign-in pages request it from the tenant's origin.
      ...(/^\/tenant-config(\/|$)/.test(path) && { 'access-control-allow-origin': '*' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  };
}
