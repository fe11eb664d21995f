import type { AuthorizePrincipal } from '../../control-plane/api/http.ts';
import { DomainError } from '../../core/errors.ts';
import type { Authorize } from '../../core/identity/authorize.ts';
import type { Table } from '../../core/ports/table.ts';
import { type Subject, subjectKey } from '../../core/routing/registry.ts';

/**
 * Who calls the control plane: a system user, by a token of the admin realm. Role and being enabled come from the
 * registry at every request, so a user who was disabled or demoted is so at once.
 */
export function principalOf(authorize: Authorize, table: Table): AuthorizePrincipal {
  return async (authorization) => {
    const token = await authorize(authorization);
    if (token.realm !== 'admin') throw new DomainError('UNAUTHENTICATED', 'the token is of another realm');
    const subject = (await table.get<Subject>(subjectKey('admin', token.subject)))?.data;
    if (!subject?.enabled) throw new DomainError('UNAUTHENTICATED', 'the user is unknown or disabled');
    return { kind: 'user', userName: subject.userName, role: subject.role, scopes: token.scopes };
  };
}
