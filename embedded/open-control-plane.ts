import type { EmbeddedRuntime } from '../adapters/embedded/runtime/runtime.ts';
import type { Provisioner } from '../app-plane/provisioner/provisioner.ts';
import type { RestorationProgress } from '../app-plane/provisioner/restoration.ts';
import type { LocalDeps, OperatorDeps } from '../control-plane/api/http/deps.ts';
import { createPrincipals } from '../control-plane/api/http/principal.ts';
import { LOCAL_OPERATIONS } from '../control-plane/api/local-operations.ts';
import { createControlPlaneHandler } from '../control-plane/api/server.ts';
import { createCompletions } from '../control-plane/api/tenants/completion.ts';
import { resultsConsumer } from '../control-plane/api/tenants/results-consumer.ts';
import { CLI_CLIENT, issuerOf } from '../core/identity/issuers.ts';
import type { EventBus } from '../core/ports/event-bus.ts';
import { RESERVED_NAMES, reservedSlugs } from '../core/tenant/reserved-names.ts';
import { createRateLimiter } from '../core/usage/rate-limiter.ts';
import { apiDocsPage } from '../web/pages/api-docs.ts';
import type { PlatformConfig } from './config.ts';
import type { GatewayProcess } from './gateway-process.ts';
import type { IdentityParts } from './open-identity.ts';
import type { PlatformStore } from './open-store.ts';
import { createPages } from './pages.ts';
import { listenForGateway } from './platform-server.ts';
import type { Urls } from './running.ts';
import type { StartContext } from './start-context.ts';
import { remoteCommand } from './start-page.ts';
import { demoTenants, tenantName } from './tenant-lookups.ts';

export interface ControlPlaneNeeds extends IdentityParts {
  readonly store: PlatformStore;
  readonly bus: EventBus;
  readonly runtime: EmbeddedRuntime;
  readonly gateway: Pick<GatewayProcess, 'pid' | 'restarts' | 'lastFailure' | 'failedAt' | 'problem'>;
  readonly provisioner: Pick<Provisioner, 'plan' | 'progress' | 'releases' | 'restoration'>;
  readonly urls: Urls;
  readonly operatorToken: string;
  /** Path of the Unix socket to listen on. */
  readonly socket: string;
  /** What /readyz reports. */
  readonly isReady: () => boolean;
}

/**
 * Serves control plane, identity and the platform's pages to the gateway, and applies the application plane's results.
 */
export async function openControlPlane(context: StartContext, needs: ControlPlaneNeeds): Promise<void> {
  const { clock, random, log, cleanUp } = context;
  const { store, bus, credentials, realms, socket, isReady } = needs;
  const completions = createCompletions();
  const principal = createPrincipals({ authorize: realms.authorize, table: store.table, credentials });
  const server = await listenForGateway(
    socket,
    {
      controlPlane: controlPlaneHandler(context, needs, principal, completions),
      realms: realms.handler,
      pages: pagesHandler(context, needs, principal),
      isReady,
    },
    log,
  );
  cleanUp.defer(() => server.close());
  const results = bus.subscribe(resultsConsumer({ table: store.table, clock, random, bus }, completions.onState));
  cleanUp.defer(() => results.close());
}

type Principals = ReturnType<typeof createPrincipals>;

function controlPlaneHandler(
  context: StartContext,
  needs: ControlPlaneNeeds,
  authorize: Principals,
  { completion }: ReturnType<typeof createCompletions>,
) {
  const { config, clock, random, log } = context;
  const { store, identity, credentials, mailer, mailLimits, urls } = needs;
  const deps: LocalDeps = {
    table: store.table,
    clock,
    random,
    identity,
    // The store of the platform holds the tables of both planes.
    administrators: { table: store.table, identity },
    credentials,
    discovery: { issuer: issuerOf(urls.publicUrl, 'admin'), clientId: CLI_CLIENT, apiPath: '/api' },
    mailer,
    mailLimits,
    log,
    operator: operatorDeps(config, needs),
    compute: {
      runtime: needs.runtime,
      plan: (tenantId) => needs.provisioner.plan(tenantId),
      releases: needs.provisioner.releases,
    },
    reservedSlugs: reservedSlugs(config.reservedNames ?? RESERVED_NAMES, [urls.publicUrl]),
    signUpLimiter: createRateLimiter(clock, config.signUp),
    ...(config.provisioning === 'on' && { completion }),
    appUrl: `${urls.publicUrl}/realms/pool/account`,
    docsPage: (api) =>
      apiDocsPage(api, { startPage: '/', tokenCommand: `${remoteCommand(urls.publicUrl)} token --admin` }),
  };
  return createControlPlaneHandler(deps, {
    ...{ authorize, operations: LOCAL_OPERATIONS },
    corsOrigins: config.corsOrigins ?? [],
  });
}

function operatorDeps(config: PlatformConfig, needs: ControlPlaneNeeds): OperatorDeps {
  const { runtime, bus, gateway, provisioner } = needs;
  const { ownUsers, setpriv, cpu, notes } = runtime.isolation;
  const held = config.provisioning === 'held' ? ['provisioning is held: requests stay in their queue'] : [];
  return {
    bus,
    tiers: config.tiers,
    progress: (tenantId) => provisioner.progress(tenantId),
    status: async () => ({
      home: 'embedded',
      clusters: [...runtime.clusters],
      node: process.version,
      gateway: { pid: gateway.pid ?? null, ...restartsOf(gateway) },
      agents: runtime.agents().map((agent) => ({ cluster: agent.cluster, pid: agent.pid, ...restartsOf(agent) })),
      isolation: { ownUsers, parentDeathSignal: setpriv !== undefined, cpuCaps: cpu.kind },
      notes: [
        ...notes,
        ...runtime.problems(),
        ...(gateway.problem === undefined ? [] : [gateway.problem]),
        ...held,
        ...proxyNotes(config),
        ...restoring(provisioner.restoration.progress),
      ],
    }),
  };
}

function restoring({ done, total }: RestorationProgress): string[] {
  return done === total ? [] : [`restoring tenants with their own tasks: ${done} of ${total}`];
}

/** How often a process was replaced, and why and when the last time. */
function restartsOf({
  restarts,
  lastFailure,
  failedAt,
}: {
  readonly restarts: number;
  readonly lastFailure?: string | undefined;
  readonly failedAt?: number | undefined;
}) {
  if (lastFailure === undefined || failedAt === undefined) return { restarts };
  return { restarts, lastFailure, lastFailureAt: new Date(failedAt).toISOString() };
}

/** HTTPS ends at a proxy. Without `trustedProxies`, its address is that of every client. */
function proxyNotes({ publicUrl, trustedProxies = [] }: PlatformConfig): string[] {
  if (!publicUrl?.startsWith('https:') || trustedProxies.length > 0) return [];
  return ["all clients share one address in limits and logs: name the proxy in 'trustedProxies'"];
}

function pagesHandler(
  { config, dir, clock, random, command }: StartContext,
  { store, runtime, mailer, urls, operatorToken }: ControlPlaneNeeds,
  principal: Principals,
) {
  const { table } = store;
  return createPages({
    urls,
    mailer,
    smtp: config.smtp !== undefined,
    runtime,
    tiers: config.tiers,
    command,
    adminFile: dir.admin,
    operatorToken,
    demoTenants: () => demoTenants({ table, clock, random }),
    tenantName: (tenantId) => tenantName(table, tenantId),
    notes: runtime.isolation.notes,
    principal,
  });
}
