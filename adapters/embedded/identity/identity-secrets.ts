import type { RandomBytes } from '../../../core/ports/clock.ts';
import { type Key, put, type Table } from '../../../core/ports/table.ts';

/** Server keys of identity, made once and kept in the table. */
export interface IdentitySecrets {
  /** Sign cookies. */
  readonly cookieKeys: readonly string[];
  /** Guards forms and the tickets between them. */
  readonly formKey: Uint8Array;
  /** Keys the hash of temporary passwords. */
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
