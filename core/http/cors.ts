/** Cross-origin access of the sites to the APIs, the same in both homes. @see https://fetch.spec.whatwg.org/#http-cors-protocol */
export const CORS = {
  methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
  requestHeaders: ['authorization', 'content-type', 'idempotency-key', 'if-match', 'if-none-match', 'x-request-id'],
  /** Without these, browsers hide the response's headers from the page. */
  responseHeaders: ['etag', 'location', 'retry-after', 'x-request-id'],
  /** How long browsers may keep the response to a preflight request. */
  maxAgeSeconds: 600,
} as const;
