import type { TenantSpec } from '../../core/plan/resources.ts';
import type { RealmId } from '../../core/ports/identity.ts';
import type { ClusterId } from '../../core/ports/runtime.ts';
import type { Item, Key, Page, Partition, Table } from '../../core/ports/table.ts';
import type { Step } from '../../core/tenant/lifecycle.ts';
import type { TierName } from '../../core/tier/tiers.ts';

/** The application plane's own record of a tenant: what was accepted, what is there, and how far the way has come. */
export interface Placement {
  readonly tenantId: string;
  readonly registrationId: string;
  /** Absent where offboarding came first: there is nothing to bring up, ever. */
  readonly spec?: TenantSpec;
  /** 'absent' is for ever: no later onboarding revives the tenant. */
  readonly wanted: 'present' | 'absent';
  readonly phase: Phase;
  readonly allocations?: Allocations;
  /** Why onboarding (or offboarding) was given up, in plain words. While provisioning: it is being cleaned up. */
  readonly failure?: string;
  /** Ready, but whoever asked shall be told once more. @default false */
  readonly unannounced?: boolean;
  /** The latest ones, at most MAX_STEPS. */
  readonly steps: readonly Step[];
  /** Failed tries on the way to the next phase. */
  readonly attempts: number;
  /** Epoch milliseconds, as all times here: when the wish that is being worked on was accepted. */
  readonly acceptedAt: number;
  /** Not before this. @default - now */
  readonly nextAttemptAt?: number;
  readonly lease?: Lease;
}

type Clearable = 'spec' | 'allocations' | 'failure' | 'unannounced' | 'nextAttemptAt' | 'lease';

/** Changes of a placement; undefined removes the property. */
export type PlacementPatch = Partial<Omit<Placement, Clearable>> & {
  readonly [K in Clearable]?: Placement[K] | undefined;
};

export const PHASES = ['accepted', 'provisioning', 'ready', 'failed', 'deprovisioning', 'gone'] as const;
export type Phase = (typeof PHASES)[number];

export interface Allocations {
  readonly realm: RealmId;
  readonly cluster: ClusterId;
  readonly silo: boolean;
}

/** Who works on the tenant. Every write is conditional on the item's version, so a holder that lost it writes nothing. */
export interface Lease {
  readonly owner: string;
  readonly until: number;
}

export const MAX_STEPS = 64;

/** Nothing is left to be done, but for keeping a ready tenant as it is. */
export function isFinal(phase: Phase): boolean {
  return phase === 'ready' || phase === 'failed' || phase === 'gone';
}

export function placementKey(tenantId: string): Key<Placement> {
  return { pk: `placement#${tenantId}`, sk: 'placement' };
}

export function loadPlacement(table: Table, tenantId: string): Promise<Item<Placement> | undefined> {
  return table.get(placementKey(tenantId));
}

const DUE: Partition<Placement> = { index: 'g1', pk: 'placement-due' };
const SILO: Partition<Placement> = { index: 'g2', pk: 'placement-silo' };
const ofTier = (tier: TierName): Partition<Placement> => ({ index: 'g3', pk: `placement-tier#${tier}` });
/** 15 digits hold any time until the year 33658, and sort as text. */
const sortable = (time: number) => String(time).padStart(15, '0');

/** The item of a placement, with its places in the indexes that sweeps and admission read. */
export function placementItem(placement: Placement, version: number): Item<Placement> {
  const { tenantId, phase, spec, wanted } = placement;
  const due = dueAt(placement);
  const counted = spec && wanted === 'present' && phase !== 'failed';
  return {
    ...placementKey(tenantId),
    version,
    data: placement,
    indexes: {
      ...(due !== undefined && { g1: { pk: DUE.pk, sk: `${sortable(due)}#${tenantId}` } }),
      ...(phase === 'ready' && placement.allocations?.silo && { g2: { pk: SILO.pk, sk: tenantId } }),
      ...(counted && { g3: { pk: ofTier(spec.tier).pk, sk: `${sortable(placement.acceptedAt)}#${tenantId}` } }),
    },
  };
}

/** When a sweep shall look at it again (epoch milliseconds); undefined: never. */
export function dueAt({ phase, nextAttemptAt, lease }: Placement): number | undefined {
  if (isFinal(phase) && nextAttemptAt === undefined && lease === undefined) return undefined;
  return Math.max(nextAttemptAt ?? 0, lease?.until ?? 0);
}

/** Placements with work left, those due first. */
export function unfinished(table: Table): AsyncGenerator<Placement> {
  return pages((after) => table.query({ ...DUE, limit: 200, ...after }));
}

/** Ready tenants with tasks of their own. */
export function readySilos(table: Table): AsyncGenerator<Placement> {
  return pages((after) => table.query({ ...SILO, limit: 200, ...after }));
}

/** Tenants of a tier that have, or are getting, a place, in order of acceptance. */
export function placementsOf(table: Table, tier: TierName): AsyncGenerator<Placement> {
  return pages((after) => table.query({ ...ofTier(tier), limit: 200, ...after }));
}

/**
 * How many tenants of the tier were accepted before this one and have, or are getting, a place. Reads no more than it
 * must: it stops at `enough`.
 */
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

async function* pages(query: (after: { after?: string }) => Promise<Page<Placement>>): AsyncGenerator<Placement> {
  let after: string | undefined;
  do {
    const page = await query(after === undefined ? {} : { after });
    for (const item of page.items) yield item.data;
    after = page.next;
  } while (after !== undefined);
}
