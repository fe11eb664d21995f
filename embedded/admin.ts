import type { Identity } from '../core/ports/identity.ts';
import { newPassword } from './config.ts';
import { type DataDir, writePrivate } from './data-dir.ts';
import { leaveDemo } from './demo-progress.ts';

/** What `admin.json` holds. */
export interface AdminCredentials {
  readonly email: string;
  readonly password: string;
}

/**
 * The admin realm, and at the first start its first user with a random password, kept in `admin.json` for the command
 * line (docs/decisions/0004).
 * @param demo whether this start, or the first that gets so far, is to make the demo tenants
 * @returns the password where it was made just now
 */
export async function ensureFirstAdmin(
  identity: Identity,
  { email, demo }: { email: string; demo: boolean },
  dir: DataDir,
): Promise<string | undefined> {
  await identity.ensureRealm({ id: 'admin', displayName: 'Tierplane administration' });
  const { items } = await identity.users('admin', { limit: 1 });
  if (items.length > 0) return undefined;
  const password = newPassword();
  // Written first: an admin whose password nobody knows could not be helped.
  writePrivate(dir.admin, { email, password } satisfies AdminCredentials);
  // So is this: the admin is what a first start is known by, and this one may yet fail.
  if (demo) leaveDemo(dir);
  await identity.createUser('admin', { userName: email, email, role: 'SystemAdmin', password });
  return password;
}
