import type { RealmId } from '../../../core/ports/identity.ts';
import type { Key } from '../../../core/ports/table.ts';

/** The link of a user who forgot the password. A user has at most one: a new one replaces it. */
export interface PasswordReset {
  /** SHA-256 of the link's secret, base64url. The secret has 256 random bits, so a slow hash would add nothing. */
  readonly hash: string;
  /** Digest of the password that the link replaces. The link is void once the user has another one. */
  readonly replaces: string;
  /** When links were mailed to the user lately; epoch seconds. @default [] - none were */
  readonly mailed?: readonly number[];
}

export function passwordResetKey(realm: RealmId, subject: string): Key<PasswordReset> {
  return { pk: `password-reset#${realm}`, sk: subject };
}
