import { DomainError } from '../../../core/errors.ts';
import type { Authorize } from '../../../core/identity/authorize.ts';
import type { Table } from '../../../core/ports/table.ts';
import { subjectKey } from '../../../core/routing/registry.ts';
import type { AuthorizePrincipal } from './http.ts';

export interface PrincipalOptions {
  /** Verifies access tokens; trusts only the issuer of the admin realm. */
  readonly authorize: Authorize;
  /** The table that holds the registry's subjects. */
  readonly table: Table;
  /** Clients of the platform itself; their tokens need no user. @default [] - none */
  readonly machineClientIds?: readonly string[];
}

/**
 * Turns a verified token into a principal. Name and role come from the registry, not from the token, so that a user who
 * is disabled, demoted or deleted loses access at once. The returned function throws UNAUTHENTICATED.
 */
export function createPrincipals({ authorize, table, machineClientIds = [] }: PrincipalOptions): AuthorizePrincipal {
  return async (header) => {
    const token = await authorize(header);
    if (token.realm !== 'admin') throw new DomainError('UNAUTHENTICATED', 'the token must be of the admin realm');
    if (machineClientIds.includes(token.clientId)) return { kind: 'machine' };
    const subject = (await table.get(subjectKey('admin', token.subject)))?.data;
    if (!subject?.enabled) {
      throw new DomainError('UNAUTHENTICATED', 'the user must be known and enabled');
    }
    return { kind: 'user', userName: subject.userName, role: subject.role, scopes: token.scopes };
  };
}
