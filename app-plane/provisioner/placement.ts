import type { ResourceKind, TenantSpec } from '../../core/plan/resources.ts';
import type { Place } from '../../core/ports/places.ts';
import type { Item, Key, Page, Partition, Table } from '../../core/ports/table.ts';
import type { Step } from '../../core/progress/step.ts';
import type { TierName } from '../../core/tier/tiers.ts';

/** The application plane's record of a tenant: the accepted request, its resources and the progress of the work on it. */
export interface Placement {
  readonly tenantId: string;
  readonly registrationId: string;
  /** Absent if the offboarding arrived first: the tenant is never created. */
  readonly spec?: TenantSpec;
  /** 'absent' is final: no later onboarding revives the tenant. */
  readonly desired: 'present' | 'absent';
  readonly phase: Phase;
  readonly allocations?: Place;
  /** Why onboarding or offboarding was given up, in plain words. While provisioning: the tenant is being cleaned up. */
  readonly failure?: string;
  /** The tenant is ready, and its result must be sent again. @default false */
  readonly unannounced?: boolean;
  /** The latest steps, at most MAX_STEPS. */
  readonly steps: readonly Step[];
  /** Failed attempts on the way to the next phase. */
  readonly attempts: number;
  /** When the request in progress was accepted; epoch milliseconds, as all times here. */
  readonly acceptedAt: number;
  /** No attempt before this time. @default - now */
  readonly nextAttemptAt?: number;
  /** How long the wait that ends at `nextAttemptAt` is, in milliseconds. @default - the longest wait after a failed attempt */
  readonly waitMs?: number;
  /**
   * What the work waits for, in plain words: it goes on elsewhere. `nextAttemptAt` then applies to the sweep only, and any
   * event may start an attempt earlier. @default - no work goes on elsewhere
   */
  readonly pending?: string;
  /** Since when work of the present request goes on elsewhere. @default - no pass has ended so */
  readonly pendingSince?: number;
  /**
   * Why the last change of a ready tenant was rolled back, in plain words. The tenant is served as before, and no attempt
   * follows until somebody asks again. @default - no change was rolled back
   */
  readonly updateFailure?: string;
  /**
   * The release that the tenant's own services run or, while `update` is present, that they must run. Where all tenants run
   * the platform's release, it says which one that was when the tenant was last changed. @default - none was deployed yet
   */
  readonly release?: string;
  /** The requested change of the release that has not ended. @default - none is in progress */
  readonly update?: ReleaseUpdate;
  /**
   * The kinds of which the tenant may have resources: each is added before its first resource is created, and removed after
   * its absence was observed. @default - unknown, so every kind
   */
  readonly createdKinds?: readonly ResourceKind[];
  readonly lease?: Lease;
}

/** A change of the release of a ready tenant. */
export interface ReleaseUpdate {
  /** The release that the tenant runs again if the change is rolled back. @default - the change repairs the present one */
  readonly from?: string;
  /** When it was requested; it tells this request from an earlier one of the same release. */
  readonly requestedAt: number;
}

/** The record as early builds of version 0.1 stored it, with `desired` under its former name. */
type EarlierPlacement = Omit<Placement, 'desired'> & { readonly wanted: Placement['desired'] };
export type StoredPlacement = Placement | EarlierPlacement;
export type PlacementItem = Item<StoredPlacement> & { readonly data: Placement };

export function fromStored(stored: StoredPlacement): Placement {
  if ('desired' in stored) return stored;
  const { wanted: desired, ...placement } = stored;
  return { ...placement, desired };
}

type Clearable =
  | 'spec'
  | 'allocations'
  | 'failure'
  | 'unannounced'
  | 'nextAttemptAt'
  | 'waitMs'
  | 'pending'
  | 'pendingSince'
  | 'updateFailure'
  | 'release'
  | 'update'
  | 'createdKinds'
  | 'lease';

/** Changes of a placement; undefined removes the property. */
export type PlacementPatch = Partial<Omit<Placement, Clearable>> & {
  readonly [K in Clearable]?: Placement[K] | undefined;
};

/** Ends every wait: the next attempt is due at once, or nothing is left to attempt. */
export const NO_WAIT = {
  nextAttemptAt: undefined,
  waitMs: undefined,
  pending: undefined,
  pendingSince: undefined,
} as const satisfies PlacementPatch;

