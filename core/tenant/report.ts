import type { RegistrationStatus, ReportEvent } from './lifecycle.ts';
import { IN_PROGRESS, type TenantRecord } from './record.ts';

/** How an operation ended, as the application plane reports it. */
export type Outcome = Exclude<RegistrationStatus, 'In progress'>;

/** How the operation of each result event ended. */
export const RESULT_OUTCOMES = {
  provisionSuccess: 'created',
  provisionFailure: 'failed',
  deprovisionSuccess: 'deleted',
  deprovisionFailure: 'failed',
} as const satisfies Record<Exclude<ReportEvent, 'onboardingRequest'>, Outcome>;
export type ResultEvent = keyof typeof RESULT_OUTCOMES;

export function isResultEvent(name: string): name is ResultEvent {
  return Object.hasOwn(RESULT_OUTCOMES, name);
}

/** The outcome that `word` names, in any case of letters ('Created' is SBT's own spelling), or undefined. */
export function parseOutcome(word: string): Outcome | undefined {
  const lower = word.toLowerCase();
  return lower === 'created' || lower === 'failed' || lower === 'deleted' ? lower : undefined;
}

/**
 * The event that a registration status stands for when it arrives without its event, by SBT's PATCH. 'failed' belongs
 * to the operation that the tenant is in.
 * @returns undefined for a word that is not a status
 */
export function reportEventOf({ active }: Pick<TenantRecord, 'active'>, word: string): ReportEvent | undefined {
  if (word === IN_PROGRESS) return 'onboardingRequest';
  switch (parseOutcome(word)) {
    case 'created':
      return 'provisionSuccess';
    case 'deleted':
      return 'deprovisionSuccess';
    case 'failed':
      return active ? 'provisionFailure' : 'deprovisionFailure';
    default:
      return undefined;
  }
}
