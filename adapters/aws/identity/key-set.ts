import type { TrustedIssuer } from '../../../core/identity/authorize.ts';

/**
 * Where a user pool publishes its keys.
 * @param endpointUrl AWS_ENDPOINT_URL: an emulated account has the keys there, as it does not own the issuer's name
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html
 */
export function keySetOf({ issuer }: Pick<TrustedIssuer, 'issuer'>, endpointUrl?: string): string {
  const base = endpointUrl === undefined ? issuer : `${endpointUrl.replace(/\/+$/, '')}${new URL(issuer).pathname}`;
  return `${base}/.well-known/jwks.json`;
}
