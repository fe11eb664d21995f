import type { ServerResponse } from 'node:http';

/** A response that the gateway makes itself. */
export interface GatewayResponse {
  readonly status: number;
  readonly body: string;
  readonly contentType: string;
  /** `name, value, name, value ...` */
  readonly headers: readonly string[];
}

function json(status: number, message: string, ...headers: string[]): GatewayResponse {
  return { status, body: JSON.stringify({ message }), contentType: 'application/json', headers };
}

/** Bodies equal those of Amazon API Gateway where it has a response for the case. */
export const RESPONSES = {
  badRequest: json(400, 'Bad Request'),
  unauthorized: json(401, 'Unauthorized', 'www-authenticate', 'Bearer'),
  forbidden: json(403, 'Forbidden'),
  suspended: json(403, 'The tenant is suspended'),
  notFound: json(404, 'Not Found'),
  requestTimeout: json(408, 'Request Timeout'),
  tooLarge: json(413, 'Request Too Long'),
  uriTooLong: json(414, 'URI Too Long'),
  expectationFailed: json(417, 'Expectation Failed'),
  upgradeRefused: json(400, 'Protocol upgrades are not supported'),
  headersTooLarge: json(431, 'Request Header Fields Too Large'),
  tooManyRequests: json(429, 'Too Many Requests'),
  limitExceeded: json(429, 'Limit Exceeded'),
  internalError: json(500, 'Internal Server Error'),
  badGateway: json(502, 'Bad Gateway'),
  unavailable: json(503, 'Service Unavailable', 'retry-after', '1'),
  gatewayTimeout: json(504, 'Endpoint request timed out'),
  healthy: { status: 200, body: '{"status":"ok"}', contentType: 'application/json', headers: [] },
} as const satisfies Record<string, GatewayResponse>;

/** The service's data cannot be opened (RFC 9457). Clients may try again much later: an operator must restore the data. */
export function dataUnavailable(service: string): GatewayResponse {
  return {
    status: 503,
    contentType: 'application/problem+json; charset=utf-8',
    headers: ['retry-after', '60', 'cache-control', 'no-store'],
    body: JSON.stringify({
      type: 'urn:tierplane:problem:data-unavailable',
      title: 'Data unavailable',
      status: 503,
      detail: `the data of the service '${service}' is unavailable until an operator has restored it`,
      errors: [],
    }),
  };
}

/** Sent to browsers while the platform is unavailable. The page reloads itself. */
export const PLATFORM_UNAVAILABLE_PAGE: GatewayResponse = {
  status: 503,
  contentType: 'text/html; charset=utf-8',
  headers: ['retry-after', '2', 'cache-control', 'no-store'],
  body: `<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>One moment</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem;color:#1f2937}</style>
<h1>One moment</h1><p>Tierplane is starting. This page tries again every two seconds.</p></html>
`,
};

export function withRetryAfter(response: GatewayResponse, seconds: number): GatewayResponse {
  return { ...response, headers: [...response.headers, 'retry-after', String(seconds)] };
}

/** The response as bytes, for a connection on which Node's server made no `ServerResponse`. */
export function toWire({ status, body, contentType }: GatewayResponse, reason: string): string {
  return `HTTP/1.1 ${status} ${reason}\r\ncontent-type: ${contentType}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`;
}

/** Writes status and headers. The caller writes the body. */
export function writeHead(to: ServerResponse, response: GatewayResponse, extra: readonly string[]): void {
  const { status, body, contentType } = response;
  // RFC 9110, 8.6: a 204 has no content.
  const content =
    status === 204 ? [] : ['content-type', contentType, 'content-length', String(Buffer.byteLength(body))];
  to.writeHead(status, [...content, ...response.headers, ...extra]);
}
