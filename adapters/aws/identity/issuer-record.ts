import type { RealmId } from '../../../core/ports/identity.ts';
import type { Key } from '../../../core/ports/table.ts';

/** The realm of a user pool. Functions that Cognito calls know only the pool. */
export interface IssuerRecord {
  readonly realm: RealmId;
  readonly clientId: string;
}

export function issuerKey(issuer: string): Key<IssuerRecord> {
  return { pk: `issuer#${issuer}`, sk: 'issuer' };
}

/** The `iss` of the tokens of a user pool. */
export function issuerOfPool(region: string, userPoolId: string): string {
  return `https://cognito-idp.${region}.amazonaws.com/${userPoolId}`;
}

const POOL_ISSUER = /^https:\/\/cognito-idp\.[a-z0-9-]{1,32}\.amazonaws\.com\/[\w-]{1,55}$/;

/** Whether the text has the form of a user pool's issuer. Others need no look-up: anybody can write any `iss` into a token. */
export function mayBePoolIssuer(issuer: string): boolean {
  return POOL_ISSUER.test(issuer);
}
