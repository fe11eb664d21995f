import { describe, expect, test } from '@jest/globals';
import { type EventName, envelope } from '../../../core/events/events.ts';
import { checkEvent, checkedConsumer, detailOf } from '../../../core/events/schemas.ts';
import type { Envelope } from '../../../core/ports/event-bus.ts';
import type { JsonObject } from '../../../core/ports/table.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const ids = { tenantId: '01hzx3tenant', tenantRegistrationId: '01hzx3registration' };
const registration: JsonObject = { ...ids, tenantName: 'acme', email: 'admin@acme.example', tier: 'basic' };
const result = (tenantData: JsonObject): JsonObject => ({
  ...ids,
  jobOutput: { tenantRegistrationData: { registrationStatus: 'created' }, tenantData },
});

const onboarding = (id: string, detail: JsonObject = registration): Envelope =>
  envelope(id, 'onboardingRequest', detail, NOW);

describe('event schemas', () => {
  const good: [EventName, JsonObject][] = [
    ['onboardingRequest', registration],
    [
      'onboardingRequest',
      { ...registration, tier: 'PREMIUM', registrationStatus: 'In progress', prices: [{ id: 'p1' }] },
    ],
    ['offboardingRequest', ids],
    ['offboardingRequest', { ...registration, sbtaws_active: true, tenantConfig: '{}' }],
    ['provisionSuccess', result({ tenantStatus: 'created', tenantConfig: '{"authServer":"https://x"}' })],
    ['provisionFailure', result({ tenantStatus: 'failed', reason: 'no room', steps: [step({ status: 'failed' })] })],
    ['deprovisionSuccess', result({ tenantStatus: 'deleted', steps: [step({}), step({ status: 'running' })] })],
    ['deprovisionFailure', result({ tenantStatus: 'failed' })],
  ];
  test.each(good)('accept a valid %s', (name, detail) => {
    const event = envelope('1', name, detail, NOW);
    checkEvent(event);
    expect(detailOf(name, event)).toEqual(detail);
  });

  const bad: [string, Partial<Envelope>][] = [
    ['a name that is not ours', { detailType: 'onboardingrequest' }],
    ['a name every object has', { detailType: 'constructor' }],
    ["the other plane's source", { source: 'applicationPlaneEventSource' }],
    ['no id', { id: '' }],
    ['an invalid time', { time: 'yesterday' }],
    ['an empty tier', { detail: { ...registration, tier: '' } }],
    ['an invalid tenant name', { detail: { ...registration, tenantName: 'a/b' } }],
    ['an invalid tenant id', { detail: { ...registration, tenantId: 'a#b' } }],
    ['no email', { detail: { ...ids, tenantName: 'acme', tier: 'basic' } }],
    ['a detail that is a list', { detail: [] as unknown as JsonObject }],
  ];
  test.each(bad)('refuse an event with %s', (_, change) => {
    expect(() => checkEvent({ ...onboarding('1'), ...change })).toThrow(expect.objectContaining({ code: 'INVALID' }));
  });

  test('refuse a result without its job output, and name the field by its path', () => {
    const event = envelope('1', 'provisionSuccess', { ...ids, jobOutput: { tenantData: { tenantStatus: 1 } } }, NOW);
    expect(() => checkEvent(event)).toThrow('detail.jobOutput.tenantData.tenantStatus');
    expect(() => detailOf('provisionSuccess', event)).toThrow('detail.jobOutput.tenantData.tenantStatus');
    expect(() => detailOf('provisionFailure', event)).toThrow(
      expect.objectContaining({
        code: 'INVALID',
        message: "event must be a provisionFailure, got 'provisionSuccess'",
      }),
    );
  });

  test('refuse an unknown name with the known ones, and name every invalid field of the frame', () => {
    expect(() => checkEvent({ ...onboarding('1'), detailType: 'constructor' })).toThrow(
      "event must be one of onboardingRequest, offboardingRequest, provisionSuccess, provisionFailure, deprovisionSuccess, deprovisionFailure, got 'constructor'",
    );
    expect(() => checkEvent({ ...onboarding(''), time: 'yesterday' })).toThrow(/event\.id: .*; event\.time: /);
  });

  test('keep invalid events from a checked consumer', async () => {
    const got: string[] = [];
    const consumer = checkedConsumer({ name: 'c', detailTypes: [], handle: async ({ id }) => void got.push(id) });
    await consumer.handle(onboarding('good'));
    await expect(consumer.handle(onboarding('bad', {}))).rejects.toMatchObject({ code: 'INVALID' });
    expect(got).toEqual(['good']);
  });
});

function step(more: JsonObject): JsonObject {
  return { name: 'route', status: 'done', startedAt: new Date(NOW).toISOString(), ...more };
}
