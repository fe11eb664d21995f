import type { PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import * as z from 'zod';
import { jsonIn } from '../../../core/encoding/json.ts';
import { DomainError } from '../../../core/errors.ts';
import type { Envelope } from '../../../core/ports/event-bus.ts';

/**
 * EventBridge assigns its own event id and truncates the time to seconds. Our id and time travel among the resources, so
 * that source, detail type and detail stay exactly SBT's. Events of other publishers keep EventBridge's id and time.
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
  /** Only in messages that `replayBody` creates. */
  replayed: z.literal(true).optional(),
});

export interface ReceivedEvent {
  readonly event: Envelope;
  /** An operator replays this event, so it must be handled even if it has been handled before. */
  readonly replayed: boolean;
}

/** The event as an entry of PutEvents. */
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

/** The event in a message that an EventBridge rule has sent to a queue. Throws INVALID for any other message. */
export function receivedEvent(body: string): ReceivedEvent {
  const parsed = record.safeParse(jsonIn(body));
  if (!parsed.success) throw new DomainError('INVALID', 'message must be an EventBridge event');
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

/** A message for a consumer's queue that makes it handle the event again. */
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
