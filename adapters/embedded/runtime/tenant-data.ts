import { DomainError } from '../../../core/errors.ts';
import type { Log } from '../../../core/ports/log.ts';
import type { TenantData } from '../../../core/ports/tenant-data.ts';
import { requireTenantId } from '../../../core/tenant/ids.ts';
import type { Bundles } from './supervisor/bundles.ts';
import { killOwn } from './supervisor/leftovers.ts';
import type { PooledStores } from './supervisor/pooled-stores.ts';
import type { ScaleOverrides } from './supervisor/scale-overrides.ts';
import type { ServicePlans } from './supervisor/service-plans.ts';
import type { TenantFiles } from './supervisor/tenant-files.ts';
import type { TenantUids } from './supervisor/tenant-uids.ts';

export interface TenantFoldersOptions {
  readonly files: TenantFiles;
  readonly pooled: PooledStores;
  readonly bundles: Bundles;
  readonly uids: TenantUids;
  readonly plans: ServicePlans;
  readonly overrides: ScaleOverrides;
  readonly instance: string;
  readonly log: Log;
  readonly hasServices: (tenantId: string) => boolean;
}

/** The TenantData port of the embedded home: a folder for each silo tenant, and items in the pooled stores. */
export class TenantFolders implements TenantData {
  readonly #options: TenantFoldersOptions;

  constructor(options: TenantFoldersOptions) {
    this.#options = options;
  }

  async ensure(tenantId: string): Promise<void> {
    requireTenantId(tenantId);
    const { files, plans } = this.#options;
    files.ensureData(tenantId, await plans.uidOf(tenantId));
  }

  async has(tenantId: string): Promise<boolean> {
    requireTenantId(tenantId);
    const { files, pooled } = this.#options;
    return files.hasSilo(tenantId) || (await pooled.has(tenantId));
  }

  async delete(tenantId: string): Promise<void> {
    requireTenantId(tenantId);
    const { files, pooled, overrides, uids, bundles, hasServices } = this.#options;
    if (hasServices(tenantId)) {
      throw new DomainError('CONFLICT', `data of tenant ${tenantId} cannot be deleted while its services run`);
    }
    await this.#killRemainingProcesses(tenantId);
    files.remove(tenantId);
    await pooled.remove(tenantId);
    await overrides.clearTenant(tenantId);
    const uid = await uids.find(tenantId);
    if (uid === undefined) return;
    bundles.unshare(uid);
    await uids.release(tenantId);
  }

  async close(tenantId: string): Promise<void> {
    requireTenantId(tenantId);
    await this.#options.pooled.close(tenantId);
  }

  /** Ends processes of the tenant that have outlived its tasks, for example without a cgroup. */
  async #killRemainingProcesses(tenantId: string): Promise<void> {
    const { instance, log } = this.#options;
    const killed = await killOwn(instance, (process) => process.tenantId === tenantId);
    if (killed > 0) log.warn({ tenantId, killed }, 'ended processes that outlived the tasks of the tenant');
  }
}
