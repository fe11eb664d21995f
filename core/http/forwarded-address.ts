/**
 * The client's address in an `x-forwarded-for` header, or undefined. The platform's own gateway, or API Gateway, writes
 * the last entry; the client can forge the others.
 */
export function forwardedAddress(forwardedFor: string | undefined): string | undefined {
  return forwardedFor?.split(',').at(-1)?.trim() || undefined;
}
