import type { TierName } from '../tier/tiers.ts';
import type { Change } from './resources.ts';

/** A plan after policy: the changes to apply, the changes withheld, and whether the whole plan is refused. */
export interface Verdict {
  readonly allowed: readonly Change[];
  readonly withheld: readonly Change[];
  /** Why the whole plan is refused, in plain words. @default - not refused */
  readonly refusal?: string;
}

/** Filters a plan. Pure. */
export type Policy = (changes: readonly Change[]) => Verdict;

/** Passes a plan through policies in order; each sees what the one before allowed. The first refusal ends it. */
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

/** Applies nothing; for showing a plan. */
export const dryRun: Policy = (changes) => ({ allowed: [], withheld: changes });

/** Withholds deletes. */
export const noDelete: Policy = (changes) => withhold(changes, (change) => change.action === 'delete');

/** Withholds the deletion of data, even if the tenant's shape contains no data store: only an offboarding deletes data. */
export const keepData: Policy = (changes) =>
  withhold(changes, (change) => change.action === 'delete' && change.resource.kind === 'data');

/** Refuses a plan that creates anything when `others`, the number of other tenants of the tier, has reached `max`. */
export function quota(tier: TierName, others: number, max: number): Policy {
  return (changes) =>
    others >= max && changes.some((change) => change.action === 'create')
      ? {
          allowed: [],
          withheld: changes,
          refusal: `tier ${tier} is full: it admits at most ${max} tenants and has ${others}`,
        }
      : { allowed: changes, withheld: [] };
}

function withhold(changes: readonly Change[], held: (change: Change) => boolean): Verdict {
  return { allowed: changes.filter((change) => !held(change)), withheld: changes.filter(held) };
}
