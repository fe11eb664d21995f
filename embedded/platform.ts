import { join } from 'node:path';
import { systemClock, systemRandom } from '../adapters/embedded/clock.ts';
import { openEventBus } from '../adapters/embedded/events/event-bus.ts';
import { openIdentity } from '../adapters/embedded/identity/identity.ts';
import { loadIdentitySecrets } from '../adapters/embedded/identity/identity-secrets.ts';
import { createRealms } from '../adapters/embedded/identity/oidc/realms.ts';
import { createPasswords } from '../adapters/embedded/identity/passwords.ts';
import { openMailer } from '../adapters/embedded/mail/mailer.ts';
import { SERVICES_DIR } from '../adapters/embedded/program.ts';
import { createRuntime } from '../adapters/embedded/runtime/runtime.ts';
import { INSTANCE_VARIABLE } from '../adapters/embedded/runtime/supervisor/leftovers.ts';
import { openTable, type SqliteTable } from '../adapters/embedded/store/table.ts';
import { createProvisioner } from '../app-plane/provisioner/provisioner.ts';
import { createPrincipals } from '../control-plane/api/http/principal.ts';
import { createRateLimiter } from '../control-plane/api/http/rate-limit.ts';
import { createControlPlaneHandler } from '../control-plane/api/server.ts';
import { createCompletions } from '../control-plane/api/tenants/completion.ts';
import { resultsConsumer } from '../control-plane/api/tenants/results-consumer.ts';
import { OUTBOX } from '../core/events/outbox.ts';
import { type Publisher, startPublisher } from '../core/events/publisher.ts';
import { trustRealms } from '../core/identity/issuers.ts';
import type { Log } from '../core/ports/log.ts';
import { SERVICES } from '../tenant-templates/tiers.ts';
import { apiDocsPage } from '../web/pages/api-docs.ts';
import { type Addresses, settleAddresses } from './addresses.ts';
import { ensureFirstAdmin } from './admin.ts';
import type { PlatformConfig } from './config.ts';
import { crashPointOf } from './crash-point.ts';
import { type DataDir, prepareRunDir } from './data-dir.ts';
import { createGatewayProcess, type GatewayProcess } from './gateway-process.ts';
import { instanceIn } from './instance.ts';
import { isLocal } from './local-client.ts';
import { rotateLogs } from './log-rotation.ts';
import { createPages } from './pages.ts';
import { listenForGateway } from './platform-server.ts';
import type { Urls } from './running.ts';
import { demoTenants, tenantClaims, tenantName } from './tenant-lookups.ts';

export interface Platform {
  readonly urls: Urls;
  /** The first admin's password, where this start made it. */
  readonly firstPassword: string | undefined;
  /** Finishes what is under way and ends every process of it. */
  close(): Promise<void>;
}

export interface PlatformOptions {
  readonly config: PlatformConfig;
  readonly dir: DataDir;
  readonly log: Log;
  /** The command line for this data directory, as a shell on this machine calls it. Pages show it to local users. */
  readonly command: string;
}

/** Only one platform can run on a data directory, so a restarted one goes on with its own leases at once. */
const LEASE_OWNER = 'platform';

