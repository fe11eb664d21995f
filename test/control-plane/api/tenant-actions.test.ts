import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Body, type Home, type Reply, startHome } from './home.ts';
import { type Ids, type Result, type Tenants, tenantsOf } from './tenants.ts';

let home: Home;
let tenants: Tenants;
let count = 0;
beforeAll(async () => {
  home = await startHome({ steps: [{ name: 'user-pool', status: 'running', startedAt: '2026-01-01T00:00:00.000Z' }] });
  tenants = tenantsOf(home);
});
afterAll(async () => home[Symbol.asyncDispose]());

describe('ON-5: retry', () => {
  test('requests a failed onboarding again', async () => {
    const ids = await home.register('Second Try', 'advanced');
    await tenants.report('provisionFailure', ids, { reason: 'no room' });
    const { status, body } = await tenants.retry(ids);
    expect([status, body.data.state]).toEqual([200, 'provisioning']);
    expect((await tenants.get(ids)).reason).toBeUndefined();
    expect(await tenants.lastEvent()).toMatchObject({
      detailType: 'onboardingRequest',
      detail: { ...ids, tier: 'advanced', registrationStatus: 'In progress' },
    });
    expect((await tenants.retry(ids)).status).toBe(409);
    await tenants.report('provisionSuccess', ids);
    expect((await tenants.retry(ids)).status).toBe(409);
  });

  test('requests a failed offboarding again, and so does another DELETE', async () => {
    const ids = await home.register('Stuck');
    await tenants.remove(ids);
    await tenants.report('deprovisionFailure', ids, { reason: 'a task does not end' });
    expect(await tenants.get(ids)).toMatchObject({
      state: 'failed',
      reason: 'a task does not end',
      sbtaws_active: false,
    });
    expect((await tenants.retry(ids)).status).toBe(200);
    expect(await tenants.lastEvent()).toMatchObject({ detailType: 'offboardingRequest', detail: ids });
    await tenants.report('deprovisionFailure', ids);
    expect((await tenants.remove(ids)).status).toBe(200);
    expect((await tenants.remove(ids)).status).toBe(409);
    await tenants.report('deprovisionSuccess', ids);
    expect([(await tenants.retry(ids)).status, (await tenants.remove(ids)).status]).toEqual([409, 409]);
  });

  test('requests an onboarding again that has stalled', async () => {
    const ids = await home.register('Stalled');
    expect((await tenants.retry(ids)).status).toBe(409);
    home.advance(10 * 60_000);
    expect((await tenants.retry(ids)).status).toBe(200);
    expect((await tenants.retry(ids)).status).toBe(409);
  });
});

describe('ON-4: the actions of a tenant', () => {
  const allowedOf = ({ actions }: Body): Record<string, boolean> =>
    Object.fromEntries(actions.map(({ name, allowed }: Body) => [name, allowed]));

  test('are listed by the tenant and by the list of tenants, with the reason where one is not allowed', async () => {
    const ids = await home.register('Acting');
    const shown = await tenants.get(ids);
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
      retry: tenants.retry,
      delete: tenants.remove,
    };
    const afterRemoval = async (ids: Ids, event: Result) => {
      await tenants.remove(ids);
      await tenants.report(event, ids);
    };
    const stages: Record<string, (ids: Ids) => Promise<unknown>> = {
      Registered: async () => undefined,
      Served: (ids) => tenants.report('provisionSuccess', ids),
      Broken: (ids) => tenants.report('provisionFailure', ids),
      Leaving: tenants.remove,
      Kept: (ids) => afterRemoval(ids, 'deprovisionFailure'),
      Gone: (ids) => afterRemoval(ids, 'deprovisionSuccess'),
    };
    for (const [stage, reach] of Object.entries(stages)) {
      for (const [name, send] of Object.entries(request)) {
        const ids = await home.register(`${stage} ${name}`);
        await reach(ids);
        const action = (await tenants.get(ids)).actions.find((one: Body) => one.name === name);
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
  await tenants.remove(ids);
  const steps = [
    { name: 'route', status: 'done', startedAt: '2026-01-01T00:00:00.000Z', endedAt: '2026-01-01T00:00:01.000Z' },
  ];
  await tenants.report('deprovisionSuccess', ids, { steps });
  expect((await home.call('GET', `/tenants/${ids.tenantId}/progress`)).body.data).toMatchObject({
    state: 'deleted',
    steps,
  });
});

test('a deleted tenant can be read by id, is not listed, and its name and email are free again', async () => {
  const first = await home.register('Phoenix');
  await tenants.remove(first);
  expect(
    (
      await home.call('POST', '/tenant-registrations', {
        tenantData: { tenantName: 'Phoenix', email: 'x@x.example', tier: 'basic' },
      })
    ).status,
  ).toBe(409);
  await tenants.report('deprovisionSuccess', first);
  const second = await home.register('Phoenix');
  expect(await tenants.stateOf(first)).toBe('deleted');
  const ids = async (query: string) =>
    (await home.call('GET', `/tenants?name=phoenix${query}`)).body.data.map((one: Ids) => one.tenantId);
  expect(await ids('')).toEqual([second.tenantId]);
  expect(await ids('&include=deleted')).toEqual([second.tenantId, first.tenantId]);
  expect(await ids('&state=deleted')).toEqual([first.tenantId]);
});
