import { defined } from '../../../core/defined.ts';
import { DomainError } from '../../../core/errors.ts';
import { ChangesFailed } from '../../../core/plan/changes-failed.ts';
import { deploymentIdOf } from '../../../core/plan/deployment.ts';
import type {
  Change,
  ObservedResource,
  ResourceDriver,
  ResourceKind,
  ResourceObserver,
  ResourceOf,
} from '../../../core/plan/resources.ts';
import type { ClusterId, Places } from '../../../core/ports/places.ts';
import { type DeploymentStatus, type Part, PartsFailed, type Runtime } from '../../../core/ports/runtime.ts';
import type { TenantData } from '../../../core/ports/tenant-data.ts';
import type { MaybePending } from '../../../core/progress/pending.ts';
import type { TierName } from '../../../core/tier/tiers.ts';

/** Environment of a service's tasks; `tenantId` is null for a pooled service. No secrets. */
export type EnvironmentOf = (
  cluster: ClusterId,
  tenantId: string | null,
  tier: TierName,
) => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;

export interface DeploymentObserverOptions {
  readonly runtime: Pick<Runtime, 'deployment'>;
  readonly data: Pick<TenantData, 'has'>;
  /** Names of the application's microservices. */
  readonly services: readonly string[];
  /**
   * true: each tenant keeps its release until it is updated, so the runtime must be able to deploy earlier ones.
   * @default false - all tenants run the platform's
   */
  readonly keepsReleases?: boolean;
}

export interface DeploymentDriverOptions extends DeploymentObserverOptions {
  readonly runtime: Pick<Runtime, 'deploy' | 'withdraw' | 'deployment'>;
  readonly data: TenantData;
  readonly places: Pick<Places, 'take'>;
  /** The release of the application that new tenants get. */
  readonly release: string;
  readonly environmentOf: EnvironmentOf;
}

const KINDS = ['data', 'cluster', 'service'] as const satisfies readonly ResourceKind[];
type Kind = (typeof KINDS)[number];

const ABSENT: DeploymentStatus = { state: 'absent', parts: [] };

/** Changes that succeed or fail together. */
interface Unit {
  readonly changes: readonly Change<Kind>[];
  apply(): Promise<MaybePending>;
}

/** How long to wait for an event before looking at a deployment again, in ms. */
const LOOK_AGAIN_MS = 5_000;

/**
 * Observes what a silo tenant has to itself and, of what tenants share, its own items in the pooled stores; see
 * `createDeploymentDriver`.
 */
export function createDeploymentObserver(options: DeploymentObserverOptions): ResourceObserver<Kind> {
  const { runtime, data, services, keepsReleases = false } = options;
  return {
    kinds: KINDS,
    async observe(tenantId, kinds = KINDS) {
      const isDeployed = kinds.some((kind) => kind !== 'data');
      const [status, hasData] = await Promise.all([
        isDeployed ? runtime.deployment(deploymentIdOf(tenantId)) : ABSENT,
        kinds.includes('data') && data.has(tenantId),
      ]);
      const own: ObservedResource<Kind>[] = hasData ? [{ kind: 'data', name: 'data', tenantId, spec: {} }] : [];
      return [...own, ...computeOf(status, tenantId, services, keepsReleases)];
    },
  };
}

/**
 * The driver of what a silo tenant has to itself: its data, its cluster and its services, which are deployed as one unit.
 * Of what tenants share, it sees only the tenant's own items in the pooled stores.
 */
export function createDeploymentDriver(options: DeploymentDriverOptions): ResourceDriver<Kind> {
  const { data } = options;
  const applyAll = async (changes: readonly Change<Kind>[]): Promise<MaybePending> => {
    const done: Change<Kind>[] = [];
    for (const unit of unitsOf(changes, options)) {
      const pending = await unit.apply().catch((error: unknown) => {
        throw failureOf(error, unit.changes, done);
      });
      if (pending) return pending;
      done.push(...unit.changes);
    }
  };
  return {
    ...createDeploymentObserver(options),
    apply: (change) => applyAll([change]),
    applyAll,
    /**
     * Deletes the data once more, when nothing can write any: the tenant's own tasks have ended, and the pooled ones refuse
     * the writes of requests that were admitted earlier.
     */
    async purge(tenantId) {
      await data.close(tenantId);
      return await data.delete(tenantId);
    },
  };
}

