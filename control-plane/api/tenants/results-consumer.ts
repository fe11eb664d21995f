import { ConditionFailed, DomainError } from '../../../core/errors.ts';
import { seenWrite } from '../../../core/events/once.ts';
import { checkEvent, detailOf, type EventDetail } from '../../../core/events/schemas.ts';
import { parsePart } from '../../../core/http/parse.ts';
import type { Consumer, Envelope, EventBus } from '../../../core/ports/event-bus.ts';
import type { ReportEvent } from '../../../core/tenant/lifecycle.ts';
import { IN_PROGRESS } from '../../../core/tenant/record.ts';
import { isResultEvent, parseOutcome, RESULT_OUTCOMES, type ResultEvent } from '../../../core/tenant/report.ts';
import type { StateListener, StoreDeps } from '../http/deps.ts';
import { applyReport } from './changes.ts';
import { RegistrationReport } from './requests.ts';
import { requireTenant } from './tenant-store.ts';

const CONSUMER = 'control-plane-results';

export interface ResultsDeps extends StoreDeps {
  readonly bus: Pick<EventBus, 'forgetTenant'>;
}

/**
 * Applies the application plane's results as PATCH /tenant-registrations/{id} does for a machine, each event once.
 * The delivery of our own onboardingRequest shows that provisioning is in progress.
 * Throws for a malformed result and for an unknown tenant, so that the bus delivers again or makes a dead letter.
 */
export function resultsConsumer(deps: ResultsDeps, onState: StateListener = () => {}): Consumer {
  return {
    name: CONSUMER,
    detailTypes: [...Object.keys(RESULT_OUTCOMES), 'onboardingRequest'],
    concurrency: 8,
    async handle(event) {
      checkEvent(event);
      const { tenantId, report, name } = read(event);
      try {
        const further = [seenWrite(CONSUMER, event)];
        const record = await applyReport(deps, tenantId, report, { event: name, further });
        onState(tenantId, record.state);
      } catch (error) {
        // Only the condition of `seenWrite` can fail here: the event is a duplicate.
        if (!(error instanceof ConditionFailed)) throw error;
      }
      if (name === 'deprovisionSuccess') await forgetDeleted(deps, tenantId);
    },
  };
}

/** Also after a duplicate: the first delivery may have ended between the two. */
async function forgetDeleted(deps: ResultsDeps, tenantId: string): Promise<void> {
  const { state } = await requireTenant(deps, tenantId);
  if (state === 'deleted') await deps.bus.forgetTenant(tenantId);
}

function read(event: Envelope): { tenantId: string; report: RegistrationReport; name: ReportEvent } {
  if (event.detailType === 'onboardingRequest') {
    const { tenantId } = detailOf('onboardingRequest', event);
    const report = { tenantData: {}, tenantRegistrationData: { registrationStatus: IN_PROGRESS } };
    return { tenantId, report, name: 'onboardingRequest' };
  }
  const name = event.detailType;
  if (!isResultEvent(name)) throw new DomainError('INVALID', `event must be a result, got '${name}'`);
  const { tenantId, jobOutput } = detailOf(name, event);
  return { tenantId, report: reportOf(name, jobOutput), name };
}

/** The event's name decides the outcome. A status that means the same keeps its spelling. */
function reportOf(name: ResultEvent, jobOutput: EventDetail<ResultEvent>['jobOutput']): RegistrationReport {
  const outcome = RESULT_OUTCOMES[name];
  const { registrationStatus } = jobOutput.tenantRegistrationData;
  const status = parseOutcome(registrationStatus) === outcome ? registrationStatus : outcome;
  const tenantRegistrationData = { ...jobOutput.tenantRegistrationData, registrationStatus: status };
  return parsePart(RegistrationReport, { ...jobOutput, tenantRegistrationData }, 'body');
}
