import * as z from 'zod';
import { errorMessages } from '../error-messages.ts';
import { DomainError } from '../errors.ts';
import type { Consumer, Envelope } from '../ports/event-bus.ts';
import { TENANT_ID, TENANT_NAME } from '../tenant/names.ts';
import { EVENT_SOURCES, type EventName } from './events.ts';

const ids = {
  tenantId: z.string().regex(TENANT_ID),
  tenantRegistrationId: z.string().min(1).max(128),
};

/** The registration's and the tenant's fields side by side, as SBT sends them; further keys are the customer's own. */
const onboardingRequest = z.looseObject({
  ...ids,
  tenantName: z.string().regex(TENANT_NAME),
  email: z.string().min(3).max(254),
  tier: z.string().min(1).max(64),
});

const offboardingRequest = z.looseObject(ids);

const step = z.object({
  name: z.string(),
  status: z.enum(['running', 'done', 'failed']),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime().optional(),
  reason: z.string().optional(),
});

/** `jobOutput` is the body of SBT's PATCH /tenant-registrations/{id}. */
const result = z.looseObject({
  ...ids,
  jobOutput: z.looseObject({
    tenantRegistrationData: z.looseObject({ registrationStatus: z.string(), reason: z.string().optional() }),
    tenantData: z.looseObject({
      tenantStatus: z.string(),
      /** JSON text of the tenant's public configuration. */
      tenantConfig: z.string().optional(),
      reason: z.string().optional(),
      steps: z.array(step).optional(),
    }),
  }),
});

/** What each event's detail must be; `Envelope.detail` of this name has passed it. */
export const EVENT_DETAILS = {
  onboardingRequest,
  offboardingRequest,
  provisionSuccess: result,
  provisionFailure: result,
  deprovisionSuccess: result,
  deprovisionFailure: result,
} as const satisfies Record<EventName, z.ZodType>;

export type EventDetail<Name extends EventName> = z.output<(typeof EVENT_DETAILS)[Name]>;

const frame = z.object({
  id: z.string().min(1).max(128),
  source: z.string(),
  detailType: z.string(),
  detail: z.record(z.string(), z.json()),
  time: z.iso.datetime(),
});

function isEventName(name: string): name is EventName {
  return Object.hasOwn(EVENT_DETAILS, name);
}

function check<T>(schema: z.ZodType<T>, value: unknown, path: string): T {
  const parsed = schema.safeParse(value, { error: errorMessages });
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path: inner, code, message }) => ({
    loc: [path, ...inner.map((part) => (typeof part === 'number' ? part : String(part)))],
    type: code,
    msg: message,
  }));
  const faults = issues.map(({ loc, msg }) => `${loc.join('.')}: ${msg}`).join('; ');
  throw new DomainError('INVALID', `event does not fit its schema: ${faults}`, { issues });
}

/**
 * Throws INVALID unless the event has a name of ours, the source this name demands (so that one plane cannot speak for
 * the other) and a detail that fits its schema.
 */
export function checkEvent(event: Envelope): void {
  const { detailType, source, detail } = check(frame, event, 'event');
  if (!isEventName(detailType)) throw new DomainError('INVALID', `event '${detailType}' is not one of ours`);
  if (source !== EVENT_SOURCES[detailType]) {
    throw new DomainError(
      'INVALID',
      `event '${detailType}' must come from ${EVENT_SOURCES[detailType]}, got '${source}'`,
    );
  }
  check<unknown>(EVENT_DETAILS[detailType], detail, 'detail');
}

/** The detail of an event that is expected to be a `name`, typed. Throws INVALID if it is not. */
export function detailOf<Name extends EventName>(name: Name, event: Envelope): EventDetail<Name> {
  if (event.detailType !== name) throw new DomainError('INVALID', `event must be a ${name}, got '${event.detailType}'`);
  return check<unknown>(EVENT_DETAILS[name], event.detail, 'detail') as EventDetail<Name>;
}

/** The consumer, handed only events that pass checkEvent; any other becomes a dead letter at its first delivery. */
export function checkedConsumer(consumer: Consumer): Consumer {
  return {
    ...consumer,
    async handle(event) {
      checkEvent(event);
      await consumer.handle(event);
    },
  };
}
