import { DomainError } from '../../../core/errors.ts';
import type { Authorize } from '../../../core/identity/authorize.ts';
import type { Table } from '../../../core/ports/table.ts';
import { subjectKey } from '../../../core/routing/registry.ts';
import type { AuthorizePrincipal } from './http.ts';

export interface PrincipalOptions {
  /** The check of access tokens; trusts the admin realm's issuer only. */
  readonly authorize: Authorize;
  /** Where the registry's subjects are. */
  readonly table: Table;
  /** Clients of the platform's own parts; a token of theirs needs no user. @default [] - none */
  readonly machineClientIds?: readonly string[];
}

/**
 * Turns a verified token into who calls. Name and role are the registry's of this moment, not the token's, so that
 * whoever is disabled, demoted or removed loses the right at once. The function throws UNAUTHENTICATED.
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
