import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { resultsConsumer } from '../../../../control-plane/api/tenants/results-consumer.ts';
import { type EventName, envelope } from '../../../../core/events/events.ts';
import type { JsonObject } from '../../../../core/ports/table.ts';
import { put } from '../../../../core/ports/table.ts';
import type { TenantState } from '../../../../core/tenant/lifecycle.ts';
import { type TenantRecord, tenantItem } from '../../../../core/tenant/record.ts';
import { openStoredTenants, type StoredTenants } from './stored-tenants.ts';

const IDS = { tenantId: 'acme0000', tenantRegistrationId: 'reg-acme0000' };

let tenants: StoredTenants;
let states: [tenantId: string, state: TenantState][];
let forgotten: string[];
let count: number;
beforeEach(async () => {
  tenants = await openStoredTenants();
  [states, forgotten, count] = [[], [], 0];
});
afterEach(async () => tenants[Symbol.asyncDispose]());

function consumer() {
  const bus = { forgetTenant: async (tenantId: string) => void forgotten.push(tenantId) };
  return resultsConsumer({ ...tenants.deps, bus }, (...change) => states.push(change));
}

function event(name: EventName, detail: JsonObject) {
  return envelope(`event-${++count}`, name, { ...IDS, ...detail }, tenants.deps.clock.now());
}

function result(name: EventName, registrationStatus: string, tenantData: JsonObject = {}) {
  const jobOutput = {
    tenantRegistrationData: { registrationStatus },
    tenantData: { tenantStatus: 'x', ...tenantData },
  };
  return event(name, { jobOutput });
}

/** The tenant after an event. */
async function applied(fields: Partial<TenantRecord>, ...events: ReturnType<typeof event>[]) {
  await tenants.insert(fields);
  for (const one of events) await consumer().handle(one);
  const { state, registrationStatus } = (await tenants.item())?.data ?? {};
  return { state, registrationStatus };
}

const LEAVING = { state: 'deprovisioning', active: false } as const;

describe('ON-4: a result of the application plane', () => {
  test.each<[name: EventName, status: string, before: Partial<TenantRecord>, state: TenantState, kept: string]>([
    ['provisionSuccess', 'Created', { state: 'provisioning' }, 'active', 'Created'],
    ['provisionSuccess', 'failed', { state: 'provisioning' }, 'active', 'created'],
    ['provisionFailure', 'somehow', { state: 'provisioning' }, 'failed', 'failed'],
    ['deprovisionSuccess', 'DELETED', LEAVING, 'deleted', 'DELETED'],
    ['deprovisionFailure', 'deleted', LEAVING, 'failed', 'failed'],
    ['provisionFailure', 'failed', LEAVING, 'deprovisioning', 'In progress'],
  ])('%s with the status %s has the meaning of its name', async (name, status, before, state, kept) => {
    expect(await applied(before, result(name, status))).toEqual({ state, registrationStatus: kept });
    expect(states).toEqual([[IDS.tenantId, state]]);
  });

  test('is applied once, and only the first delivery is reported', async () => {
    const failure = result('provisionFailure', 'failed');
    await applied({ state: 'provisioning' }, failure);
    const item = await tenants.item();
    if (item) await tenants.deps.table.transact([put(tenantItem({ ...item.data, state: 'provisioning' }, 9))]);
    await consumer().handle(failure);
    expect((await tenants.item())?.data.state).toBe('provisioning');
    expect(states).toHaveLength(1);
  });

  test('is what the consumer subscribes to, under the name by which deliveries are remembered', () => {
    const { name, detailTypes } = consumer();
    expect(name).toBe('control-plane-results');
    expect(detailTypes.toSorted()).toEqual([
      ...['deprovisionFailure', 'deprovisionSuccess', 'onboardingRequest', 'provisionFailure', 'provisionSuccess'],
    ]);
  });

  test('of an unknown tenant, or one that is not valid, is refused', async () => {
    const refusals = [
      [result('provisionSuccess', 'created'), { code: 'NOT_FOUND' }],
      [
        event('offboardingRequest', {}),
        { code: 'INVALID', message: "event must be a result, got 'offboardingRequest'" },
      ],
      [
        result('provisionSuccess', 'created', { tenantConfig: '[]' }),
        { code: 'INVALID', issues: [{ loc: ['body', 'tenantData', 'tenantConfig'] }] },
      ],
      [{ ...result('provisionSuccess', 'created'), source: 'controlPlaneEventSource' }, { code: 'INVALID' }],
      [event('provisionSuccess', {}), { code: 'INVALID' }],
    ] as const;
    for (const [one, error] of refusals) await expect(consumer().handle(one)).rejects.toMatchObject(error);
    expect(states).toEqual([]);
  });
});

test('ON-4: the own request for onboarding shows that provisioning is in progress', async () => {
  const request = event('onboardingRequest', { tenantName: 'Acme', email: 'boss@acme.example', tier: 'basic' });
  expect(await applied({ state: 'registered' }, request)).toEqual({
    state: 'provisioning',
    registrationStatus: 'In progress',
  });
  expect(states).toEqual([[IDS.tenantId, 'provisioning']]);
});

describe('ON-6: the bus forgets a tenant', () => {
  test('that is deleted, also after a delivery that ended between the two', async () => {
    const deleted = result('deprovisionSuccess', 'deleted');
    await applied(LEAVING, deleted, deleted);
    expect(forgotten).toEqual([IDS.tenantId, IDS.tenantId]);
  });

  test.each<[name: EventName, before: Partial<TenantRecord>]>([
    ['deprovisionSuccess', {}],
    ['deprovisionFailure', LEAVING],
    ['provisionFailure', { state: 'deleted', active: false }],
  ])('not after %s of a tenant %j', async (name, before) => {
    await applied(before, result(name, 'failed'));
    expect(forgotten).toEqual([]);
  });
});

test('a consumer without a listener applies results', async () => {
  await tenants.insert({ state: 'provisioning' });
  const bus = { forgetTenant: async () => undefined };
  await resultsConsumer({ ...tenants.deps, bus }).handle(result('provisionSuccess', 'created'));
  expect((await tenants.item())?.data.state).toBe('active');
});
