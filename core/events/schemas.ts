import * as z from 'zod';
import { errorMessages } from '../error-messages.ts';
import { DomainError } from '../errors.ts';
import type { Consumer, Envelope } from '../ports/event-bus.ts';
import { RegisteredTenantName, TenantId } from '../tenant/names.ts';
import { EVENT_SOURCES, type EventName } from './events.ts';

const ids = {
  tenantId: TenantId,
  tenantRegistrationId: z.string().min(1).max(128),
};

/**
 * The fields of the registration and of the tenant in one object, as SBT sends them. Further keys are the customer's own.
 * An earlier version, with other rules, may have accepted name and email.
 */
const onboardingRequest = z.looseObject({
  ...ids,
  tenantName: RegisteredTenantName,
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

/** The schema of each event's detail. */
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
  const errors = issues.map(({ loc, msg }) => `${loc.join('.')}: ${msg}`).join('; ');
  throw new DomainError('INVALID', `event must match its schema: ${errors}`, { issues });
}

/**
 * Throws INVALID unless the event has a known name, the source of that name (so that one plane cannot send events of the
 * other) and a detail that matches its schema.
 */
export function checkEvent(event: Envelope): void {
  const { detailType, source, detail } = check(frame, event, 'event');
  if (!isEventName(detailType))
    throw new DomainError(
      'INVALID',
      `event must be one of ${Object.keys(EVENT_DETAILS).join(', ')}, got '${detailType}'`,
    );
  if (source !== EVENT_SOURCES[detailType]) {
    throw new DomainError(
      'INVALID',
      `event '${detailType}' must come from ${EVENT_SOURCES[detailType]}, got '${source}'`,
    );
  }
  check<unknown>(EVENT_DETAILS[detailType], detail, 'detail');
}

/** The typed detail of an event called `name`. Throws INVALID for an event of another name and for a wrong detail. */
export function detailOf<Name extends EventName>(name: Name, event: Envelope): EventDetail<Name> {
  if (event.detailType !== name) throw new DomainError('INVALID', `event must be a ${name}, got '${event.detailType}'`);
  return check<unknown>(EVENT_DETAILS[name], event.detail, 'detail') as EventDetail<Name>;
}

/** A consumer that handles only events which pass checkEvent. Any other event becomes a dead letter at its first delivery. */
export function checkedConsumer(consumer: Consumer): Consumer {
  return {
    ...consumer,
    async handle(event) {
      checkEvent(event);
      await consumer.handle(event);
    },
  };
}