/**
 * Starts the embedded platform, part by part; what was started is ended in reverse order.
 * Throws CONFIG, CORRUPT or UNAVAILABLE with what stands in the way; nothing is left running then.
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const cleanUp = new AsyncDisposableStack();
  try {
    return await assemble(options, cleanUp);
  } catch (error) {
    await cleanUp.disposeAsync();
    throw error;
  }
}

async function assemble(options: PlatformOptions, cleanUp: AsyncDisposableStack): Promise<Platform> {
  const { config, dir, log, command } = options;
  const clock = systemClock;
  const random = systemRandom;

  const table = openTable({ file: dir.platformDb, clock });
  cleanUp.defer(() => table.close());
  const instance = instanceIn(dir);
  const runDir = prepareRunDir(dir);
  cleanUp.defer(() => runDir.remove());
  const runtime = await createRuntime({
    dataDir: dir.root,
    runDir: runDir.path,
    servicesDir: SERVICES_DIR,
    clock,
    log,
    table,
    instance,
  });
  cleanUp.defer(() => runtime.close());
  await runtime.reap();
  // Only now: what a former run left behind may have held the port.
  const addresses = await settleAddresses(config);
  const { urls } = addresses;

  const rotation = rotateLogs(dir.logs, clock);
  cleanUp.defer(() => rotation.end());
  const bus = openEventBus({ database: table.database, clock, random, log });
  cleanUp.defer(() => bus.close());
  const publisher = startPublisher({ table, bus, clock, log });
  cleanUp.defer(() => publisher.close());

  const { identity, mailer, realms } = await openIdentityParts(options, addresses, table, cleanUp);
  const firstPassword = await ensureFirstAdmin(identity, { email: config.adminEmail, demo: config.demo }, dir);

  const platformSocket = join(runDir.path, 'platform.sock');
  const gateway = createGatewayProcess({
    settings: gatewaySettings(options, addresses, platformSocket),
    logFile: join(dir.logs, 'gateway-process.log'),
    environment: { [INSTANCE_VARIABLE]: instance },
    setpriv: runtime.isolation.setpriv,
    clock,
    log,
  });
  cleanUp.defer(() => gateway.close());
  runtime.onEndpoints((services) => gateway.tellEndpoints(services));
  wakeOnCommit(table, publisher, gateway);

  const checkpoint = crashPointOf(dir);
  const provisioner = createProvisioner({
    table,
    bus,
    identity,
    runtime,
    clock,
    random,
    log,
    tiers: config.tiers,
    services: SERVICES,
    publicUrl: urls.publicUrl,
    environmentOf: environmentOf(addresses),
    onRouteChange: (tenantId) => gateway.invalidate({ tenantId }),
    hold: config.provisioning === 'held',
    owner: LEASE_OWNER,
    ...(checkpoint && { checkpoint }),
  });
  cleanUp.defer(() => {
    const closed = provisioner.close();
    // It ends after the steps being taken; one that waits for a service need not take its 30 seconds.
    runtime.beginClose();
    return closed;
  });

  const waiters = createCompletions();
  const principal = createPrincipals({ authorize: realms.authorize, table });
  const controlPlane = createControlPlaneHandler(
    {
      table,
      clock,
      random,
      identity,
      mailer,
      log,
      operator: {
        runtime,
        bus,
        tiers: config.tiers,
        progress: (tenantId) => provisioner.progress(tenantId),
        status: async () => ({
          home: 'embedded',
          node: process.version,
          gateway: { pid: gateway.pid ?? null, restarts: gateway.restarts },
          agents: runtime.agents().map(({ cluster, pid }) => ({ cluster, pid })),
          isolation: {
            ownUsers: runtime.isolation.ownUsers,
            parentDeathSignal: runtime.isolation.setpriv !== undefined,
            cpuCaps: runtime.isolation.cpu.kind,
          },
          notes: [
            ...runtime.isolation.notes,
            ...(config.provisioning === 'held' ? ['provisioning is held: requests stay in their queue'] : []),
          ],
        }),
      },
      signUpLimiter: createRateLimiter(clock, config.signUp),
      ...(config.provisioning === 'on' && { completion: waiters.completion }),
      appUrl: `${urls.publicUrl}/realms/pool/account`,
      docsPage: (api, headers) =>
        apiDocsPage(api, {
          startPage: '/',
          tokenCommand: `${isLocal(headers) ? command : 'npx tierplane'} token --admin`,
        }),
    },
    { authorize: principal, corsOrigins: config.corsOrigins ?? [] },
  );
  const pages = createPages({
    urls,
    mailer,
    smtp: config.smtp !== undefined,
    runtime,
    tiers: config.tiers,
    command,
    adminFile: dir.admin,
    demoTenants: () => demoTenants({ table, clock, random }),
    tenantName: (tenantId) => tenantName(table, tenantId),
    notes: runtime.isolation.notes,
    principal,
  });

  let ready = false;
  const server = await listenForGateway(
    platformSocket,
    { controlPlane, realms: realms.handler, pages, ready: () => ready },
    log,
  );
  cleanUp.defer(() => server.close());
  const results = bus.subscribe(resultsConsumer({ table, clock, random }, waiters.onState));
  cleanUp.defer(() => results.close());
  await Promise.all([gateway.start(), provisioner.start()]);
  ready = true;
  log.info({ publicUrl: urls.publicUrl, pid: process.pid }, 'the platform is ready');

  // Requests are taken until the gateway has drained; then everything behind it may go.
  return { urls, firstPassword, close: async () => gateway.close().then(() => cleanUp.disposeAsync()) };
}

async function openIdentityParts(
  { config, dir, log }: PlatformOptions,
  { urls }: Addresses,
  table: SqliteTable,
  cleanUp: AsyncDisposableStack,
) {
  const clock = systemClock;
  const random = systemRandom;
  const mailer = openMailer({
    table,
    file: dir.mailbox,
    clock,
    random,
    log,
    ...(config.smtp && { smtp: config.smtp }),
  });
  cleanUp.defer(() => mailer.close());
  const secrets = await loadIdentitySecrets(table, random);
  const passwords = createPasswords({ temporaryKey: secrets.temporaryKey, clock, random });
  const identity = openIdentity({ table, mailer, passwords, clock, random, publicUrl: urls.publicUrl });
  const realms = createRealms({
    table,
    identity,
    passwords,
    secrets,
    clock,
    log,
    publicUrl: urls.publicUrl,
    tenantClaims: (tenantId) => tenantClaims(table, tenantId),
    adminClients: config.adminClients ?? [],
    corsOrigins: config.corsOrigins ?? [],
  });
  return { identity, mailer, realms };
}

function gatewaySettings(
  { config, dir }: PlatformOptions,
  { host, port, urls }: Addresses,
  platformSocket: string,
): object {
  return {
    host,
    port,
    publicUrl: urls.publicUrl,
    platformSocket,
    registryFile: dir.platformDb,
    quotaFile: dir.quotaDb,
    accessLog: join(dir.logs, 'gateway.log'),
    tiers: Object.fromEntries(Object.entries(config.tiers).map(([name, { usagePlan }]) => [name, { usagePlan }])),
  };
}

/** What a task must know: whose tokens to take, where their keys are, where identity is. */
function environmentOf({ urls, local }: Addresses) {
  const issuers = trustRealms({ publicUrl: urls.publicUrl });
  return (cluster: string, tenantId: string | null, tier: string): Record<string, string> => {
    const realm = tenantId !== null && cluster === `tenant-${tenantId}` ? cluster : 'pool';
    const trusted = { ...issuers(`${urls.publicUrl}/realms/${realm}`), jwksUri: `${local}/realms/${realm}/jwks` };
    return { TIERPLANE_TIER: tier, TIERPLANE_ISSUERS: JSON.stringify([trusted]), TIERPLANE_IDENTITY_URL: local };
  };
}

/** A commit wakes those who wait for what it wrote. */
function wakeOnCommit(table: SqliteTable, publisher: Publisher, gateway: GatewayProcess): void {
  table.onCommit((pks) => {
    if (pks.includes(OUTBOX.pk)) publisher.wake();
    for (const pk of pks) {
      const [kind, , subject] = pk.split('#');
      if (kind === 'subject' && subject !== undefined) gateway.invalidate({ subject });
    }
  });
}
