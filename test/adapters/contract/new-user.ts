import type { NewUser } from '../../../core/ports/identity.ts';

/** The ids of two tenants. */
export const A = 'aaaaaaaa0000000000000000aa';
export const B = 'bbbbbbbb0000000000000000bb';

/** A user whose name is the email, or `name` if `more` has another email. */
export function newUser(name: string, more: Partial<NewUser> = {}): NewUser {
  const email = `${name}@example.test`;
  return { userName: more.email === undefined ? email : name, email, role: 'TenantUser', tenantId: A, ...more };
}
