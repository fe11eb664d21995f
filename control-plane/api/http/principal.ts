import { DomainError } from '../../../core/errors.ts';
import type { Authorize } from '../../../core/identity/authorize.ts';
import { SYSTEM_ADMIN } from '../../../core/identity/users/administrators.ts';
import type { ClientCredentials } from '../../../core/ports/client-credentials.ts';
import type { Check, Table } from '../../../core/ports/table.ts';
import { acceptsToken, subjectKey } from '../../../core/routing/registry.ts';
import type { AuthorizePrincipal } from './http.ts';

export interface PrincipalOptions {
  /** Verifies access tokens; trusts only the issuer of the admin realm. */
  readonly authorize: Authorize;
  /** The table that holds the registry's subjects. */
  readonly table: Table;
  /** @default - no credentials for scripts are known */
  readonly credentials?: Pick<ClientCredentials, 'basisOf'>;
  /** Clients of the platform itself; their tokens need no user. @default [] - none */
  readonly machineClientIds?: readonly string[];
}

/**
 * Turns a verified token into a principal. Name and role come from the registry, not from the token, so that a user who
 * is disabled, demoted or deleted, or a credential that is deleted, loses access at once. A credential acts as a
 * SystemAdmin within its scopes. The returned function throws UNAUTHENTICATED.
 */
export function createPrincipals({
  authorize,
  table,
  credentials,
  machineClientIds = [],
}: PrincipalOptions): AuthorizePrincipal {
  return async (header) => {
    const token = await authorize(header);
    if (token.realm !== 'admin') throw new DomainError('UNAUTHENTICATED', 'the token must be of the admin realm');
    if (machineClientIds.includes(token.clientId)) return { kind: 'machine' };
    // A token of the client credentials grant has the client as its subject.
    if (token.subject === token.clientId) {
      const basis = await credentials?.basisOf(token.clientId);
      if (!basis) throw new DomainError('UNAUTHENTICATED', 'the credential must exist');
      return { kind: 'user', userName: token.clientId, role: SYSTEM_ADMIN, scopes: token.scopes, basis };
    }
    return { kind: 'user', scopes: token.scopes, ...(await systemUser(table, token.subject, token.issuedAt)) };
  };
}

/**
 * Name and role of the system user with this `sub`, from the registry.
 * Throws UNAUTHENTICATED if the user is unknown or disabled, or has ended all sessions since.
 *
 * @param issuedAt the `iat` of the user's token
 */
export async function systemUser(
  table: Pick<Table, 'get'>,
  subject: string,
  issuedAt: number,
): Promise<{ readonly userName: string; readonly role: string; readonly basis: readonly Check[] }> {
  const key = subjectKey('admin', subject);
  const item = await table.get(key);
  if (!item || !acceptsToken(item.data, issuedAt)) {
    throw new DomainError('UNAUTHENTICATED', 'the user must be known, enabled and signed in');
  }
  const { userName, role } = item.data;
  return { userName, role, basis: [{ check: key, if: { version: item.version } }] };
}
