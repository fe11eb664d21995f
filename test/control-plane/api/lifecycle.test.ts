import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { envelope } from '../../../core/events/events.ts';
import type { Envelope } from '../../../core/ports/event-bus.ts';
import { type Home, startHome } from './home.ts';
import { CONFIG, type Tenants, tenantsOf } from './tenants.ts';

let home: Home;
let tenants: Tenants;
let count = 0;
beforeAll(async () => {
  home = await startHome();
  tenants = tenantsOf(home);
});
afterAll(async () => home[Symbol.asyncDispose]());

describe('ON-4: the state of a tenant', () => {
  test('goes registered, provisioning, active, deprovisioning, deleted', async () => {
    const ids = await home.register('Whole Way');
    expect(await tenants.stateOf(ids)).toBe('registered');
    await tenants.consumer.handle((await tenants.lastEvent()) as Envelope);
    expect(await tenants.stateOf(ids)).toBe('provisioning');
    const steps = [{ name: 'route', status: 'done', startedAt: '2026-01-01T00:00:00.000Z' }];
    await tenants.report('provisionSuccess', ids, { tenantConfig: CONFIG, steps });
    expect(await tenants.get(ids)).toMatchObject({
      state: 'active',
      tenantStatus: 'created',
      tenantConfig: CONFIG,
      steps,
    });
    expect((await home.call('GET', '/tenant-config/whole-way', undefined, { token: 'none' })).body).toEqual(
      JSON.parse(CONFIG),
    );
    await tenants.remove(ids);
    expect(await tenants.get(ids)).toMatchObject({ state: 'deprovisioning', sbtaws_active: false });
    await tenants.report('deprovisionSuccess', ids);
    const registration = await home.call('GET', `/tenant-registrations/${ids.tenantRegistrationId}`);
    expect(registration.body.data).toMatchObject({
      registrationStatus: 'deleted',
      state: 'deleted',
      sbtaws_active: false,
    });
  });

  test('is failed, with the reason, in every response that shows the tenant', async () => {
    const ids = await home.register('Failing');
    await tenants.report('provisionFailure', ids, { reason: 'the quota of cells is used up' });
    const shown = await Promise.all([
      home.call('GET', `/tenants/${ids.tenantId}`),
      home.call('GET', `/tenants/${ids.tenantId}/progress`),
      home.call('GET', `/tenant-registrations/${ids.tenantRegistrationId}`),
    ]);
    const listed = (await home.call('GET', '/tenants?state=failed&name=failing')).body.data;
    expect(listed).toHaveLength(1);
    for (const one of [...shown.map(({ body }) => body.data), ...listed]) {
      expect(one).toMatchObject({ state: 'failed', reason: 'the quota of cells is used up' });
    }
  });
});

describe('events that arrive more than once, late or out of order', () => {
  test('are the results of the application plane and the own requests for onboarding', () => {
    expect([...tenants.consumer.detailTypes].sort()).toEqual([
      'deprovisionFailure',
      'deprovisionSuccess',
      'onboardingRequest',
      'provisionFailure',
      'provisionSuccess',
    ]);
  });

  test('ON-4: end in the same state in every order', async () => {
    const orders = permutations([
      'provisionFailure',
      'provisionSuccess',
      'deprovisionFailure',
      'deprovisionSuccess',
    ] as const);
    for (const order of orders) {
      const ids = await home.register(`Order ${order.map((name) => name.length).join(' ')} ${++count}`);
      await tenants.remove(ids);
      const events = order.map((name) => tenants.result(name, ids));
      for (const event of [...events, ...events]) await tenants.consumer.handle(event);
      expect([order, await tenants.stateOf(ids)]).toEqual([order, 'deleted']);
    }
  });

  test('never revive a tenant that is being deleted', async () => {
    const ids = await home.register('Late');
    await tenants.remove(ids);
    await tenants.report('provisionSuccess', ids, { tenantConfig: CONFIG });
    await tenants.report('provisionFailure', ids);
    expect(await tenants.get(ids)).toMatchObject({ state: 'deprovisioning', sbtaws_active: false });
    expect((await tenants.get(ids)).tenantConfig).toBeUndefined();
  });

  test('never turn a success into a failure', async () => {
    const ids = await home.register('Reordered');
    const failure = tenants.result('provisionFailure', ids);
    await tenants.report('provisionSuccess', ids);
    await tenants.consumer.handle(failure);
    expect(await tenants.stateOf(ids)).toBe('active');
  });

  test('never delete a tenant whose deletion was not requested', async () => {
    const ids = await home.register('Kept');
    await tenants.report('provisionSuccess', ids);
    await tenants.report('deprovisionSuccess', ids);
    expect(await tenants.stateOf(ids)).toBe('active');
  });

  test('have their effect once: a replayed failure does not undo the retry', async () => {
    const ids = await home.register('Replayed');
    const failure = tenants.result('provisionFailure', ids);
    await tenants.consumer.handle(failure);
    await tenants.retry(ids);
    await tenants.consumer.handle(failure);
    expect(await tenants.stateOf(ids)).toBe('provisioning');
  });

  test('are applied once, even if ten arrive at the same time as other changes', async () => {
    const ids = await home.register('Crowded');
    const success = tenants.result('provisionSuccess', ids, { tenantConfig: CONFIG });
    const path = `/tenant-registrations/${ids.tenantRegistrationId}`;
    const changes = Array.from({ length: 4 }, (_, i) => home.call('PATCH', path, { tenantData: { [`k${i}`]: i } }));
    await Promise.all([...Array.from({ length: 10 }, () => tenants.consumer.handle(success)), ...changes]);
    expect(await tenants.get(ids)).toMatchObject({ state: 'active', tenantConfig: CONFIG, k0: 0, k1: 1, k2: 2, k3: 3 });
  });

  test('have the same effect as PATCH requests of the machine client', async () => {
    const ids = await home.register('By Patch');
    const path = `/tenant-registrations/${ids.tenantRegistrationId}`;
    const report = (word: string) =>
      home.call('PATCH', path, { tenantRegistrationData: { registrationStatus: word } }, { token: 'machine' });
    await report('Created');
    await report('In progress');
    await report('failed');
    expect(await tenants.get(ids)).toMatchObject({ state: 'active' });
    await tenants.remove(ids);
    await report('created');
    expect(await tenants.stateOf(ids)).toBe('deprovisioning');
    await report('deleted');
    await report('failed');
    const { status, body } = await report('created');
    expect([status, body.data.tenantRegistration.state]).toEqual([200, 'deleted']);
  });

  test('are refused, and so become dead letters, if they are not valid', async () => {
    const ids = await home.register('Sensible');
    const unknown = { tenantId: 'zzzzzzzzzz', tenantRegistrationId: 'reg-zzzzzzzzzz' };
    await expect(tenants.report('provisionSuccess', unknown)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const forged = { ...tenants.result('provisionSuccess', ids), source: 'controlPlaneEventSource' };
    await expect(tenants.consumer.handle(forged)).rejects.toMatchObject({ code: 'INVALID' });
    const request = envelope('event-of-no-result', 'offboardingRequest', { ...ids }, home.deps.clock.now());
    await expect(tenants.consumer.handle(request)).rejects.toMatchObject({
      code: 'INVALID',
      message: "event must be a result, got 'offboardingRequest'",
    });
    await expect(tenants.report('provisionSuccess', ids, { tenantConfig: 'x' })).rejects.toMatchObject({
      code: 'INVALID',
    });
    expect(await tenants.stateOf(ids)).toBe('registered');
  });
});

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
}
