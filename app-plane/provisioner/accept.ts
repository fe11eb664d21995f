import { ConditionFailed, DomainError } from '../../core/errors.ts';
import { seenWrite } from '../../core/events/once.ts';
import { checkedConsumer, detailOf } from '../../core/events/schemas.ts';
import { slugOf } from '../../core/fields/slug.ts';
import type { TenantSpec } from '../../core/plan/resources.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Consumer, Envelope } from '../../core/ports/event-bus.ts';
import type { Item, Table } from '../../core/ports/table.ts';
import { type Update, updateItem } from '../../core/retry/update-item.ts';
import { parseTier, type TierTable, tierNames } from '../../core/tier/tiers.ts';
import { isHeldByOther, LEASE_MS } from './claim.ts';
import { fromStored, type Placement, placementItem, placementKey, type StoredPlacement } from './placement.ts';

const ACCEPT_CONSUMER = 'app-plane-accept';

/** The placement after a request, or undefined if the request changes nothing. */
type Decision = Placement | undefined;

export interface AcceptDeps {
  readonly table: Table;
  readonly clock: Clock;
  /** The process that works on accepted tenants. It gets the lease in the write of the acceptance. */
  readonly owner: string;
  readonly tiers: TierTable;
  /** Events accepted at the same time. */
  readonly concurrency: number;
  readonly queue: (placement: Placement) => void;
  readonly checkpoint: (name: string, tenantId: string) => void | Promise<void>;
}

/**
 * The consumer that turns requests into placements. It detects duplicates by event id, in the transaction that writes
 * the placement. Order does not matter, because 'absent' is final.
 */
export function createAcceptConsumer(deps: AcceptDeps): Consumer {
  const { table, clock, queue, checkpoint } = deps;

  async function handle(event: Envelope): Promise<void> {
    const { tenantId, from } = decisionOf(event, deps);
    let decision: Decision;
    const update = async (before: Item<StoredPlacement> | undefined): Promise<Update<StoredPlacement>> => {
      decision = from(before && fromStored(before.data), clock.now());
      await checkpoint('accept', tenantId);
      const also = [seenWrite(ACCEPT_CONSUMER, event)];
      return decision ? { item: placementItem(decision, 0), also } : { also };
    };
    try {
      await updateItem(table, placementKey(tenantId), update, { maxAttempts: Number.POSITIVE_INFINITY });
    } catch (error) {
      // The event is a duplicate.
      if (!(error instanceof ConditionFailed)) throw error;
    }
    if (!decision) return;
    await checkpoint('accepted', tenantId);
    queue(decision);
  }

  return checkedConsumer({
    name: ACCEPT_CONSUMER,
    detailTypes: ['onboardingRequest', 'offboardingRequest'],
    concurrency: deps.concurrency,
    handle,
  });
}

interface Request {
  readonly tenantId: string;
  from(before: Placement | undefined, now: number): Decision;
}

/** @throws INVALID, which makes the event a dead letter */
function decisionOf(event: Envelope, { owner, tiers }: Pick<AcceptDeps, 'owner' | 'tiers'>): Request {
  if (event.detailType === 'offboardingRequest') {
    const { tenantId, tenantRegistrationId: registrationId } = detailOf('offboardingRequest', event);
    return { tenantId, from: (before, now) => offboard(before, { tenantId, registrationId }, owner, now) };
  }
  const detail = detailOf('onboardingRequest', event);
  const { tenantId, tenantRegistrationId: registrationId, tenantName: name, email } = detail;
  const names = tierNames(tiers);
  const tier = parseTier(detail.tier, names);
  if (!tier) throw new DomainError('INVALID', `tier must be one of ${names.join(', ')}, got '${detail.tier}'`);
  const slug = slugOf(name);
  if (slug === '') throw new DomainError('INVALID', `tenantName must contain a letter or digit, got '${name}'`);
  const spec: TenantSpec = { tenantId, registrationId, name, slug, tier, email };
  return { tenantId, from: (before, now) => onboard(before, spec, owner, now) };
}

function onboard(before: Placement | undefined, spec: TenantSpec, owner: string, now: number): Decision {
  if (before?.desired === 'absent') return undefined;
  if (before === undefined || before.phase === 'failed') {
    const { tenantId, registrationId } = spec;
    const fresh = { tenantId, registrationId, spec, desired: 'present', phase: 'accepted', steps: [] } as const;
    return { ...fresh, attempts: 0, acceptedAt: now, ...leaseFor(before, owner, now) };
  }
  // The control plane requests a ready tenant again if it has not received the result.
  if (before.phase === 'ready') return { ...before, unannounced: true, nextAttemptAt: now };
  return undefined;
}

function offboard(
  before: Placement | undefined,
  subject: Pick<Placement, 'tenantId' | 'registrationId'>,
  owner: string,
  now: number,
): Decision {
  if (before?.phase === 'deprovisioning') return undefined;
  return {
    ...subject,
    ...(before?.spec && { spec: before.spec }),
    ...(before?.allocations && { allocations: before.allocations }),
    desired: 'absent',
    phase: 'deprovisioning',
    steps: [],
    attempts: 0,
    acceptedAt: now,
    ...leaseFor(before, owner, now),
  };
}

/** Another holder keeps its lease; it ends as soon as that holder notices the change. */
function leaseFor(before: Placement | undefined, owner: string, now: number): Pick<Placement, 'lease'> {
  if (!before || !isHeldByOther(before, owner, now)) return { lease: { owner, until: now + LEASE_MS } };
  return before.lease ? { lease: before.lease } : {};
}
