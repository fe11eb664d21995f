import { isDomainError } from '../../../core/errors.ts';
import { deploymentIdOf, requireDeployment, tenantOf } from '../../../core/plan/deployment.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { ClusterId } from '../../../core/ports/places.ts';
import {
  type DeploymentId,
  type DeploymentSpec,
  type DeploymentStatus,
  type Part,
  PartsFailed,
} from '../../../core/ports/runtime.ts';
import type { Deployed, Fleet } from './supervisor/fleet.ts';
import type { ScaleOverrides } from './supervisor/scale-overrides.ts';
import { requireServiceKey, type ServiceSpec } from './supervisor/service-key.ts';
import type { ServicePlans } from './supervisor/service-plans.ts';
import type { TenantFiles } from './supervisor/tenant-files.ts';

export interface DeploymentsOptions {
  readonly fleet: Fleet;
  readonly plans: ServicePlans;
  readonly overrides: ScaleOverrides;
  readonly files: TenantFiles;
  readonly clock: Clock;
  /** How long `deploy` waits for healthy tasks, in ms. */
  readonly healthyWithinMs: number;
}

/** What was requested last. */
interface Requested {
  readonly cluster: ClusterId;
  readonly release: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** When each part became ready, by name. */
  readonly ended: Map<string, string>;
}

/** The services of the pool and of each silo tenant, each deployed and withdrawn as one unit. */
export class Deployments {
  readonly #options: DeploymentsOptions;
  readonly #requested = new Map<DeploymentId, Requested>();

  constructor(options: DeploymentsOptions) {
    this.#options = options;
  }

  async deploy(spec: DeploymentSpec): Promise<DeploymentStatus> {
    requireDeployment(spec);
    const { id, cluster, tenantId, size, environment, release } = spec;
    const services = spec.services.map((service): ServiceSpec => ({ cluster, tenantId, service, size, environment }));
    for (const service of services) requireServiceKey(service);
    const requested = { cluster, release, startedAt: this.#time(), ended: new Map<string, string>() };
    this.#requested.set(id, requested);
    // The first silo tenant finds the agent of its cluster ready.
    const others = id === 'pool' ? [this.#options.fleet.ensureAgent('shared')] : [];
    const started = await Promise.allSettled([...services.map((each) => this.#ensure(each, requested)), ...others]);
    const failures = started.flatMap((result, i) =>
      result.status === 'rejected' ? [{ name: services[i]?.service, error: result.reason as unknown }] : [],
    );
    if (failures.length > 0) throw errorOf(failures, requested.startedAt, this.#time());
    const obsolete = this.#servicesOf(id).filter(({ spec: old }) => !services.some((one) => isSame(one, old)));
    await Promise.all(obsolete.map(({ spec: old }) => this.#remove(old)));
    return this.status(id);
  }

  async withdraw(id: DeploymentId): Promise<DeploymentStatus> {
    const { fleet, files } = this.#options;
    const tenantId = tenantOf(id);
    await Promise.all(this.#servicesOf(id).map(({ spec }) => this.#remove(spec)));
    if (tenantId !== null) files.removeSocketDir(tenantId);
    // The id of a deployment is also the id of the cluster that would be its own.
    await fleet.endAgent(id);
    this.#requested.delete(id);
    return this.status(id);
  }

  status(id: DeploymentId): DeploymentStatus {
    tenantOf(id);
    const requested = this.#requested.get(id);
    if (!requested) return { state: 'absent', parts: [] };
    const services = this.#servicesOf(id);
    const parts = services.map((service) => partOf(service, requested)).sort((a, b) => (a.name < b.name ? -1 : 1));
    const isReady = parts.length > 0 && parts.every(({ status }) => status === 'done');
    const reason = parts.find(({ status }) => status !== 'done')?.reason;
    return {
      state: isReady ? 'ready' : 'changing',
      cluster: requested.cluster,
      release: requested.release,
      ...(reason !== undefined && { reason }),
      parts,
    };
  }

  /** Resolves when as many tasks as desired are healthy. Throws UNAVAILABLE with the reason if they are not in time. */
  async #ensure(spec: ServiceSpec, { ended }: Requested): Promise<void> {
    const { fleet, overrides, plans, healthyWithinMs } = this.#options;
    const desired = Math.min((await overrides.of(spec)) ?? spec.size.desired, spec.size.max);
    const known = fleet.find(spec);
    const isUnchanged = known !== undefined && JSON.stringify(known.spec) === JSON.stringify(spec);
    // Running tasks keep their bundle until the spec changes: a new build alone replaces nothing.
    fleet.deploy(spec, isUnchanged ? { ...known.plan, desired } : await plans.prepare(spec, desired));
    await fleet.ensureAgent(spec.cluster);
    await fleet.until(spec, healthyWithinMs, (report) => report.converged);
    ended.set(spec.service, this.#time());
  }

  /** Drains and ends the service's tasks. */
  async #remove(spec: ServiceSpec): Promise<void> {
    await this.#options.fleet.remove(spec);
    await this.#options.overrides.clear(spec);
  }

  #servicesOf(id: DeploymentId): Deployed[] {
    return this.#options.fleet.services.filter(({ spec }) => deploymentIdOf(spec.tenantId) === id);
  }

  #time(): string {
    return new Date(this.#options.clock.now()).toISOString();
  }
}

function isSame(a: ServiceSpec, b: ServiceSpec): boolean {
  return a.cluster === b.cluster && a.service === b.service;
}

function partOf({ spec, plan, report }: Deployed, { startedAt, ended }: Requested): Part {
  const healthy = (report?.tasks ?? []).filter((task) => task.state === 'healthy').length;
  const name = spec.service;
  const endedAt = ended.get(name);
  if (healthy >= plan.desired) return { name, status: 'done', startedAt, ...(endedAt !== undefined && { endedAt }) };
  const reason = report?.lastFailure;
  return { name, status: 'running', startedAt, ...(reason !== undefined && { reason }) };
}

interface Failure {
  /** The service; undefined: not a service failed but the cluster that silo tenants share. */
  readonly name: string | undefined;
  readonly error: unknown;
}

/** The services that do not become healthy in time, together; any other error as it is. */
function errorOf(failures: readonly Failure[], startedAt: string, endedAt: string): unknown {
  const parts: Part[] = [];
  for (const { name, error } of failures) {
    if (name === undefined || !isDomainError(error, 'UNAVAILABLE')) return error;
    parts.push({ name, status: 'failed', startedAt, endedAt, reason: error.message });
  }
  return new PartsFailed(parts, { cause: failures[0]?.error });
}
