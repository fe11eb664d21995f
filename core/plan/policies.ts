import type { TierName } from '../tier/tiers.ts';
import type { Change } from './resources.ts';

/** A plan after policy: what may be applied, what is held back, and whether the whole is refused. */
export interface Verdict {
  readonly allowed: readonly Change[];
  readonly withheld: readonly Change[];
  /** Why nothing at all may be applied, in plain words. @default - not refused */
  readonly refusal?: string;
}

/** Filters a plan. Pure. */
export type Policy = (changes: readonly Change[]) => Verdict;

/** Runs a plan through policies, each seeing what the one before allowed; the first refusal ends it. */
export function applyPolicies(changes: readonly Change[], policies: readonly Policy[]): Verdict {
  let allowed = changes;
  const withheld: Change[] = [];
  for (const policy of policies) {
    const verdict = policy(allowed);
    if (verdict.refusal !== undefined) return { allowed: [], withheld: [...changes], refusal: verdict.refusal };
    allowed = verdict.allowed;
    withheld.push(...verdict.withheld);
  }
  return { allowed, withheld };
}

/** Applies nothing: the plan is only shown. */
export const dryRun: Policy = (changes) => ({ allowed: [], withheld: changes });

/** Creates and updates, never deletes. */
export const noDelete: Policy = (changes) => withhold(changes, (change) => change.action === 'delete');

/** Keeps a tenant's data while the tenant lives, whatever its shape says: only leaving deletes them. */
export const keepData: Policy = (changes) =>
  withhold(changes, (change) => change.action === 'delete' && change.resource.kind === 'data');

/** Refuses a plan that creates anything once `max` other tenants have the tier's places. */
export function quota(tier: TierName, others: number, max: number): Policy {
  return (changes) =>
    others >= max && changes.some((change) => change.action === 'create')
      ? {
          allowed: [],
          withheld: changes,
          refusal: `tier ${tier} is full: at most ${max} tenants are admitted, ${others} are there`,
        }
      : { allowed: changes, withheld: [] };
}

function withhold(changes: readonly Change[], held: (change: Change) => boolean): Verdict {
  return { allowed: changes.filter((change) => !held(change)), withheld: changes.filter(held) };
}
