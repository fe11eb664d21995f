import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { resultsConsumer } from '../../../control-plane/api/tenants/results-consumer.ts';
import { type EventName, envelope } from '../../../core/events/events.ts';
import type { Envelope } from '../../../core/ports/event-bus.ts';
import type { TenantState } from '../../../core/tenant/lifecycle.ts';
import { type Body, type Home, type Reply, startHome } from './home.ts';

let home: Home;
let consumer: ReturnType<typeof resultsConsumer>;
let count = 0;
beforeAll(async () => {
  home = await startHome({ steps: [{ name: 'user-pool', status: 'running', startedAt: '2026-01-01T00:00:00.000Z' }] });
  consumer = resultsConsumer(home.deps);
});
afterAll(async () => home[Symbol.asyncDispose]());

interface Ids {
  readonly tenantId: string;
  readonly tenantRegistrationId: string;
}

const CONFIG = '{"authServer":"https://issuer","clientId":"tierplane-app"}';
const STATUS = {
  provisionSuccess: 'created',
  provisionFailure: 'failed',
  deprovisionSuccess: 'deleted',
  deprovisionFailure: 'failed',
} as const;
type Result = keyof typeof STATUS;

function result(name: Result, ids: Ids, tenantData: Body = {}): Envelope {
  const status = STATUS[name];
  const detail = {
    ...ids,
    jobOutput: {
      tenantRegistrationData: { registrationStatus: status },
      tenantData: { tenantStatus: status, ...tenantData },
    },
  };
  return envelope(`event-${++count}`, name satisfies EventName, detail, home.deps.clock.now());
}

async function tenant({ tenantId }: Ids): Promise<Body> {
  return (await home.call('GET', `/tenants/${tenantId}`)).body.data;
}

async function stateOf(ids: Ids): Promise<TenantState> {
  return (await tenant(ids)).state;
}

const remove = ({ tenantRegistrationId }: Ids) => home.call('DELETE', `/tenant-registrations/${tenantRegistrationId}`);
const retry = ({ tenantRegistrationId }: Ids) =>
  home.call('POST', `/tenant-registrations/${tenantRegistrationId}/retry`);
const lastEvent = async () => (await home.outbox()).at(-1);

