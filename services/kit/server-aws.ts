import type { FastifyInstance } from 'fastify';
import { createCallerLookup } from '../../adapters/aws/identity/caller-lookup.ts';
import { keySetOf } from '../../adapters/aws/identity/key-set.ts';
import { openUsersInvocation } from '../../adapters/aws/identity/users-invocation.ts';
import { openTenantTables, type TenantTables } from '../../adapters/aws/store/tenant-tables.ts';
import { createCallerLookup as createHttpCallerLookup } from '../../adapters/embedded/identity/caller-lookup.ts';
import { systemClock, systemRandom } from '../../adapters/shared/clock.ts';
import { createSignature } from '../../adapters/shared/identity/signature.ts';
import { DomainError } from '../../core/errors.ts';
import { createAuthorize } from '../../core/identity/authorize.ts';
import type { CallerLookup } from '../../core/identity/caller-lookup.ts';
import type { Table } from '../../core/ports/table.ts';
import { newId } from '../../core/tenant/ids.ts';
import { type AwsEnvironment, readAwsEnvironment } from './environment-aws.ts';
import { preloadKeys } from './preload-keys.ts';
import { drain, environmentOrExit, openLog } from './server-process.ts';
import type { ServiceParts } from './service.ts';

/** Load balancers and proxies learn within this time that the task is about to end. */
const LINGER_MS = 1_000;
/** ECS kills a container 30 s after SIGTERM. */
const DRAIN_MS = 25_000;

/**
 * Runs a service in a container on AWS: reads its environment and listens on port 8080 of every interface. Reads data with
 * the credentials of the calling tenant; the task's own credentials reach no table. SIGTERM ends it within 30 s, after the
 * requests in progress. Exits with 78 if the environment is invalid.
 * @param options.hasTable whether the service keeps items. @default true
 */
export async function runAwsService(
  name: string,
  build: (parts: ServiceParts) => FastifyInstance,
  { hasTable = true }: { readonly hasTable?: boolean } = {},
): Promise<void> {
  const environment = environmentOrExit(name, (variables) => readAwsEnvironment(variables, hasTable));
  const { TIERPLANE_SERVICE: service, AWS_ENDPOINT_URL: endpointUrl } = environment;
  const log = openLog({ service });
  const tables = tablesOf(environment);
  const trusted = new Map(environment.TIERPLANE_ISSUERS.map((issuer) => [issuer.issuer, issuer]));
  const jwksUri = (issuer: string) => (trusted.has(issuer) ? keySetOf({ issuer }, endpointUrl) : undefined);
  const signature = createSignature({ jwksUri, clock: systemClock });
  const keysRead = preloadKeys(signature.preload, trusted.keys(), { clock: systemClock, random: systemRandom });
  let draining = false;

  const app = build({
    name: service,
    config: { tenant: environment.TIERPLANE_TENANT, identityUrl: environment.TIERPLANE_IDENTITY_URL ?? '' },
    tableOf: tables.tableOf,
    async checkReady() {
      if (draining) throw new DomainError('UNAVAILABLE', 'the task is about to end');
      await Promise.all([keysRead, tables.checkCredentials()]);
    },
    authorize: createAuthorize({
      issuers: (issuer) => trusted.get(issuer),
      verifySignature: signature.verify,
      clock: systemClock,
    }),
    callers: callersBy(environment),
    log,
    clock: systemClock,
    ids: () => newId(systemClock.now(), systemRandom),
    directory: { endpoints: (other) => environment.TIERPLANE_SERVICES[other] ?? [] },
  });
  process.once('SIGTERM', () => {
    draining = true;
    void drain(app, { log, lingerMs: LINGER_MS, deadlineMs: DRAIN_MS, closeStore: tables.close });
  });
  const address = await app.listen({ port: environment.TIERPLANE_PORT, host: '0.0.0.0' });
  log.info({ pid: process.pid, address }, 'ready');
}

/** A service without a table has no data role either. Its operations must not use the table of their tenant. */
function tablesOf({ TIERPLANE_TABLE: tableName, TIERPLANE_DATA_ROLE: roleArn }: AwsEnvironment): TenantTables {
  if (tableName !== undefined && roleArn !== undefined) {
    return openTenantTables({ roleArn, tableName, clock: systemClock, random: systemRandom });
  }
  const refuse = async () => {
    throw new DomainError('INTERNAL', 'the service must not use a table, because it has none');
  };
  const none: Table = { get: refuse, query: refuse, transact: refuse };
  return { tableOf: () => none, checkCredentials: async () => undefined, close: () => undefined };
}

function callersBy({ TIERPLANE_USERS_FUNCTION: name, TIERPLANE_IDENTITY_URL: url = '' }: AwsEnvironment): CallerLookup {
  return name === undefined ? createHttpCallerLookup(url) : createCallerLookup(openUsersInvocation(name));
}
