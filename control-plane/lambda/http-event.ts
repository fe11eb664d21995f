import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { ApiRequest, ApiResponse } from '../api/http.ts';

/** A request as API Gateway's HTTP API hands it to a function, payload format 2.0. */
export function toRequest(event: APIGatewayProxyEventV2): ApiRequest {
  const { body, isBase64Encoded } = event;
  return {
    method: event.requestContext.http.method,
    path: event.rawPath,
    query: Object.fromEntries(new URLSearchParams(event.rawQueryString)),
    // The address API Gateway saw: what the client itself sent may say anything.
    headers: { ...event.headers, 'x-forwarded-for': event.requestContext.http.sourceIp },
    body: body !== undefined && isBase64Encoded ? Buffer.from(body, 'base64').toString() : body,
  };
}

export function toResult(
  { status, headers = {}, body }: ApiResponse,
  requestId: string,
): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode: status,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-request-id': requestId,
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  };
}
