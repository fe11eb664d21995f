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
