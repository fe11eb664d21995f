import { DomainError } from '../errors.ts';
import type { ShardPlace } from '../ports/places.ts';
import type { Isolation } from '../tier/tiers.ts';

/** What is taken of one shard: a load balancer with its listener. */
export interface ShardUse {
  /** Tenants that the pooled services serve. */
  readonly pool: number;
  /** Priorities of the listener rules of tenants with their own services. */
  readonly service: readonly number[];
  /** Priorities of the listener rules of tenants with their own cluster. */
  readonly cluster: readonly number[];
}

export const EMPTY_SHARD: ShardUse = { pool: 0, service: [], cluster: [] };

/** Most tenants of a cell. */
const CELL_LIMITS = { pool: 5_000, cluster: 20 } as const;
/** Most tenants of a shard that have their own services in the shared cluster. */
const SHARD_LIMIT = 45;
/**
 * Target groups of a load balancer. The pool and each tenant with own services need two, so that a canary deployment can
 * shift requests from one to the other.
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
 */
const TARGET_GROUPS = 100;
const GROUPS_EACH = 2;
/** Lower priorities are the platform's own. */
const FIRST_PRIORITY = 100;

/**
 * A free place for one more tenant in the shards of a cell, which are numbered from 1: in the shard with the fewest tenants
 * of its kind. Pure. Throws FORBIDDEN with the reason when the cell is full.
 */
export function freePlace(shards: readonly ShardUse[], isolation: Isolation): ShardPlace {
  requireRoomInCell(shards, isolation);
  const numbered = shards.map((use, i) => ({ use, number: i + 1 }));
  const open = isolation === 'pool' ? numbered : numbered.filter(({ use }) => hasRoom(use, isolation));
  const [best] = open.toSorted((a, b) => countOf(a.use, isolation) - countOf(b.use, isolation) || a.number - b.number);
  if (!best) throw full(isolation, `each of its ${shards.length} load balancers serves as many as it can`);
  if (isolation === 'pool') return { number: best.number };
  return { number: best.number, priority: freePriority(best.use) };
}

/** The shard's use with the place taken. */
export function withPlace(use: ShardUse, isolation: Isolation, { priority }: ShardPlace): ShardUse {
  if (isolation === 'pool' || priority === undefined) return { ...use, pool: use.pool + 1 };
  return { ...use, [isolation]: [...use[isolation], priority].sort((a, b) => a - b) };
}

/** The shard's use with the place given back. */
export function withoutPlace(use: ShardUse, isolation: Isolation, { priority }: ShardPlace): ShardUse {
  if (isolation === 'pool') return { ...use, pool: use.pool - 1 };
  return { ...use, [isolation]: use[isolation].filter((taken) => taken !== priority) };
}

function requireRoomInCell(shards: readonly ShardUse[], isolation: Isolation): void {
  if (isolation === 'service') return;
  const max = CELL_LIMITS[isolation];
  const taken = shards.reduce((sum, use) => sum + countOf(use, isolation), 0);
  if (taken >= max) throw full(isolation, `it admits at most ${max} and has ${taken}`);
}

function hasRoom(use: ShardUse, isolation: Isolation): boolean {
  if (isolation === 'service' && use.service.length >= SHARD_LIMIT) return false;
  // One more for the pool.
  const owners = use.service.length + use.cluster.length + 1;
  return (owners + 1) * GROUPS_EACH <= TARGET_GROUPS;
}

function countOf(use: ShardUse, isolation: Isolation): number {
  return isolation === 'pool' ? use.pool : use[isolation].length;
}

function freePriority({ service, cluster }: ShardUse): number {
  const taken = new Set([...service, ...cluster]);
  let priority = FIRST_PRIORITY;
  while (taken.has(priority)) priority++;
  return priority;
}

const KINDS: Record<Isolation, string> = {
  pool: 'pooled tenants',
  service: 'tenants with their own services',
  cluster: 'tenants with their own cluster',
};

function full(isolation: Isolation, why: string): DomainError {
  return new DomainError('FORBIDDEN', `the cell is full for ${KINDS[isolation]}: ${why}`);
}
