import { STSClient, type STSClientConfig } from '@aws-sdk/client-sts';
import { Lru } from '../../../core/collections/lru.ts';
import { DomainError } from '../../../core/errors.ts';
import type { VerifiedToken } from '../../../core/identity/authorize.ts';
import type { Clock, RandomBytes } from '../../../core/ports/clock.ts';
import type { Table } from '../../../core/ports/table.ts';
import { asDomainError } from './errors.ts';
import { openSignedCalls } from './signed-calls.ts';
import { openTableWith } from './table.ts';
import { cacheSessions, createSessionStart } from './tenant-sessions.ts';

export interface TenantTablesOptions {
  /** ARN of the data role, which the task's own role may assume. */
  readonly roleArn: string;
  /** A table as `tableShape` defines it. */
  readonly tableName: string;
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** Of the task's own clients. @default - region, endpoint and credentials from the task's environment */
  readonly client?: Pick<STSClientConfig, 'region' | 'endpoint' | 'credentials'>;
  /** Most tenants whose tables are kept. @default 500 */
  readonly capacity?: number;
}

export interface TenantTables {
  /**
   * The table, with the credentials of the token's tenant, so that DynamoDB itself refuses the keys of other tenants. The
   * tenant comes from a verified token only. Throws FORBIDDEN for a token without a tenant. The table's methods also throw
   * what `TenantSessions` throws.
   */
  readonly tableOf: (token: Pick<VerifiedToken, 'tenantId'>) => Table;
  /** Throws UNAVAILABLE if the task has no credentials of its own, without which it gets none for a tenant. */
  readonly checkCredentials: () => Promise<void>;
  readonly close: () => void;
}

/** Signs the calls of each tenant with the tenant's own credentials. All tenants share their connections. */
export function openTenantTables(options: TenantTablesOptions): TenantTables {
  const { roleArn, tableName, clock, random, capacity = 500 } = options;
  const { client = {} } = options;
  const sts = new STSClient(client);
  const signed = openSignedCalls(client);
  const sessionOf = cacheSessions(createSessionStart(sts, roleArn), { clock });
  const tables = new Lru<Table>(capacity);

  function open(tenantId: string): Table {
    const calls = signed.callsWith(() => sessionOf(tenantId));
    return openTableWith({ calls, tableName, clock, random, tenantScoped: true });
  }

  return {
    tableOf({ tenantId }) {
      if (tenantId === undefined) throw new DomainError('FORBIDDEN', 'the token must be of a user of a tenant');
      const known = tables.get(tenantId);
      if (known) return known;
      const table = open(tenantId);
      tables.set(tenantId, table);
      return table;
    },

    async checkCredentials() {
      await sts.config.credentials().catch((cause: unknown) => {
        throw asDomainError('the source of credentials', cause);
      });
    },

    close() {
      sts.destroy();
      signed.close();
    },
  };
}
