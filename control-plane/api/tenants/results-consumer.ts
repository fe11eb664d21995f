import { ConditionFailed } from '../../../core/errors.ts';
import type { EventName } from '../../../core/events/events.ts';
import { seenWrite } from '../../../core/events/once.ts';
import { checkEvent, detailOf, type EventDetail } from '../../../core/events/schemas.ts';
import type { Consumer, Envelope } from '../../../core/ports/event-bus.ts';
import { IN_PROGRESS } from '../../../core/tenant/record.ts';
import { type Errand, type Outcome, parseOutcome } from '../../../core/tenant/report.ts';
import type { StateListener, StoreDeps } from '../http/deps.ts';
import { parse } from '../http/problems.ts';
import { type RegistrationReport, registrationReport } from '../http/schemas.ts';
import { applyReport } from './changes.ts';

const CONSUMER = 'control-plane-results';

/** What each result is about, and how it ended. */
const RESULTS = {
  provisionSuccess: { errand: 'onboarding', outcome: 'created' },
  provisionFailure: { errand: 'onboarding', outcome: 'failed' },
  deprovisionSuccess: { errand: 'offboarding', outcome: 'deleted' },
  deprovisionFailure: { errand: 'offboarding', outcome: 'failed' },
} as const satisfies Partial<Record<EventName, { errand: Errand; outcome: Outcome }>>;
type ResultName = keyof typeof RESULTS;

/**
 * Applies the application plane's results through what PATCH /tenant-registrations/{id} does for a machine, each event
 * once. Our own onboardingRequest tells, by being delivered, that provisioning is under way.
 * Throws, so that the bus tries again or gives up, for a malformed result and for an unknown tenant.
 */
export function resultsConsumer(deps: StoreDeps, onState: StateListener = () => {}): Consumer {
  return {
    name: CONSUMER,
    detailTypes: [...Object.keys(RESULTS), 'onboardingRequest'],
    concurrency: 8,
    async handle(event) {
      checkEvent(event);
      const { tenantId, report, errand } = read(event);
      try {
        const record = await applyReport(deps, tenantId, report, { errand, further: [seenWrite(CONSUMER, event)] });
        onState(tenantId, record.state);
      } catch (error) {
        // Only the mark of having seen this event can fail here: a duplicate.
        if (!(error instanceof ConditionFailed)) throw error;
      }
    },
  };
}

function read(event: Envelope): { tenantId: string; report: RegistrationReport; errand: Errand } {
  if (event.detailType === 'onboardingRequest') {
    const { tenantId } = detailOf('onboardingRequest', event);
    const report = { tenantData: {}, tenantRegistrationData: { registrationStatus: IN_PROGRESS } };
    return { tenantId, report, errand: 'onboarding' };
  }
  const name = event.detailType as ResultName;
  const { tenantId, jobOutput } = detailOf(name, event);
  const { errand, outcome } = RESULTS[name];
  return { tenantId, report: asNamed(jobOutput, outcome), errand };
}

/** The event's name decides how it ended; the status stays as it is spelt where it says the same. */
function asNamed(jobOutput: EventDetail<ResultName>['jobOutput'], outcome: Outcome): RegistrationReport {
  const { registrationStatus } = jobOutput.tenantRegistrationData;
  const status = parseOutcome(registrationStatus) === outcome ? registrationStatus : outcome;
  const tenantRegistrationData = { ...jobOutput.tenantRegistrationData, registrationStatus: status };
  return parse(registrationReport, { ...jobOutput, tenantRegistrationData }, 'body');
}
