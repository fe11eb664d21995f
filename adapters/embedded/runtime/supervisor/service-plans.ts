import { DomainError } from '../../../../core/errors.ts';
import type { Bundles } from './bundles.ts';
import type { Fleet } from './fleet.ts';
import { type Isolation, POOL_UID } from './isolation.ts';
import type { ServicePlan } from './protocol.ts';
import type { ServiceSpec } from './service-key.ts';
import type { TenantFiles } from './tenant-files.ts';
import type { TenantUids } from './tenant-uids.ts';

export interface ServicePlansOptions {
  readonly bundles: Bundles;
  readonly files: TenantFiles;
  readonly uids: TenantUids;
  readonly fleet: Fleet;
  readonly isolation: Isolation;
}

/** Turns the spec of a service into the plan that its agent runs. */
export class ServicePlans {
  readonly #options: ServicePlansOptions;

  constructor(options: ServicePlansOptions) {
    this.#options = options;
  }

  /**
   * Creates what the tasks need on disk, and plans how to run them.
   * Throws UNAVAILABLE if the service has no bundle, or while the fleet closes.
   */
  async prepare(spec: ServiceSpec, desired: number): Promise<ServicePlan> {
    const { bundles, files, fleet } = this.#options;
    const { cluster, tenantId, service, size, environment } = spec;
    const bundle = await bundles.find(service, environment);
    if (bundle === undefined) {
      const message = `service '${service}' must have a bundle in ${bundles.servicesDir}; run \`npm run build\``;
      throw new DomainError('UNAVAILABLE', message);
    }
    const uid = await this.uidOf(tenantId);
    fleet.checkOpen();
    files.ensureData(tenantId, uid);
    files.ensureSocketDir(tenantId, uid);
    if (uid !== undefined) bundles.share(uid);
    return {
      cluster,
      tenantId,
      service,
      desired,
      size,
      environment,
      generation: fleet.find(spec)?.plan.generation ?? 1,
      bundle,
      dataFile: files.dataFile(spec),
      logFile: files.logFile(spec),
      socketDir: files.socketDir(tenantId),
      ...(uid !== undefined && { uid }),
    };
  }

  /** The user id of a tenant's tasks, or of the pooled ones (null); undefined if all tasks share the platform's. */
  async uidOf(tenantId: string | null): Promise<number | undefined> {
    const { isolation, uids } = this.#options;
    if (!isolation.ownUsers) return undefined;
    return tenantId === null ? POOL_UID : uids.of(tenantId);
  }
}
