import { DetailType, EventManager } from '@cdklabs/sbt-aws';
import { expect, test } from '@jest/globals';
import { App, Stack } from 'aws-cdk-lib';
import { EVENT_SOURCES } from '../../../core/events/events.ts';
import { EVENT_DETAILS } from '../../../core/events/schemas.ts';

test('the events have the names and sources of SBT', () => {
  const manager = new EventManager(new Stack(new App(), 'stack'), 'events');
  const known = new Set<string>(Object.values(DetailType));
  for (const [name, source] of Object.entries(EVENT_SOURCES)) {
    expect(known).toContain(name);
    expect(manager.supportedEvents[name]).toBe(source);
  }
  expect(Object.keys(EVENT_DETAILS)).toEqual(Object.keys(EVENT_SOURCES));
});
