import type { Identity } from '../core/ports/identity.ts';
import { newPassword } from './config.ts';
import { type DataDir, readJson, writePrivate } from './data-dir.ts';
import { requestDemo } from './demo-progress.ts';

/** What `admin.json` holds. */
export interface AdminFile {
  /** The first admin's sign-in. Absent if the operator has removed it from the file. */
  readonly email?: string;
  readonly password?: string;
  /** Opens the start page and the mailbox as the operator. */
  readonly operatorToken?: string;
}

/**
 * Ensures the admin realm. At the first start, also creates its first user with a random password, which `admin.json` keeps
 * for the command line (docs/decisions/0004).
 * @param demo whether the first start also requests the demo tenants
 * @returns the password if this call created the user
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
  // Written before the user exists, because an admin whose password is lost could never sign in.
  writePrivate(dir.admin, { ...readJson<AdminFile>(dir.admin), email, password } satisfies AdminFile);
  // Also before the user exists: if this start fails later, the next one finds the user and does not come here.
  if (demo) requestDemo(dir);
  await identity.createUser('admin', { userName: email, email, role: 'SystemAdmin', password });
  return password;
}
