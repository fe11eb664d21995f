import type { PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import * as z from 'zod';
import { DomainError } from '../../../core/errors.ts';
import type { Envelope } from '../../../core/ports/event-bus.ts';

/**
 * EventBridge gives each event an id of its own and cuts its time to seconds; ours travel among its resources, so that
 * source, detail type and detail stay exactly SBT's. An event of another publisher goes by EventBridge's own.
 */
const ID = 'tierplane:event-id/';
const TIME = 'tierplane:event-time/';

/** @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html */
const record = z.object({
  id: z.string(),
  source: z.string(),
  'detail-type': z.string(),
  time: z.string(),
  resources: z.array(z.string()).default([]),
  detail: z.record(z.string(), z.json()),
  /** Only in what replayBody has made. */
  replayed: z.literal(true).optional(),
});

export interface ReceivedEvent {
  readonly event: Envelope;
  /** Asked for by an operator: to be handled though it may have been before. */
  readonly replayed: boolean;
}

/** The event as PutEvents takes it. */
export function putEventsEntry(event: Envelope, busName: string): PutEventsRequestEntry {
  return {
    EventBusName: busName,
    Source: event.source,
    DetailType: event.detailType,
    Detail: JSON.stringify(event.detail),
    Time: new Date(event.time),
    Resources: [`${ID}${event.id}`, `${TIME}${event.time}`],
  };
}

/** The event in a message of a queue that a rule fills. Throws INVALID for anything else. */
export function receivedEvent(body: string): ReceivedEvent {
  const parsed = record.safeParse(parseJson(body));
  if (!parsed.success) throw new DomainError('INVALID', 'message is not an event of EventBridge');
  const { id, source, time, resources, detail, replayed = false } = parsed.data;
  const event = {
    id: tail(resources, ID) ?? id,
    source,
    detailType: parsed.data['detail-type'],
    detail,
    time: tail(resources, TIME) ?? time,
  };
  return { event, replayed };
}

/** A message for a consumer's queue that has it handle the event once more. */
export function replayBody(event: Envelope): string {
  const message: z.input<typeof record> = {
    id: event.id,
    source: event.source,
    'detail-type': event.detailType,
    time: event.time,
    detail: event.detail,
    replayed: true,
  };
  return JSON.stringify(message);
}

function tail(resources: readonly string[], prefix: string): string | undefined {
  return resources.find((resource) => resource.startsWith(prefix))?.slice(prefix.length);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
