import { defined } from '../../core/defined.ts';
import { ConditionFailed, DomainError } from '../../core/errors.ts';
import { seenWrite } from '../../core/events/once.ts';
import { checkedConsumer, detailOf } from '../../core/events/schemas.ts';
import { slugOf } from '../../core/fields/slug.ts';
import type { Resource, ResourceKind, TenantSpec } from '../../core/plan/resources.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Consumer, Envelope } from '../../core/ports/event-bus.ts';
import type { Item, Json, Table } from '../../core/ports/table.ts';
import { type Update, updateItem } from '../../core/retry/update-item.ts';
import { computeOptionsOf } from '../../core/tenant/registration-options.ts';
import { parseTier, type TierTable, tierNames } from '../../core/tier/tiers.ts';
import { kindsOf, withKinds } from './created-kinds.ts';
import { fromStored, type Placement, placementItem, placementKey, type StoredPlacement } from './placement.ts';

/** The name of the accept consumer's queue and of its dead letters. */
export const ACCEPT_CONSUMER = 'app-plane-accept';

/** The placement after a request, or undefined if the request changes nothing. */
type Decision = Placement | undefined;

export interface AcceptDeps {
  readonly table: Table;
  readonly clock: Clock;
  readonly tiers: TierTable;
  readonly shapeOf: (spec: TenantSpec) => readonly Resource[];
  /** Events accepted at the same time. */
  readonly concurrency: number;
  /** Hands an accepted tenant to whoever works on it. If this fails, the sweep finds the tenant. */
  readonly queue: (placement: Placement) => void | Promise<void>;
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
    await queue(decision);
  }

  return checkedConsumer({
    name: ACCEPT_CONSUMER,
    detailTypes: ['onboardingRequest', 'offboardingRequest'],
    concurrency: deps.concurrency,
    handle,
  });
}

interface TenantRequest {
  readonly tenantId: string;
  from(before: Placement | undefined, now: number): Decision;
}

/** @throws INVALID, which makes the event a dead letter */
function decisionOf(event: Envelope, { tiers, shapeOf }: Pick<AcceptDeps, 'tiers' | 'shapeOf'>): TenantRequest {
  if (event.detailType === 'offboardingRequest') {
    const { tenantId, tenantRegistrationId: registrationId } = detailOf('offboardingRequest', event);
    return { tenantId, from: (before, now) => offboard(before, { tenantId, registrationId }, now) };
  }
  const detail = detailOf('onboardingRequest', event);
  const { tenantId, tenantRegistrationId: registrationId, tenantName: name, email } = detail;
  const prices = detail.prices as Json | undefined;
  const options = computeOptionsOf(detail);
  const names = tierNames(tiers);
  const tier = parseTier(detail.tier, names);
  if (!tier) throw new DomainError('INVALID', `tier must be one of ${names.join(', ')}, got '${detail.tier}'`);
  const slug = slugOf(name);
  if (slug === '') throw new DomainError('INVALID', `tenantName must contain a letter or digit, got '${name}'`);
  const spec: TenantSpec = {
    ...{ tenantId, registrationId, name, slug, tier, email },
    ...(prices !== undefined && { prices }),
    ...(options && { options }),
  };
  return { tenantId, from: (before, now) => onboard(before, spec, kindsOf(shapeOf(spec)), now) };
}

function onboard(
  before: Placement | undefined,
  spec: TenantSpec,
  kinds: readonly ResourceKind[],
  now: number,
): Decision {
  if (before?.desired === 'absent') return undefined;
  if (before === undefined || before.phase === 'failed') {
    const { tenantId, registrationId } = spec;
    const fresh = { tenantId, registrationId, spec, desired: 'present', phase: 'accepted', steps: [] } as const;
    return defined({
      ...{ ...fresh, attempts: 0, acceptedAt: now },
      ...{ createdKinds: withKinds(before, kinds), lease: before?.lease },
    });
  }
  if (before.phase === 'ready') return announcedAgain(before, spec, now);
  return undefined;
}

/** The control plane requests a ready tenant again if it has not received the result, and if somebody asks for a retry. */
function announcedAgain({ updateFailure: _, ...before }: Placement, { prices }: TenantSpec, now: number): Placement {
  const spec = before.spec && defined({ ...before.spec, prices });
  return { ...before, ...(spec && { spec }), unannounced: true, nextAttemptAt: now };
}

/** Another process may hold the lease: it keeps it until it notices the change. */
function offboard(
  before: Placement | undefined,
  subject: Pick<Placement, 'tenantId' | 'registrationId'>,
  now: number,
): Decision {
  if (before?.phase === 'deprovisioning') return undefined;
  return defined({
    ...{ ...subject, spec: before?.spec, allocations: before?.allocations, createdKinds: before?.createdKinds },
    ...({ desired: 'absent', phase: 'deprovisioning', steps: [], attempts: 0, acceptedAt: now } as const),
    lease: before?.lease,
  });
}
