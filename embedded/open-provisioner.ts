import { routeKeys } from '../adapters/embedded/metering/metering-keys.ts';
import { programVersion } from '../adapters/embedded/program.ts';
import { createPlaces } from '../adapters/embedded/runtime/places.ts';
import type { EmbeddedRuntime } from '../adapters/embedded/runtime/runtime.ts';
import { createProvisioner, type Provisioner } from '../app-plane/provisioner/provisioner.ts';
import { trustRealms } from '../core/identity/issuers.ts';
import type { EventBus } from '../core/ports/event-bus.ts';
import type { Identity } from '../core/ports/identity.ts';
import { SERVICES } from '../tenant-templates/tiers.ts';
import type { Addresses } from './addresses.ts';
import { crashPointOf } from './crash-point.ts';
import type { GatewayProcess } from './gateway-process.ts';
import type { PlatformStore } from './open-store.ts';
import type { StartContext } from './start-context.ts';

/** Only one platform can run on a data directory, so a restarted one resumes its own leases at once. */
const LEASE_OWNER = 'platform';

export interface ProvisionerNeeds {
  readonly store: PlatformStore;
  readonly bus: EventBus;
  readonly identity: Identity;
  readonly runtime: EmbeddedRuntime;
  readonly gateway: Pick<GatewayProcess, 'invalidate'>;
  readonly addresses: Addresses;
}

/** Prepares the provisioner, which `start()` starts. */
export function openProvisioner(
  { config, dir, clock, random, log, cleanUp }: StartContext,
  { store, bus, identity, runtime, gateway, addresses }: ProvisionerNeeds,
): Provisioner {
  const checkpoint = crashPointOf(dir);
  const provisioner = createProvisioner({
    table: store.table,
    bus,
    identity,
    runtime,
    data: runtime.data,
    places: createPlaces(config.tiers),
    meteringKeys: routeKeys,
    clock,
    random,
    log,
    tiers: config.tiers,
    services: SERVICES,
    release: programVersion(),
    publicUrl: addresses.urls.publicUrl,
    environmentOf: taskEnvironment(addresses),
    onRouteChange: (tenantId) => gateway.invalidate({ tenantId }),
    hold: config.provisioning === 'held',
    owner: LEASE_OWNER,
    isSoleOwner: true,
    ...(checkpoint && { checkpoint }),
  });
  cleanUp.defer(() => {
    const closed = provisioner.close();
    // It closes after the steps under way; a step that waits for a service must not take its full 30 seconds.
    runtime.beginClose();
    return closed;
  });
  return provisioner;
}

/** What a task needs to know: the issuer it trusts, where that issuer's keys are, and where identity is. */
function taskEnvironment({ urls, local }: Addresses) {
  const issuers = trustRealms({ publicUrl: urls.publicUrl });
  return (cluster: string, tenantId: string | null, tier: string): Record<string, string> => {
    const realm = tenantId !== null && cluster === `tenant-${tenantId}` ? cluster : 'pool';
    const trusted = { ...issuers(`${urls.publicUrl}/realms/${realm}`), jwksUri: `${local}/realms/${realm}/jwks` };
    return { TIERPLANE_TIER: tier, TIERPLANE_ISSUERS: JSON.stringify([trusted]), TIERPLANE_IDENTITY_URL: local };
  };
}
