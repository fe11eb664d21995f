import { DomainError } from '../../core/errors.ts';
import { type Access, mayCall } from '../../core/http/access.ts';
import type { CallerLookup } from '../../core/identity/caller-lookup.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { TenantRole } from '../../core/ports/identity.ts';

/** What a caller may do, as the registry has it. The role in the caller's token may be out of date. */
export interface Rights {
  /**
   * The caller's role, as it was at most a second ago.
   * Throws FORBIDDEN if this role may not call the operation, and what `CallerLookup` throws.
   */
  role(): Promise<TenantRole>;
}

/** The registry is asked again after this time, in milliseconds. */
const FRESH_MS = 1_000;

/**
 * The rights of one request's caller.
 *
 * @param options.role the role that the gateway has just read from the registry; the gateway passes the end of a body only
 * after it has checked the caller again. Undefined: the registry is asked
 */
export function createRights(options: {
  readonly access: Access;
  readonly tenantId: string;
  readonly role: string | undefined;
  readonly lookup: () => ReturnType<CallerLookup>;
  readonly clock: Pick<Clock, 'monotonic'>;
}): Rights {
  const { access, tenantId, lookup, clock } = options;
  let known = options.role === undefined ? undefined : { role: options.role, at: clock.monotonic() };

  async function ask(): Promise<{ readonly role: string; readonly at: number }> {
    const found = await lookup();
    if (found.tenantId !== tenantId) throw new DomainError('FORBIDDEN', "the user must be of the token's tenant");
    return { role: found.role, at: clock.monotonic() };
  }

  return {
    async role() {
      if (!known || clock.monotonic() - known.at > FRESH_MS) known = await ask();
      return requireAccess(access, known.role);
    },
  };
}

/** Throws FORBIDDEN if a user with this role may not call. */
export function requireAccess(access: Access, role: string): TenantRole {
  if (role !== 'TenantAdmin' && role !== 'TenantUser') {
    throw new DomainError('FORBIDDEN', 'the role must be TenantAdmin or TenantUser');
  }
  if (mayCall(access, { kind: 'user', role, scopes: [] })) return role;
  throw new DomainError('FORBIDDEN', 'the role of the caller does not allow this');
}
