import { STATUS_CODES } from 'node:http';

/** A response of ingress itself, in the form that the services use (RFC 9457; services/kit/problem.ts). */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly errors: readonly never[];
}

export const PROBLEM_MEDIA_TYPE = 'application/problem+json; charset=utf-8';

/** In seconds, when a service or ingress itself is unavailable. */
const RETRY_AFTER_S = 1;

function problem(status: number, slug: string, title: string, detail: string): Problem {
  return { type: `urn:tierplane:problem:${slug}`, title, status, detail, errors: [] };
}

export const PROBLEMS = {
  malformed: problem(
    400,
    'malformed',
    'Malformed request',
    'the request must be well-formed: one Host, and a path that every server reads in the same way',
  ),
  unknownService: problem(404, 'not-found', 'Not found', 'the path must begin with the name of a service'),
  requestTimeout: problem(408, 'request-timeout', 'Request timeout', 'the request did not arrive in time'),
  uriTooLong: problem(414, 'uri-too-long', 'URI too long', 'the URL must be shorter'),
  headersTooLarge: problem(431, 'headers-too-large', 'Headers too large', 'the headers must have at most 16 KiB'),
  badGateway: problem(502, 'bad-gateway', 'Bad gateway', 'the service sent a response that is not valid'),
  unavailable: problem(503, 'unavailable', 'Service unavailable', 'the service is unavailable; try again'),
  overloaded: problem(503, 'unavailable', 'Service unavailable', 'too many requests are in progress; try again'),
  gatewayTimeout: problem(504, 'gateway-timeout', 'Gateway timeout', 'the service did not respond in time'),
} as const satisfies Readonly<Record<string, Problem>>;

/** The headers of a problem's response. */
export function problemHeaders({ status }: Problem, body: string): Record<string, string> {
  return {
    'content-type': PROBLEM_MEDIA_TYPE,
    'content-length': String(Buffer.byteLength(body)),
    ...(status === 503 && { 'retry-after': String(RETRY_AFTER_S) }),
  };
}

/** A problem's response as bytes, for a request that Node's parser refused. The connection closes after it. */
export function toWire(problem: Problem): string {
  const body = JSON.stringify(problem);
  const headers = Object.entries({ ...problemHeaders(problem, body), connection: 'close' });
  const lines = [`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`, ...headers.map((one) => one.join(': '))];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}
