import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { openLineFile } from '../../adapters/embedded/line-file.ts';
import { clientConnectionsWithin } from '../../adapters/embedded/open-files.ts';
import { IN_MEMORY } from '../../adapters/embedded/store/database.ts';
import { openTable, type SqliteTable } from '../../adapters/embedded/store/table.ts';
import { systemClock } from '../../adapters/shared/clock.ts';
import { createSignature } from '../../adapters/shared/identity/signature.ts';
import { CONFIG_EXIT_CODE, isDomainError, messageOf } from '../../core/errors.ts';
import { createAuthorize } from '../../core/identity/authorize.ts';
import { trustRealms } from '../../core/identity/issuers.ts';
import { SERVICES } from '../../tenant-templates/tiers.ts';
import { createGateway, type Gateway } from './app.ts';
import { type GatewayConfig, parseConfig } from './config.ts';
import { keySetUri } from './key-sets.ts';
import { type GatewayMessage, PlatformMessage } from './messages.ts';
import { Meter } from './meter.ts';
import { QuotaStore } from './quota-store.ts';
import { cachedRegistry, tableRegistry } from './registry.ts';
import { loadUpstreamClient } from './upstream-clients.ts';

/** Entry point of the gateway's process: a child of the platform, configured by TIERPLANE_GATEWAY, notified over IPC. */

const DRAIN_MS = 10_000;
/** Connections of all clients, if the process may have so many files open. */
const MAX_CLIENT_CONNECTIONS = 10_000;
const FIRST_ENDPOINTS_MS = 2_000;
/** False if the process was started by hand. */
const HAS_PLATFORM = process.send !== undefined;

/** If the platform does not read the log, the gateway drops lines and continues to serve. */
const MAX_LOG_BUFFERED = 2 ** 20;
const output = openLineFile(1, { maxBuffered: MAX_LOG_BUFFERED });
process.on('exit', output.flushSync);
const log = pino(
  {
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level) => ({ level }) },
  },
  output,
);

interface Running {
  readonly port: number;
  /** Why the daily counts are not stored. */
  readonly quotaProblem?: string;
  /** Finishes requests for at most `drainMs`, then stores everything that is kept in memory. */
  stop(drainMs: number): Promise<void>;
}

async function start(config: GatewayConfig): Promise<Running> {
  // The gateway's files contain metering keys and access logs.
  process.umask(0o077);
  const clock = systemClock;
  let publicUrl = config.publicUrl ?? `http://${config.host}:${config.port}`;
  let issuers = trustRealms({ publicUrl });

  const registryTable = openTable({ file: config.registryFile, readOnly: true, clock });
  const { quotaTable, quotaProblem } = openQuotaTable(config.quotaFile);
  const accessLog = openLineFile(config.accessLog);
  const source = tableRegistry(registryTable);
  const signature = createSignature({
    jwksUri: (issuer) => keySetUri(config.platformSocket, source, issuers(issuer)),
    clock,
  });
  const authorize = createAuthorize({ issuers: (name) => issuers(name), verifySignature: signature.verify, clock });
  const meter = new Meter({ clock });
  const hasRoute = async (tenantId: string) => (await source.route(tenantId)) !== undefined;
  const quotas = await QuotaStore.open({ table: quotaTable, meter, clock, log, hasRoute });
  const gateway = createGateway({
    ...config,
    limits: { clientConnections: clientConnectionsWithin(MAX_CLIENT_CONNECTIONS), ...config.limits },
    createUpstream: await loadUpstreamClient(config.upstream),
    authorize,
    registry: cachedRegistry(source, { clock }),
    source,
    meter,
    quotas,
    services: SERVICES,
    publicUrl: () => new URL(publicUrl),
    accessLog,
    log,
    clock,
  });

  await handlePlatformMessages(gateway);
  const port = await listen(gateway, config);
  if (config.publicUrl === undefined) {
    publicUrl = `http://${config.host}:${port}`;
    issuers = trustRealms({ publicUrl });
  }

  return {
    port,
    ...(quotaProblem !== undefined && { quotaProblem }),
    async stop(drainMs) {
      await gateway.drain(drainMs);
      await quotas.flush();
      await Promise.all([registryTable.close(), quotaTable.close(), accessLog.close()]);
    },
  };
}

