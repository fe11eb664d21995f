import type { ServerResponse } from 'node:http';

/** An answer of the gateway's own. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly contentType: string;
  readonly headers: readonly string[];
}

function json(status: number, message: string, ...headers: string[]): Answer {
  return { status, body: JSON.stringify({ message }), contentType: 'application/json', headers };
}

/** Bodies are API Gateway's own where it has one for the case. */
export const ANSWERS = {
  badRequest: json(400, 'Bad Request'),
  unauthorized: json(401, 'Unauthorized', 'www-authenticate', 'Bearer'),
  forbidden: json(403, 'Forbidden'),
  suspended: json(403, 'The tenant is suspended'),
  notFound: json(404, 'Not Found'),
  requestTimeout: json(408, 'Request Timeout'),
  tooLarge: json(413, 'Request Too Long'),
  upgradeRefused: json(400, 'Protocol upgrades are not supported'),
  headersTooLarge: json(431, 'Request Header Fields Too Large'),
  tooManyRequests: json(429, 'Too Many Requests'),
  limitExceeded: json(429, 'Limit Exceeded'),
  internalError: json(500, 'Internal Server Error'),
  badGateway: json(502, 'Bad Gateway'),
  unavailable: json(503, 'Service Unavailable', 'retry-after', '1'),
  gatewayTimeout: json(504, 'Endpoint request timed out'),
  healthy: { status: 200, body: '{"status":"ok"}', contentType: 'application/json', headers: [] },
} as const satisfies Record<string, Answer>;

/** The platform is away: said to people as a page that tries again by itself. */
export const PLATFORM_AWAY_PAGE: Answer = {
  status: 503,
  contentType: 'text/html; charset=utf-8',
  headers: ['retry-after', '2', 'cache-control', 'no-store'],
  body: `<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>One moment</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem;color:#1f2937}</style>
<h1>One moment</h1><p>Tierplane is starting or being restarted. This page tries again every two seconds.</p></html>
`,
};

export function retryAfter(answer: Answer, seconds: number): Answer {
  return { ...answer, headers: [...answer.headers, 'retry-after', String(seconds)] };
}

/** The whole answer as bytes on the wire, for a connection that never got as far as a request, or left HTTP. */
export function rawAnswer({ status, body, contentType }: Answer, reason: string): string {
  return `HTTP/1.1 ${status} ${reason}\r\ncontent-type: ${contentType}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`;
}

/** Sends status and headers, leaving the body to the caller. */
export function writeAnswerHead(response: ServerResponse, answer: Answer, extra: readonly string[]): void {
  response.writeHead(answer.status, [
    'content-type',
    answer.contentType,
    'content-length',
    String(Buffer.byteLength(answer.body)),
    ...answer.headers,
    ...extra,
  ]);
}
