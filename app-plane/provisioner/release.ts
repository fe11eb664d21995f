import { defined } from '../../core/defined.ts';
import { DomainError } from '../../core/errors.ts';
import type { ReleaseRequest } from '../../core/plan/resources.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Table } from '../../core/ports/table.ts';
import { updateItem } from '../../core/retry/update-item.ts';
import { fromStored, loadPlacement, type Placement, placementItem, placementKey } from './placement.ts';

/** What a tenant runs, in comparison with the platform. */
export interface ReleaseStatus {
  /** The release that the tenant runs; while it is being updated, the one that it ran before. @default - it is not known */
  readonly release?: string;
  /** The platform's release. */
  readonly current: string;
  /**
   * `pooled`: the tenant has no services of its own; it runs whatever the pooled ones run. `failed`: the last update was rolled
   * back; the tenant runs `release` and can be updated again.
   */
  readonly state: 'current' | 'outdated' | 'updating' | 'failed' | 'pooled';
  /** Why the last update was rolled back, or what the present one waits for. */
  readonly reason?: string;
}

export interface ReleasesOptions {
  readonly table: Table;
  readonly clock: Pick<Clock, 'now'>;
  /** The platform's release. */
  readonly release: string;
  /** true: each tenant keeps its release until it is updated. false: all run the platform's, so nothing is ever outdated. */
  readonly keepsReleases: boolean;
  /** Hands the tenant to whoever works on it. If this fails, the sweep finds the tenant. @default - the sweep finds it */
  readonly queue?: (tenantId: string) => void | Promise<void>;
}

/** Updates of single tenants to the platform's release. */
export interface Releases {
  /** Throws NOT_FOUND for a tenant that was never accepted or is gone. */
  status(tenantId: string): Promise<ReleaseStatus>;
  /**
   * Requests the change of a ready tenant to the platform's release. A tenant that runs it already is left as it is. A change
   * that was rolled back is attempted again.
   * Throws NOT_FOUND; CONFLICT if the tenant is not ready, or if `expected` is not the platform's release.
   */
  request(tenantId: string, expected?: string): Promise<ReleaseStatus>;
}

export function createReleases({ table, clock, release, keepsReleases, queue }: ReleasesOptions): Releases {
  const statusOf = (placement: Placement) => releaseStatus(placement, release, keepsReleases);
  return {
    async status(tenantId) {
      const placement = (await loadPlacement(table, tenantId))?.data;
      return statusOf(required(tenantId, placement));
    },
    async request(tenantId, expected = release) {
      if (expected !== release) {
        throw new DomainError('CONFLICT', `the release must be the platform's, which is ${release}, got '${expected}'`);
      }
      let isRequested = false;
      const updated = await updateItem(
        table,
        placementKey(tenantId),
        (item) => {
          const placement = required(tenantId, item && fromStored(item.data));
          const { state } = statusOf(placement);
          isRequested = state === 'outdated' || state === 'failed';
          if (isRequested) return { item: placementItem(requested(placement, release, clock.now()), 0) };
          if (placement.phase !== 'ready') throw notReady(placement);
          return undefined;
        },
        { maxAttempts: Number.POSITIVE_INFINITY },
      );
      if (isRequested) await queue?.(tenantId);
      return statusOf(required(tenantId, updated && fromStored(updated.data)));
    },
  };
}

function required(tenantId: string, placement: Placement | undefined): Placement {
  if (placement && placement.phase !== 'gone') return placement;
  throw new DomainError('NOT_FOUND', `tenant ${tenantId} is not placed`);
}

function notReady({ tenantId, phase }: Placement): DomainError {
  return new DomainError('CONFLICT', `tenant ${tenantId} must be ready to be updated, but it is ${phase}`);
}

function releaseStatus(placement: Placement, current: string, keepsReleases: boolean): ReleaseStatus {
  const { allocations, update, updateFailure, pending, release } = placement;
  if (allocations && !allocations.silo) return { current, state: 'pooled' };
  if (!keepsReleases) return { release: current, current, state: 'current' };
  if (update) return defined({ release: update.from, current, state: 'updating' as const, reason: pending });
  if (updateFailure !== undefined)
    return defined({ release, current, state: 'failed' as const, reason: updateFailure });
  return defined({ release, current, state: release === current ? ('current' as const) : ('outdated' as const) });
}

/** The placement with the request for a change to `release`. */
function requested({ updateFailure: _, ...placement }: Placement, release: string, now: number): Placement {
  if (placement.phase !== 'ready') throw notReady(placement);
  const update = defined({ from: placement.release, requestedAt: now });
  return { ...placement, release, update, steps: [], attempts: 0, nextAttemptAt: now };
}

/**
 * The release that the tenant's own services must run.
 * @param current what new tenants get; undefined: all tenants run the platform's release
 */
export function versionOf(
  { release, update }: Pick<Placement, 'release' | 'update'>,
  current: string | undefined,
): ReleaseRequest | undefined {
  if (current === undefined) return undefined;
  return { release: release ?? current, ...(update && { request: update.requestedAt.toString(36) }) };
}

/** What a ready placement records after a pass: the change of its release has ended. */
export function releaseAfterSuccess({ release }: Placement, isSilo: boolean, current: string | undefined) {
  return { update: undefined, ...(isSilo && current !== undefined && { release: release ?? current }) };
}

/** What a placement records after its change was rolled back: the tenant runs its former release. */
export function releaseAfterRollback({ update }: Placement) {
  return update ? { update: undefined, ...(update.from !== undefined && { release: update.from }) } : {};
}