/**
 * Opens the store of the daily counts. A damaged one must not keep every tenant from being served: then the counts are kept
 * in memory, begin at 0 and end with this process, and the file stays as it is.
 */
function openQuotaTable(file: string): { readonly quotaTable: SqliteTable; readonly quotaProblem?: string } {
  try {
    // Five commits a second. A power failure may lose some of them, in the tenants' favour.
    return { quotaTable: openTable({ file, synchronous: 'normal', clock: systemClock }) };
  } catch (error) {
    if (!isDomainError(error)) throw error;
    const quotaProblem = `daily counts of the usage plans are not stored: ${file}: ${error.message}`;
    log.error({ err: error }, quotaProblem);
    return { quotaTable: openTable({ file: IN_MEMORY, clock: systemClock }), quotaProblem };
  }
}

function listen({ server }: Gateway, { host, port }: GatewayConfig): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: 1_024 }, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/**
 * Applies every message of the platform from now on. Resolves when the platform has listed the tasks, because a gateway
 * that listens earlier responds with 503. Waits for at most two seconds.
 */
function handlePlatformMessages(gateway: Gateway): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, HAS_PLATFORM ? FIRST_ENDPOINTS_MS : 0);
    process.once('disconnect', resolve);
    process.on('message', (raw: unknown) => {
      const message = PlatformMessage.safeParse(raw);
      if (!message.success) {
        log.error({ issues: message.error.issues }, 'the platform sent an unknown message');
        return;
      }
      applyMessage(gateway, message.data);
      if (message.data.type !== 'endpoints') return;
      clearTimeout(timer);
      resolve();
    });
  });
}

function applyMessage(gateway: Gateway, message: PlatformMessage): void {
  if (message.type === 'endpoints') gateway.setEndpoints(message.services);
  else if (message.type === 'ping') void notifyPlatform({ type: 'pong', id: message.id });
  else gateway.invalidate(message).catch((error) => log.error({ err: error }, 'an invalidation failed'));
}

/** Stops the gateway on a signal, or when the platform is gone. */
function stopOnSignals(running: Running): void {
  let stopping = false;
  const stop = (drainMs: number, reason: string): void => {
    if (stopping) return;
    stopping = true;
    log.info({ reason }, 'the gateway is stopping');
    running.stop(drainMs).then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'the gateway could not stop cleanly');
        process.exit(1);
      },
    );
  };

  process.on('SIGTERM', () => stop(DRAIN_MS, 'SIGTERM'));
  // Ctrl-C reaches the whole process group. As a child, the gateway waits for the platform to stop it.
  process.on('SIGINT', () => {
    if (!process.connected) stop(DRAIN_MS, 'SIGINT');
  });
  process.on('disconnect', () => stop(0, 'the platform is gone'));
  if (HAS_PLATFORM && !process.connected) stop(0, 'the platform is gone');
}

function notifyPlatform(message: GatewayMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send && process.connected) process.send(message, () => resolve());
    else resolve();
  });
}

/** Reports the error to the platform and in the log, then exits. */
async function fail(error: unknown): Promise<never> {
  const message = messageOf(error);
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'INTERNAL';
  log.fatal({ err: error }, 'the gateway cannot start');
  await notifyPlatform({ type: 'error', code, message });
  const atListen = error instanceof Error && 'syscall' in error && error.syscall === 'listen';
  process.exit(atListen || isDomainError(error, 'CONFIG') ? CONFIG_EXIT_CODE : 1);
}

async function main(): Promise<void> {
  const running = await start(parseConfig(process.env.TIERPLANE_GATEWAY));
  stopOnSignals(running);
  log.info({ port: running.port }, 'the gateway is listening');
  const { port, quotaProblem } = running;
  await notifyPlatform({ type: 'ready', port, ...(quotaProblem !== undefined && { quotaProblem }) });
}

// No top-level await: the build makes a CommonJS file of this module.
main().catch(fail);
