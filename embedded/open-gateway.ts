import { join } from 'node:path';
import type { EmbeddedRuntime } from '../adapters/embedded/runtime/runtime.ts';
import { markOf } from '../adapters/embedded/runtime/supervisor/own-processes.ts';
import type { GatewayConfig } from '../app-plane/gateway/config.ts';
import type { Addresses } from './addresses.ts';
import { GatewayProcess } from './gateway-process.ts';
import type { PlatformStore } from './open-store.ts';
import type { StartContext } from './start-context.ts';

/** Prepares the gateway's process, which `start()` starts, and keeps it informed about where tasks listen. */
export function openGateway(
  context: StartContext,
  { table, instance }: PlatformStore,
  runtime: EmbeddedRuntime,
  addresses: Addresses,
  platformSocket: string,
): GatewayProcess {
  const { dir, clock, log, notify, cleanUp } = context;
  const gateway = new GatewayProcess({
    settings: gatewaySettings(context, addresses, platformSocket),
    logFile: join(dir.logs, 'gateway-process.log'),
    environment: markOf(instance),
    setpriv: runtime.isolation.setpriv,
    clock,
    log,
    replaced: (reason) => notify?.(`the gateway is being replaced: ${reason}`),
  });
  cleanUp.defer(() => gateway.close());
  runtime.onEndpoints((services) => gateway.setEndpoints(services));
  table.onCommit((pks) => {
    for (const pk of pks) {
      const [kind, , subject] = pk.split('#');
      if (kind === 'subject' && subject !== undefined) gateway.invalidate({ subject });
    }
  });
  return gateway;
}

function gatewaySettings(
  { config, dir }: StartContext,
  { host, port, urls }: Addresses,
  platformSocket: string,
): GatewayConfig {
  return {
    host,
    port,
    publicUrl: urls.publicUrl,
    platformSocket,
    registryFile: dir.platformDb,
    quotaFile: dir.quotaDb,
    accessLog: join(dir.logs, 'gateway.log'),
    trustedProxies: config.trustedProxies ?? [],
    upstream: config.gateway.upstream,
    corsOrigins: config.gateway.corsOrigins ?? [],
    tiers: config.tiers,
  };
}