/** Data exist before the services that use them, and are deleted after these have ended. */
function unitsOf(changes: readonly Change<Kind>[], options: DeploymentDriverOptions): Unit[] {
  const { data, runtime } = options;
  const tenantId = changes[0]?.resource.tenantId ?? '';
  const [upserts, deletes] = partition(changes, ({ action }) => action !== 'delete');
  const [created, deployed] = partition(upserts, isData);
  const [deleted, withdrawn] = partition(deletes, isData);
  const resources = deployed.map(({ resource }) => resource as ResourceOf<'cluster' | 'service'>);
  const units: Unit[] = [
    { changes: created, apply: () => ensureData(created, data) },
    // A deployment replaces what the tenant had before, so nothing is withdrawn beside it.
    resources.length > 0
      ? { changes: [...deployed, ...withdrawn], apply: () => deploy(tenantId, resources, options) }
      : { changes: withdrawn, apply: () => withdraw(tenantId, runtime) },
    { changes: deleted, apply: () => data.delete(tenantId) },
  ];
  return units.filter((unit) => unit.changes.length > 0);
}

async function ensureData(changes: readonly Change<Kind>[], data: TenantData): Promise<MaybePending> {
  for (const { resource } of changes as readonly { readonly resource: ResourceOf<'data'> }[]) {
    const pending = await data.ensure(resource.tenantId, resource.inputs.tier);
    if (pending) return pending;
  }
}

async function deploy(
  tenantId: string,
  [first]: readonly ResourceOf<'cluster' | 'service'>[],
  { runtime, places, services, release: current, environmentOf }: DeploymentDriverOptions,
): Promise<MaybePending> {
  if (!first) return undefined;
  const { tier, size, version, packing, capacity } = first.inputs;
  const id = deploymentIdOf(tenantId);
  const release = version?.release ?? current;
  if (release !== current) {
    // What runs an earlier release is left as it is. The platform's configuration may have changed since.
    const status = await runtime.deployment(id);
    if (status.state !== 'absent' && status.release === release) return resultOf(status, 'ready');
  }
  const place = await places.take({ tenantId, tier });
  const { cluster } = place;
  const environment = await environmentOf(cluster, tenantId, tier);
  const choices = defined({ packing, capacity, request: version?.request });
  const spec = { id, cluster, tenantId, tier, size, services, release, environment, place, ...choices };
  return resultOf(await runtime.deploy(spec), 'ready');
}

async function withdraw(tenantId: string, runtime: DeploymentDriverOptions['runtime']): Promise<MaybePending> {
  return resultOf(await runtime.withdraw(deploymentIdOf(tenantId)), 'absent');
}

/** @throws FAILED with the reason */
function resultOf({ state, reason }: DeploymentStatus, end: 'ready' | 'absent'): MaybePending {
  if (state === end) return undefined;
  if (state === 'failed') throw new DomainError('FAILED', reason ?? 'the deployment failed');
  return { pending: reason ?? 'its deployment is changing', lookAgainMs: LOOK_AGAIN_MS };
}

/** The changes of the parts that failed, or the whole unit if the error names no part. */
function failureOf(error: unknown, unit: readonly Change<Kind>[], done: readonly Change<Kind>[]): ChangesFailed {
  const parts = error instanceof PartsFailed ? error.parts.map(({ name }) => name) : [];
  const [named, others] = partition(unit, ({ resource }) => isOneOf(resource, parts));
  if (named.length === 0) return new ChangesFailed({ failed: unit, done }, error);
  return new ChangesFailed({ failed: named, done: [...done, ...others] }, error);
}

function isOneOf(resource: ObservedResource<Kind>, parts: readonly string[]): boolean {
  return resource.kind === 'service' && parts.includes(resource.spec.service);
}

/**
 * The tenant's cluster and services. Services that the application no longer has disappear with the next deployment, so
 * they count only if nothing else is left.
 */
function computeOf(
  { state, cluster, parts, release }: DeploymentStatus,
  tenantId: string,
  services: readonly string[],
  keepsReleases: boolean,
): ObservedResource<Kind>[] {
  if (state === 'absent' || cluster === undefined) return [];
  // What leads requests to the services, such as ingress on AWS, is not a part. While that changes, no service is ready.
  const othersChange = state === 'changing' && parts.every(({ status }) => status === 'done');
  const current = parts.filter(({ name }) => services.includes(name));
  const resources: ObservedResource<Kind>[] = (current.length > 0 ? current : parts).map(({ name, status }: Part) => ({
    kind: 'service',
    name: `${cluster}/${name}`,
    tenantId,
    spec: {
      ...{ cluster, service: name, ready: status === 'done' && !othersChange },
      ...(keepsReleases && release !== undefined && { release }),
    },
  }));
  if (cluster === deploymentIdOf(tenantId)) resources.push({ kind: 'cluster', name: cluster, tenantId, spec: {} });
  return resources;
}

function isData({ resource }: Change<Kind>): boolean {
  return resource.kind === 'data';
}

function partition<T>(all: readonly T[], holds: (one: T) => boolean): [T[], T[]] {
  return [all.filter(holds), all.filter((one) => !holds(one))];
}
