import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { createResults } from '../../../app-plane/provisioner/results.ts';
import { checkEvent } from '../../../core/events/schemas.ts';
import type { Envelope } from '../../../core/ports/event-bus.ts';

const NOW = Date.parse('2026-01-02T03:04:05.678Z');
const results = createResults(
  () => NOW,
  (length) => new Uint8Array(length),
  'http://platform.test/api',
);
const STEPS = [{ name: 'create cluster', status: 'done', startedAt: '2026-01-02T03:04:05.000Z' }] as const;
const OUTCOME = { tenantId: 'acme0000', registrationId: 'reg-1', steps: STEPS };
const CONFIG = { issuer: 'http://platform.test/realms/pool', clientId: 'app' };

describe('ON-4: the result of', () => {
  test.each<[what: string, event: Envelope, name: string, status: string, data: object]>([
    [
      'an onboarding',
      results.provisioned(OUTCOME, { name: 'Acme', email: 'a@acme.example' }, CONFIG, {}),
      'provisionSuccess',
      'created',
      {
        tenantName: 'Acme',
        email: 'a@acme.example',
        tenantConfig: JSON.stringify({
          authServer: 'http://platform.test/realms/pool',
          clientId: 'app',
          wellKnownEndpointUrl: 'http://platform.test/realms/pool/.well-known/openid-configuration',
          apiUrl: 'http://platform.test/api',
          tenantName: 'Acme',
        }),
      },
    ],
    [
      'a failed onboarding',
      results.provisionFailed(OUTCOME, 'no room'),
      'provisionFailure',
      'failed',
      { reason: 'no room' },
    ],
    ['an offboarding', results.deprovisioned(OUTCOME), 'deprovisionSuccess', 'deleted', {}],
    [
      'a failed offboarding',
      results.deprovisionFailed(OUTCOME, 'no room'),
      'deprovisionFailure',
      'failed',
      { reason: 'no room' },
    ],
  ])('%s names the tenant, its registration, the state and the steps', (_what, event, name, status, data) => {
    checkEvent(event);
    const cause = 'reason' in data ? { reason: data.reason } : {};
    expect(event).toEqual({
      id: expect.stringMatching(/^[0-9a-z]{26}$/),
      source: 'applicationPlaneEventSource',
      detailType: name,
      time: '2026-01-02T03:04:05.678Z',
      detail: {
        tenantRegistrationId: 'reg-1',
        tenantId: 'acme0000',
        ...('email' in data && { tenantName: 'Acme', email: 'a@acme.example' }),
        jobOutput: {
          tenantRegistrationData: { registrationStatus: status, ...cause },
          tenantData: { ...data, tenantStatus: status, steps: STEPS },
        },
      },
    });
  });
});

test('a provisionSuccess carries the registered prices beside the tenant id, and never as data to store', () => {
  const prices = [{ id: 'p1', metricName: 'm' }];
  const event = results.provisioned(OUTCOME, { name: 'Acme', email: 'a@acme.example', prices }, CONFIG, {});
  checkEvent(event);
  expect(event.detail).toMatchObject({ tenantId: 'acme0000', tenantName: 'Acme', email: 'a@acme.example', prices });
  expect(JSON.stringify(event.detail.jobOutput)).not.toContain('p1');
});

test("a provisionSuccess has every field that SBT's own billing target reads of its event", () => {
  const target = 'node_modules/@cdklabs/sbt-aws/resources/functions/mock-billing/create-customer/index.py';
  const fields = [...readFileSync(target, 'utf8').matchAll(/event\["detail"\]\["(\w+)"\]/g)].map((match) => match[1]);
  expect(fields).toEqual(['tenantId', 'email']);
  const event = results.provisioned(OUTCOME, { name: 'Acme', email: 'a@acme.example' }, CONFIG, {});
  for (const field of fields) expect(event.detail).toHaveProperty(field ?? '');
});

test('the API of a tenant behind one of several load balancers has the path of its load balancer', () => {
  const event = results.provisioned(OUTCOME, { name: 'Acme', email: 'a@acme.example' }, CONFIG, {
    shard: { number: 2 },
  });
  const { tenantConfig } = (event.detail.jobOutput as { tenantData: { tenantConfig: string } }).tenantData;
  expect(JSON.parse(tenantConfig)).toMatchObject({ apiUrl: 'http://platform.test/api/s2' });
});

test('on AWS, the configuration also has the keys that clients of the ECS reference architecture read', () => {
  const config = { ...CONFIG, userPoolId: 'eu-west-1_abc' };
  const customer = { name: 'Acme', email: 'a@acme.example' };
  const { detail } = results.provisioned(OUTCOME, customer, config, { shard: { number: 1, priority: 100 } });
  const { tenantConfig } = (detail.jobOutput as { tenantData: { tenantConfig: string } }).tenantData;
  expect(JSON.parse(tenantConfig)).toEqual({
    ...{ authServer: CONFIG.issuer, clientId: CONFIG.clientId, tenantName: 'Acme' },
    wellKnownEndpointUrl: `${CONFIG.issuer}/.well-known/openid-configuration`,
    apiUrl: 'http://platform.test/api/s1',
    ...{ userPoolId: 'eu-west-1_abc', appClientId: CONFIG.clientId, apiGatewayUrl: 'http://platform.test/api/s1' },
  });
});
