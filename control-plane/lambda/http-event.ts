import { isUtf8 } from 'node:buffer';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { ApiRequest, ApiResponse } from '../api/http/http.ts';

/**
 * A request as API Gateway's HTTP API hands it to a function, payload format 2.0.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function toRequest(event: APIGatewayProxyEventV2): ApiRequest {
  const { body, isBase64Encoded } = event;
  return {
    method: event.requestContext.http.method,
    path: pathOf(event),
    query: Object.fromEntries(new URLSearchParams(event.rawQueryString)),
    // The address API Gateway saw: what the client itself sent may say anything.
    headers: { ...event.headers, 'x-forwarded-for': event.requestContext.http.sourceIp },
    body: body !== undefined && isBase64Encoded ? Buffer.from(body, 'base64').toString() : body,
  };
}

/**
 * Without the stage, which a named one puts before it. `rawPath` is decoded but for `%25`, so that decoding the rest, as
 * dispatch does, gives what the client meant; a `%` that stands alone means itself.
 */
function pathOf({ rawPath, requestContext: { stage } }: APIGatewayProxyEventV2): string {
  const prefix = `/${stage}`;
  const path = rawPath === prefix || rawPath.startsWith(`${prefix}/`) ? rawPath.slice(prefix.length) : rawPath;
  return path.replaceAll(/%(?![0-9A-Fa-f]{2})/g, '%25') || '/';
}

/**
 * Whether what the client sent as a body was text. Of a textual type API Gateway hands over text in any case, with
 * U+FFFD for what was none; the number of bytes then tells, unless only characters of four bytes lack their last one.
 */
export function isText({ body = '', isBase64Encoded, headers }: APIGatewayProxyEventV2): boolean {
  if (isBase64Encoded) return isUtf8(Buffer.from(body, 'base64'));
  const sent = headers['content-length'];
  return sent === undefined || !body.includes('\uFFFD') || Buffer.byteLength(body) === Number(sent);
}

/** As bytes of UTF-8. */
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
      // A login page reads it from its tenant's own origin.
      ...(/^\/tenant-config(\/|$)/.test(path) && { 'access-control-allow-origin': '*' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  };
}
