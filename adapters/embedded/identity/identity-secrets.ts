import type { RandomBytes } from '../../../core/ports/clock.ts';
import { type Key, put, type Table } from '../../../core/ports/table.ts';

/** The server keys of the embedded identity. The first start creates them; the table keeps them. */
export interface IdentitySecrets {
  /** Sign cookies; the first one signs, all verify. */
  readonly cookieKeys: readonly string[];
  /** Authenticates forms, and the tickets that pass from one form to the next. */
  readonly formKey: Uint8Array;
  /** Key of the hashes of temporary passwords. */
  readonly temporaryKey: Uint8Array;
}

interface Stored {
  readonly cookieKey: string;
  readonly formKey: string;
  readonly temporaryKey: string;
}

const KEY: Key<Stored> = { pk: 'identity', sk: 'secrets' };

export async function loadIdentitySecrets(table: Table, random: RandomBytes): Promise<IdentitySecrets> {
  const fresh = (): string => Buffer.from(random(32)).toString('base64url');
  const known = await table.get(KEY);
  const stored = known?.data ?? { cookieKey: fresh(), formKey: fresh(), temporaryKey: fresh() };
  if (!known) await table.transact([put({ ...KEY, version: 1, data: stored }, 'absent')]);
  return {
    cookieKeys: [stored.cookieKey],
    formKey: Buffer.from(stored.formKey, 'base64url'),
    temporaryKey: Buffer.from(stored.temporaryKey, 'base64url'),
  };
}
