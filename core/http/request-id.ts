/** Letters, digits and `_.:-`: safe in a header, a log line and a shell command. */
const REQUEST_ID = /^[\w.:-]{1,128}$/;

/**
 * The request id that a client sent in `x-request-id`, or undefined if it is absent or not well-formed. Gateway,
 * services, identity and control plane share this rule, so a request keeps one id all the way.
 * @param header the header's value; several values count as not well-formed
 */
export function clientRequestId(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' && REQUEST_ID.test(header) ? header : undefined;
}