describe('ON-4: the state of a tenant', () => {
  test('goes registered, provisioning, active, deprovisioning, deleted', async () => {
    const ids = await home.register('Whole Way');
    expect(await stateOf(ids)).toBe('registered');
    await consumer.handle((await lastEvent()) as Envelope);
    expect(await stateOf(ids)).toBe('provisioning');
    const steps = [{ name: 'route', status: 'done', startedAt: '2026-01-01T00:00:00.000Z' }];
    await consumer.handle(result('provisionSuccess', ids, { tenantConfig: CONFIG, steps }));
    expect(await tenant(ids)).toMatchObject({ state: 'active', tenantStatus: 'created', tenantConfig: CONFIG, steps });
    expect((await home.call('GET', '/tenant-config/whole-way', undefined, { token: 'none' })).body).toEqual(
      JSON.parse(CONFIG),
    );
    await remove(ids);
    expect(await tenant(ids)).toMatchObject({ state: 'deprovisioning', sbtaws_active: false });
    await consumer.handle(result('deprovisionSuccess', ids));
    const registration = await home.call('GET', `/tenant-registrations/${ids.tenantRegistrationId}`);
    expect(registration.body.data).toMatchObject({
      registrationStatus: 'deleted',
      state: 'deleted',
      sbtaws_active: false,
    });
  });

  test('is failed, with the reason, in every response that shows the tenant', async () => {
    const ids = await home.register('Failing');
    await consumer.handle(result('provisionFailure', ids, { reason: 'the quota of cells is used up' }));
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
    expect([...consumer.detailTypes].sort()).toEqual([
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
      await remove(ids);
      const events = order.map((name) => result(name, ids));
      for (const event of [...events, ...events]) await consumer.handle(event);
      expect([order, await stateOf(ids)]).toEqual([order, 'deleted']);
    }
  });

  test('never revive a tenant that is being deleted', async () => {
    const ids = await home.register('Late');
    await remove(ids);
    await consumer.handle(result('provisionSuccess', ids, { tenantConfig: CONFIG }));
    await consumer.handle(result('provisionFailure', ids));
    expect(await tenant(ids)).toMatchObject({ state: 'deprovisioning', sbtaws_active: false });
    expect((await tenant(ids)).tenantConfig).toBeUndefined();
  });

  test('never turn a success into a failure', async () => {
    const ids = await home.register('Reordered');
    const failure = result('provisionFailure', ids);
    await consumer.handle(result('provisionSuccess', ids));
    await consumer.handle(failure);
    expect(await stateOf(ids)).toBe('active');
  });

  test('never delete a tenant whose deletion was not requested', async () => {
    const ids = await home.register('Kept');
    await consumer.handle(result('provisionSuccess', ids));
    await consumer.handle(result('deprovisionSuccess', ids));
    expect(await stateOf(ids)).toBe('active');
  });

  test('have their effect once: a replayed failure does not undo the retry', async () => {
    const ids = await home.register('Replayed');
    const failure = result('provisionFailure', ids);
    await consumer.handle(failure);
    await retry(ids);
    await consumer.handle(failure);
    expect(await stateOf(ids)).toBe('provisioning');
  });

  test('are applied once, even if ten arrive at the same time as other changes', async () => {
    const ids = await home.register('Crowded');
    const success = result('provisionSuccess', ids, { tenantConfig: CONFIG });
    const path = `/tenant-registrations/${ids.tenantRegistrationId}`;
    const changes = Array.from({ length: 4 }, (_, i) => home.call('PATCH', path, { tenantData: { [`k${i}`]: i } }));
    await Promise.all([...Array.from({ length: 10 }, () => consumer.handle(success)), ...changes]);
    expect(await tenant(ids)).toMatchObject({ state: 'active', tenantConfig: CONFIG, k0: 0, k1: 1, k2: 2, k3: 3 });
  });

  test('have the same effect as PATCH requests of the machine client', async () => {
    const ids = await home.register('By Patch');
    const path = `/tenant-registrations/${ids.tenantRegistrationId}`;
    const report = (word: string) =>
      home.call('PATCH', path, { tenantRegistrationData: { registrationStatus: word } }, { token: 'machine' });
    await report('Created');
    await report('In progress');
    await report('failed');
    expect(await tenant(ids)).toMatchObject({ state: 'active' });
    await remove(ids);
    await report('created');
    expect(await stateOf(ids)).toBe('deprovisioning');
    await report('deleted');
    await report('failed');
    const { status, body } = await report('created');
    expect([status, body.data.tenantRegistration.state]).toEqual([200, 'deleted']);
  });

  test('are refused, and so become dead letters, if they are not valid', async () => {
    const ids = await home.register('Sensible');
    const unknown = { tenantId: 'zzzzzzzzzz', tenantRegistrationId: 'reg-zzzzzzzzzz' };
    await expect(consumer.handle(result('provisionSuccess', unknown))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const forged = { ...result('provisionSuccess', ids), source: 'controlPlaneEventSource' };
    await expect(consumer.handle(forged)).rejects.toMatchObject({ code: 'INVALID' });
    const request = envelope('event-of-no-result', 'offboardingRequest', { ...ids }, home.deps.clock.now());
    await expect(consumer.handle(request)).rejects.toMatchObject({
      code: 'INVALID',
      message: "event must be a result, got 'offboardingRequest'",
    });
    await expect(consumer.handle(result('provisionSuccess', ids, { tenantConfig: 'x' }))).rejects.toMatchObject({
      code: 'INVALID',
    });
    expect(await stateOf(ids)).toBe('registered');
  });
});

describe('ON-5: retry', () => {
  test('requests a failed onboarding again', async () => {
    const ids = await home.register('Second Try', 'advanced');
    await consumer.handle(result('provisionFailure', ids, { reason: 'no room' }));
    const { status, body } = await retry(ids);
    expect([status, body.data.state]).toEqual([200, 'provisioning']);
    expect((await tenant(ids)).reason).toBeUndefined();
    expect(await lastEvent()).toMatchObject({
      detailType: 'onboardingRequest',
      detail: { ...ids, tier: 'advanced', registrationStatus: 'In progress' },
    });
    expect((await retry(ids)).status).toBe(409);
    await consumer.handle(result('provisionSuccess', ids));
    expect((await retry(ids)).status).toBe(409);
  });

  test('requests a failed offboarding again, and so does another DELETE', async () => {
    const ids = await home.register('Stuck');
    await remove(ids);
    await consumer.handle(result('deprovisionFailure', ids, { reason: 'a task does not end' }));
    expect(await tenant(ids)).toMatchObject({ state: 'failed', reason: 'a task does not end', sbtaws_active: false });
    expect((await retry(ids)).status).toBe(200);
    expect(await lastEvent()).toMatchObject({ detailType: 'offboardingRequest', detail: ids });
    await consumer.handle(result('deprovisionFailure', ids));
    expect((await remove(ids)).status).toBe(200);
    expect((await remove(ids)).status).toBe(409);
    await consumer.handle(result('deprovisionSuccess', ids));
    expect([(await retry(ids)).status, (await remove(ids)).status]).toEqual([409, 409]);
  });

  test('requests an onboarding again that has stalled', async () => {
    const ids = await home.register('Stalled');
    expect((await retry(ids)).status).toBe(409);
    home.advance(10 * 60_000);
    expect((await retry(ids)).status).toBe(200);
    expect((await retry(ids)).status).toBe(409);
  });
});

describe('ON-4: the actions of a tenant', () => {
  const allowedOf = ({ actions }: Body): Record<string, boolean> =>
    Object.fromEntries(actions.map(({ name, allowed }: Body) => [name, allowed]));

  test('are listed by the tenant and by the list of tenants, with the reason where one is not allowed', async () => {
    const ids = await home.register('Acting');
    const shown = await tenant(ids);
    expect(allowedOf(shown)).toEqual({ edit: true, retry: false, delete: true });
    expect(shown.actions.filter(({ allowed }: Body) => !allowed)).toEqual([
      { name: 'retry', allowed: false, reason: expect.stringMatching(/^Onboarding is in progress/) },
    ]);
    const [listed] = (await home.call('GET', '/tenants?name=acting')).body.data;
    expect(listed.actions).toEqual(shown.actions);
  });

  test('are those that requests succeed with; other requests are refused with the reason', async () => {
    const path = ({ tenantRegistrationId }: Ids) => `/tenant-registrations/${tenantRegistrationId}`;
    const request: Record<string, (ids: Ids) => Promise<Reply>> = {
      edit: (ids) => home.call('PATCH', path(ids), { tenantData: { note: ++count } }),
      retry,
      delete: remove,
    };
    const afterRemoval = async (ids: Ids, event: Result) => {
      await remove(ids);
      await consumer.handle(result(event, ids));
    };
    const stages: Record<string, (ids: Ids) => Promise<unknown>> = {
      Registered: async () => undefined,
      Served: (ids) => consumer.handle(result('provisionSuccess', ids)),
      Broken: (ids) => consumer.handle(result('provisionFailure', ids)),
      Leaving: remove,
      Kept: (ids) => afterRemoval(ids, 'deprovisionFailure'),
      Gone: (ids) => afterRemoval(ids, 'deprovisionSuccess'),
    };
    for (const [stage, reach] of Object.entries(stages)) {
      for (const [name, send] of Object.entries(request)) {
        const ids = await home.register(`${stage} ${name}`);
        await reach(ids);
        const action = (await tenant(ids)).actions.find((one: Body) => one.name === name);
        const { status, body } = await send(ids);
        expect([stage, name, status]).toEqual([stage, name, action.allowed ? 200 : 409]);
        if (!action.allowed) expect(body.message).toBe(action.reason);
      }
    }
  });
});

test('ON-11: progress shows the steps of the current run, and afterwards the reported ones', async () => {
  const ids = await home.register('Watched');
  const { body } = await home.call('GET', `/tenants/${ids.tenantId}/progress`);
  expect(body.data).toMatchObject({ state: 'registered', steps: [{ name: 'user-pool', status: 'running' }] });
  await remove(ids);
  const steps = [
    { name: 'route', status: 'done', startedAt: '2026-01-01T00:00:00.000Z', endedAt: '2026-01-01T00:00:01.000Z' },
  ];
  await consumer.handle(result('deprovisionSuccess', ids, { steps }));
  expect((await home.call('GET', `/tenants/${ids.tenantId}/progress`)).body.data).toMatchObject({
    state: 'deleted',
    steps,
  });
});

test('a deleted tenant can be read by id, is not listed, and its name and email are free again', async () => {
  const first = await home.register('Phoenix');
  await remove(first);
  expect(
    (
      await home.call('POST', '/tenant-registrations', {
        tenantData: { tenantName: 'Phoenix', email: 'x@x.example', tier: 'basic' },
      })
    ).status,
  ).toBe(409);
  await consumer.handle(result('deprovisionSuccess', first));
  const second = await home.register('Phoenix');
  expect(await stateOf(first)).toBe('deleted');
  const ids = async (query: string) =>
    (await home.call('GET', `/tenants?name=phoenix${query}`)).body.data.map((one: Ids) => one.tenantId);
  expect(await ids('')).toEqual([second.tenantId]);
  expect(await ids('&include=deleted')).toEqual([second.tenantId, first.tenantId]);
  expect(await ids('&state=deleted')).toEqual([first.tenantId]);
});

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
}
