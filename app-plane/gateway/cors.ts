import type { IncomingMessage } from 'node:http';
import { CORS } from '../../core/http/cors.ts';
import type { GatewayResponse } from './responses.ts';

/** Cross-origin access of browser pages to the tenants' API. */
export interface Cors {
  /** Headers of the response to this request: `name, value, name, value ...`. */
  headersFor(request: Pick<IncomingMessage, 'headers'>): readonly string[];
  /** The response to a preflight request of an allowed origin, which needs no token. Undefined for any other request. */
  preflight(request: Pick<IncomingMessage, 'headers' | 'method'>): GatewayResponse | undefined;
}

const NOT_ALLOWED: readonly string[] = ['vary', 'origin'];

const PREFLIGHT: GatewayResponse = {
  status: 204,
  body: '',
  contentType: '',
  headers: [
    'access-control-allow-methods',
    CORS.methods.join(', '),
    'access-control-allow-headers',
    CORS.requestHeaders.join(', '),
    'access-control-max-age',
    String(CORS.maxAgeSeconds),
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
  return [
    'access-control-allow-origin',
    origin,
    'access-control-expose-headers',
    CORS.responseHeaders.join(', '),
    ...NOT_ALLOWED,
  ];
}
