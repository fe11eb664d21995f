import type { IncomingMessage } from 'node:http';
import type { GatewayResponse } from './responses.ts';

/** Cross-origin access of browser pages to the tenants' API. */
export interface Cors {
  /** Headers of the response to this request: `name, value, name, value ...`. */
  headersFor(request: Pick<IncomingMessage, 'headers'>): readonly string[];
  /** The response to a preflight request of an allowed origin, which needs no token. Undefined for any other request. */
  preflight(request: Pick<IncomingMessage, 'headers' | 'method'>): GatewayResponse | undefined;
}

/** Without these headers, browsers hide the response's headers from the page. */
const EXPOSED = 'etag, location, retry-after, x-request-id';
const NOT_ALLOWED: readonly string[] = ['vary', 'origin'];

const PREFLIGHT: GatewayResponse = {
  status: 204,
  body: '',
  contentType: '',
  headers: [
    'access-control-allow-methods',
    'GET, POST, PUT, PATCH, DELETE',
    'access-control-allow-headers',
    'authorization, content-type, idempotency-key, if-match, if-none-match, x-request-id',
    'access-control-max-age',
    '600',
  ],
};

/**
 * Allows exactly these origins. Pages send the token in a header, so credentials (cookies) are never allowed.
 *
 * @see https://fetch.spec.whatwg.org/#http-cors-protocol
 */
export function createCors(origins: readonly string[]): Cors {
  const allowed = new Map(origins.map((origin) => [origin, headersOf(origin)]));
  return {
    headersFor: ({ headers }) => allowed.get(headers.origin ?? '') ?? NOT_ALLOWED,
    preflight: ({ method, headers }) => {
      const isPreflight = method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
      return isPreflight && allowed.has(headers.origin ?? '') ? PREFLIGHT : undefined;
    },
  };
}

function headersOf(origin: string): readonly string[] {
  return ['access-control-allow-origin', origin, 'access-control-expose-headers', EXPOSED, ...NOT_ALLOWED];
}
