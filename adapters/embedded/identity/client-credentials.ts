import { createHash } from 'node:crypto';
import { DomainError } from '../../../core/errors.ts';
import { ADMIN_SCOPES, CREDENTIAL_PREFIX, LOCAL_CREDENTIAL } from '../../../core/identity/issuers.ts';
import type { ClientCredential, ClientCredentials } from '../../../core/ports/client-credentials.ts';
import type { Clock, RandomBytes } from '../../../core/ports/clock.ts';
import { type Key, type Partition, put, type Table } from '../../../core/ports/table.ts';
import { guardedTable } from '../../../core/retry/guarded-table.ts';
import { newId } from '../../../core/tenant/ids.ts';
import { isSameText } from '../../shared/identity/is-same-text.ts';

const MAX_CREDENTIALS = 100;
const SECRET_BYTES = 32;
/** A client can send any text as its id, so it is checked before it becomes part of a key. */
const CLIENT_ID = new RegExp(`^${CREDENTIAL_PREFIX}[a-z0-9]{1,40}$`);

interface CredentialRecord extends ClientCredential {
  /** SHA-256 of the secret, as hex. The secret has 256 random bits, so a slow hash would add nothing. */
  readonly secretHash: string;
}

export interface EmbeddedClientCredentials extends ClientCredentials {
  /** Replaces the machine-local credential. @returns its new secret */
  renewLocal(): Promise<string>;
  /** The stored hash of the secret, for `isSecret`; undefined for an unknown client. */
  secretHashOf(clientId: string): Promise<string | undefined>;
}

const CREDENTIALS: Partition<CredentialRecord> = { pk: 'client-credentials' };

function credentialKey(clientId: string): Key<CredentialRecord> {
  return { pk: 'client-credentials', sk: clientId };
}

/** Client credentials in the platform's table. */
export function openClientCredentials(options: {
  readonly table: Table;
  readonly clock: Pick<Clock, 'now'>;
  readonly random: RandomBytes;
}): EmbeddedClientCredentials {
  const { table, clock, random } = options;

  async function find(clientId: string): Promise<CredentialRecord | undefined> {
    return CLIENT_ID.test(clientId) ? (await table.get(credentialKey(clientId)))?.data : undefined;
  }

  async function list(): Promise<readonly ClientCredential[]> {
    const page = await table.query({ ...CREDENTIALS, limit: MAX_CREDENTIALS + 1 });
    return page.items.map(({ data }) => withoutSecret(data));
  }

  async function store(credential: ClientCredential): Promise<string> {
    const secret = Buffer.from(random(SECRET_BYTES)).toString('base64url');
    const data = { ...credential, secretHash: hashOf(secret) };
    await table.transact([put({ ...credentialKey(credential.clientId), version: 1, data })]);
    return secret;
  }

  return {
    guardedBy: (guard) => openClientCredentials({ ...options, table: guardedTable(table, guard) }),

    async create({ name, scopes, createdBy }) {
      // The machine-local credential does not count.
      if ((await list()).length > MAX_CREDENTIALS) {
        throw new DomainError('CONFLICT', `There are ${MAX_CREDENTIALS} credentials already; delete one first`);
      }
      const now = clock.now();
      const clientId = `${CREDENTIAL_PREFIX}${newId(now, random)}`;
      const credential = { clientId, name, scopes, created: new Date(now).toISOString(), createdBy };
      return { credential, clientSecret: await store(credential) };
    },

    async get(clientId) {
      const record = await find(clientId);
      return record && withoutSecret(record);
    },

    async basisOf(clientId) {
      return (await find(clientId)) && [{ check: credentialKey(clientId), if: 'present' }];
    },

    list,

    async delete(clientId) {
      if (clientId === LOCAL_CREDENTIAL) {
        throw new DomainError('CONFLICT', `Credential ${clientId} belongs to the platform's own machine`);
      }
      if (!(await find(clientId))) throw new DomainError('NOT_FOUND', `Credential ${clientId} not found`);
      await table.transact([{ delete: credentialKey(clientId) }]);
    },

    renewLocal() {
      const created = new Date(clock.now()).toISOString();
      const name = "the platform's own machine";
      return store({ clientId: LOCAL_CREDENTIAL, name, scopes: ADMIN_SCOPES, created, createdBy: 'platform' });
    },

    async secretHashOf(clientId) {
      return (await find(clientId))?.secretHash;
    },
  };
}

function withoutSecret({ secretHash: _, ...credential }: CredentialRecord): ClientCredential {
  return credential;
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Whether `secret` is the one with this hash, compared in constant time. */
export function isSecret(secret: string, secretHash: string): boolean {
  return isSameText(hashOf(secret), secretHash);
}
