import type { Envelope } from '../ports/event-bus.ts';
import type { JsonObject } from '../ports/table.ts';

/**
 * Event names and sources of the EventManager of SBT 0.5.25. core may not import SBT, so a test compares this table with
 * `DetailType` and `EventManager.supportedEvents`.
 */
export const CONTROL_PLANE_SOURCE = 'controlPlaneEventSource';
export const APP_PLANE_SOURCE = 'applicationPlaneEventSource';

export const EVENT_SOURCES = {
  onboardingRequest: CONTROL_PLANE_SOURCE,
  offboardingRequest: CONTROL_PLANE_SOURCE,
  provisionSuccess: APP_PLANE_SOURCE,
  provisionFailure: APP_PLANE_SOURCE,
  deprovisionSuccess: APP_PLANE_SOURCE,
  deprovisionFailure: APP_PLANE_SOURCE,
} as const satisfies Record<string, string>;

export type EventName = keyof typeof EVENT_SOURCES;

/** An event with the source that belongs to its name. */
export function envelope(id: string, name: EventName, detail: JsonObject, timeMs: number): Envelope {
  return { id, source: EVENT_SOURCES[name], detailType: name, detail, time: new Date(timeMs).toISOString() };
}
