import { DomainError } from '../../../core/errors.ts';
import type { MeteringKey, MeteringKeys } from '../../../core/ports/metering-keys.ts';
import type { MaybePending } from '../../../core/progress/pending.ts';
import { requireTenantId } from '../../../core/tenant/ids.ts';

/** A service that keeps metering keys, in memory. */
export class FakeMeteringKeys implements MeteringKeys {
  readonly keptIn = 'service';
  readonly keys = new Map<string, MeteringKey>();

  async ensure(key: MeteringKey): Promise<MaybePending> {
    requireTenantId(key.tenantId);
    this.keys.set(key.tenantId, key);
  }

  /** Calls of `check` until the keys work. */
  delayedChecks = 0;

  async check({ tenantId }: MeteringKey): Promise<MaybePending> {
    requireTenantId(tenantId);
    if (this.delayedChecks === 0) return;
    this.delayedChecks -= 1;
    return { pending: 'its new API key does not work yet', lookAgainMs: 5_000 };
  }

  async move({ tenantId, tier }: Pick<MeteringKey, 'tenantId' | 'tier'>): Promise<void> {
    requireTenantId(tenantId);
    const key = this.keys.get(tenantId);
    if (!key) throw new DomainError('NOT_FOUND', `tenant ${tenantId} has no key`);
    this.keys.set(tenantId, { ...key, tier });
  }

  async delete(tenantId: string): Promise<void> {
    requireTenantId(tenantId);
    this.keys.delete(tenantId);
  }
}