export type Phase = 'accepted' | 'provisioning' | 'ready' | 'failed' | 'deprovisioning' | 'gone';

/** The process that works on the tenant. Every write is conditional on the item's version, so a former holder cannot write. */
export interface Lease {
  readonly owner: string;
  readonly until: number;
}

export const MAX_STEPS = 64;

/** Whether no work is left, apart from keeping a ready tenant as it is. */
export function isFinal(phase: Phase): boolean {
  return phase === 'ready' || phase === 'failed' || phase === 'gone';
}

/** Whether the tenant's resources must be created or kept. Otherwise all of them must be removed. */
export function mustExist(placement: Placement): placement is Placement & { readonly spec: TenantSpec } {
  return placement.desired === 'present' && placement.failure === undefined && placement.spec !== undefined;
}

export function placementKey(tenantId: string): Key<StoredPlacement> {
  return { pk: `placement#${tenantId}`, sk: 'placement' };
}

export async function loadPlacement(table: Table, tenantId: string): Promise<PlacementItem | undefined> {
  const item = await table.get(placementKey(tenantId));
  return item && { ...item, data: fromStored(item.data) };
}

const DUE: Partition<StoredPlacement> = { index: 'g1', pk: 'placement-due' };
const SILO: Partition<StoredPlacement> = { index: 'g2', pk: 'placement-silo' };
const ofTier = (tier: TierName): Partition<StoredPlacement> => ({ index: 'g3', pk: `placement-tier#${tier}` });
/** 15 digits hold any time until the year 33658, and sort as text. */
const sortable = (time: number) => String(time).padStart(15, '0');

/** The item of a placement, with its places in the indexes that sweeps and admission read. */
export function placementItem(placement: Placement, version: number): PlacementItem {
  const { tenantId, phase, spec, desired } = placement;
  const due = dueAt(placement);
  const isCounted = spec && desired === 'present' && phase !== 'failed';
  return {
    ...placementKey(tenantId),
    version,
    data: placement,
    indexes: {
      ...(due !== undefined && { g1: { pk: DUE.pk, sk: `${sortable(due)}#${tenantId}` } }),
      ...(phase === 'ready' && placement.allocations?.silo && { g2: { pk: SILO.pk, sk: tenantId } }),
      ...(isCounted && { g3: { pk: ofTier(spec.tier).pk, sk: `${sortable(placement.acceptedAt)}#${tenantId}` } }),
    },
  };
}

/** When a sweep must look at the placement again (epoch milliseconds); undefined: never. */
export function dueAt({ phase, nextAttemptAt, lease }: Placement): number | undefined {
  if (isFinal(phase) && nextAttemptAt === undefined && lease === undefined) return undefined;
  return Math.max(nextAttemptAt ?? 0, lease?.until ?? 0);
}

/** Placements with work left, in order of due time. */
export function unfinished(table: Table): AsyncGenerator<Placement> {
  return pages((after) => table.query({ ...DUE, limit: 200, ...after }));
}

/** Ready tenants that have their own tasks. */
export function readySilos(table: Table): AsyncGenerator<Placement> {
  return pages((after) => table.query({ ...SILO, limit: 200, ...after }));
}

/** Tenants of a tier that exist or are being created, in order of acceptance. */
export function placementsOf(table: Table, tier: TierName): AsyncGenerator<Placement> {
  return pages((after) => table.query({ ...ofTier(tier), limit: 200, ...after }));
}

/** How many tenants of the tier that exist or are being created were accepted before this one. Stops counting at `enough`. */
export async function admittedBefore(
  table: Table,
  placement: Placement,
  tier: TierName,
  enough: number,
): Promise<number> {
  const own = `${sortable(placement.acceptedAt)}#${placement.tenantId}`;
  let count = 0;
  for await (const other of placementsOf(table, tier)) {
    if (`${sortable(other.acceptedAt)}#${other.tenantId}` >= own || count >= enough) break;
    count++;
  }
  return count;
}

async function* pages(query: (after: { after?: string }) => Promise<Page<StoredPlacement>>): AsyncGenerator<Placement> {
  let after: string | undefined;
  do {
    const page = await query(after === undefined ? {} : { after });
    for (const item of page.items) yield fromStored(item.data);
    after = page.next;
  } while (after !== undefined);
}
