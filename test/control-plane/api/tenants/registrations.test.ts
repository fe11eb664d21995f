import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Principal } from '../../../../control-plane/api/http/http.ts';
import { applyReport } from '../../../../control-plane/api/tenants/changes.ts';
import { insertTenant } from '../../../../control-plane/api/tenants/tenant-store.ts';
import { stagedKey } from '../../../../core/identity/users/user-records.ts';
import type { Step } from '../../../../core/progress/step.ts';
import type { TenantRecord } from '../../../../core/tenant/record.ts';
import type { Body } from '../home.ts';
import { ADMIN, type LightHome, startLightHome } from '../light-home.ts';
import { NOW, tenantRecord } from './stored-tenants.ts';

const MACHINE: { principal: Principal } = { principal: { kind: 'machine' } };
const PASSWORD = 'Correct-horse-7';
const RUNNING: Step = { name: 'user-pool', status: 'running', startedAt: NOW };
const REPORTED: Step = { name: 'route', status: 'done', startedAt: NOW };
const NOBODY = 'reg-globex00';

let home: LightHome;
beforeEach(async () => {
  home = await startLightHome([RUNNING]);
});
afterEach(async () => home[Symbol.asyncDispose]());

async function stored(fields: Partial<TenantRecord> = {}): Promise<void> {
  await insertTenant(home.deps, tenantRecord(fields), []);
}

const data = (tenantName = 'Acme', more: object = {}): Body => ({
  tenantData: { tenantName, email: 'boss@acme.example', tier: 'basic', plan: 'x', ...more },
});
const register = (body: Body = data(), options = {}) => home.call('POST', '/tenant-registrations', body, options);
const eventOf = async (tenantName = 'Acme') =>
  (await home.outbox()).find(({ detail }) => detail.tenantName === tenantName);

describe('ON-1: a registration', () => {
  test('gets its ids, its event and, on request, the password of its first administrator', async () => {
    const { status, body } = await register({
      ...data(),
      tenantRegistrationData: { channel: 'fair' },
      adminPassword: PASSWORD,
    });
    const { tenantId } = body.data;
    const ids = { tenantId, tenantRegistrationId: `reg-${tenantId}` };
    expect([status, body]).toEqual([201, { data: { ...ids, message: 'Tenant registration initiated' } }]);
    const tenant = (await home.call('GET', `/tenants/${tenantId}`)).body.data;
    expect(tenant).toMatchObject({
      ...ids,
      ...data().tenantData,
      state: 'registered',
      sbtaws_active: true,
      created: NOW,
      modified: NOW,
    });
    const { detailType, detail } = (await eventOf()) ?? {};
    expect([detailType, detail]).toEqual(['onboardingRequest', { ...ids, ...data().tenantData, channel: 'fair' }]);
    expect(await home.deps.table.get(stagedKey(tenantId))).toMatchObject({ data: { email: 'boss@acme.example' } });
  });

  test("has its status in the event only if the client has sent one, as in AWS's SaaS Builder Toolkit", async () => {
    await register({ ...data(), tenantRegistrationData: { registrationStatus: 'In progress' } });
    expect((await eventOf())?.detail).toMatchObject({ registrationStatus: 'In progress' });
    await register(data('Globex', { email: 'boss@globex.example' }));
    expect((await eventOf('Globex'))?.detail).not.toHaveProperty('registrationStatus');
  });

  test.each<[what: string, body: Body, status: number, loc: unknown]>([
    ['a reserved name', data('WWW'), 422, ['body', 'tenantData', 'tenantName']],
    ['a weak password', { ...data(), adminPassword: 'weak' }, 422, ['body', 'adminPassword']],
    ['a name that is taken', data('GLOBEX'), 409, undefined],
    ['an email of a user of the pool', data('Acme', { email: 'ANN@pool.example' }), 409, undefined],
  ])('is refused for %s, and stores nothing', async (_what, body, status, loc) => {
    await register(data('Globex', { email: 'boss@globex.example' }));
    const user = { userName: 'ann@pool.example', email: 'ann@pool.example', role: 'TenantUser', tenantId: 'acme0000' };
    await home.deps.identity.createUser('pool', user);
    const before = await home.outbox();
    const refusal = await register(body);
    expect([refusal.status, refusal.body.detail?.[0].loc]).toEqual([status, loc]);
    expect(await home.outbox()).toEqual(before);
  });

  test('of a tier with a realm of its own may have the email of a user of the pool', async () => {
    const user = { userName: 'ann@pool.example', email: 'ann@pool.example', role: 'TenantUser', tenantId: 'acme0000' };
    await home.deps.identity.createUser('pool', user);
    expect((await register(data('Acme', { email: user.email, tier: 'premium' }))).status).toBe(201);
    expect((await register(data('Globex', { email: user.email, tier: 'advanced' }))).status).toBe(409);
  });

  test('with an idempotency key is one registration per caller', async () => {
    const headers = { 'idempotency-key': 'key-1' };
    const first = await register(data(), { headers });
    expect(await register({ ...data(), adminPassword: PASSWORD }, { headers })).toEqual(first);
    expect((await register(data('Else'), { headers })).status).toBe(422);
    // Provisioning has created the administrator meanwhile.
    const { tenantId } = first.body.data;
    const { email } = data().tenantData;
    await home.deps.identity.createUser('pool', { userName: email, email, role: 'TenantAdmin', tenantId });
    expect(await register(data(), { headers })).toEqual(first);
    const named = (userName: string) => ({ ...ADMIN, userName }) as Principal;
    const others: Principal[] = [{ kind: 'machine' }, named('machine'), named('undefined')];
    for (const [i, principal] of others.entries()) {
      const ofOther = { email: `${i}@x.example` };
      expect((await register(data(`Other ${i}`, ofOther), { headers, principal })).status).toBe(201);
    }
    expect((await register(data('Other 9'), { headers: { 'idempotency-key': 'ä' } })).status).toBe(422);
  });
});

describe('a registration that exists', () => {
  const PATH = '/tenant-registrations/reg-acme0000';

  test('is shown with its tenant only if the request named data of the tenant', async () => {
    await stored();
    const own = await home.call('PATCH', PATH, { tenantRegistrationData: { channel: 'web' } });
    const message = 'Tenant registration updated successfully';
    expect(own.body.data).toMatchObject({ tenantRegistration: { channel: 'web' }, tenant: null, message });
    const both = await home.call('PATCH', PATH, { tenantData: { plan: 'y' } });
    expect(both.body.data).toMatchObject({ tenantRegistration: { channel: 'web' }, tenant: { plan: 'y' }, message });
    const report = { tenantRegistrationData: { registrationStatus: 'failed' } };
    const reported = await home.call('PATCH', PATH, { ...report, tenantData: { plan: 'z' } }, MACHINE);
    expect(reported.body.data).toMatchObject({ tenant: { plan: 'y' }, tenantRegistration: { state: 'active' } });
  });

  test('is deleted, and retried', async () => {
    await stored();
    expect(await home.call('DELETE', PATH)).toEqual({
      ...{ status: 200, body: { data: { message: 'Tenant registration deletion initiated' } } },
    });
    home.clock.advance(600_000);
    const ids = { tenantId: 'acme0000', tenantRegistrationId: 'reg-acme0000' };
    const retried = { ...ids, state: 'deprovisioning', message: 'Tenant registration retried' };
    expect(await home.call('POST', `${PATH}/retry`)).toEqual({ status: 200, body: { data: retried } });
  });

  test('shows the same state as its tenant', async () => {
    await stored({ state: 'failed', reason: 'no room', registrationExtras: { channel: 'web' } });
    const { body } = await home.call('GET', PATH);
    expect(body.data).toMatchObject({
      state: 'failed',
      reason: 'no room',
      channel: 'web',
      registrationStatus: 'In progress',
    });
    expect((await home.call('GET', '/tenant-registrations')).body).toEqual({ data: [body.data] });
  });

  test('SE-6: is refused with its own id if it does not exist, before the body is parsed', async () => {
    for (const id of [NOBODY, 'acme0000', 'reg-x', 'tenant-acme0000']) {
      const missing = { status: 404, body: { statusCode: 404, message: `Tenant registration not found for id ${id}` } };
      const path = `/tenant-registrations/${id}`;
      for (const method of ['GET', 'DELETE']) expect(await home.call(method, path)).toEqual(missing);
      for (const options of [{}, MACHINE]) expect(await home.call('PATCH', path, { x: 1 }, options)).toEqual(missing);
      expect(await home.call('POST', `${path}/retry`)).toEqual(missing);
    }
  });

  test('is not called missing because the store fails', async () => {
    Object.assign(home.deps.table, { get: async () => Promise.reject(new Error('disk full')) });
    expect((await home.call('GET', PATH)).status).toBe(500);
  });
});

describe("SBT's internal routes", () => {
  const body = { tenantName: 'Acme', email: 'boss@acme.example', tier: 'basic', plan: 'x' };

  test('register, report and delete a tenant, and respond with it', async () => {
    const made = await home.call('POST', '/tenants', body, MACHINE);
    expect([made.status, made.body.data]).toMatchObject([201, { ...body, state: 'registered' }]);
    expect((await eventOf())?.detail).not.toHaveProperty('registrationStatus');
    const path = `/tenants/${made.body.data.tenantId}`;
    const reported = await home.call('PUT', path, { tenantStatus: 'Complete', plan: 'y' }, MACHINE);
    expect(reported).toMatchObject({
      status: 200,
      body: { data: { tenantStatus: 'Complete', plan: 'y', state: 'registered' } },
    });
    const gone = await home.call('DELETE', path, undefined, MACHINE);
    expect(gone).toMatchObject({ status: 200, body: { data: { state: 'deprovisioning', sbtaws_active: false } } });
  });

  test('refuse a reserved name with its path', async () => {
    const refusal = await home.call('POST', '/tenants', { ...body, tenantName: 'www' }, MACHINE);
    expect(refusal).toMatchObject({
      status: 422,
      body: { detail: [{ loc: ['body', 'tenantName'], type: 'reserved' }] },
    });
  });
});

describe('ON-11: the progress of a tenant', () => {
  const progress = async (id = 'acme0000') => (await home.call('GET', `/tenants/${id}/progress`)).body.data;

  test('is that of the current run, otherwise that of the last one', async () => {
    await stored({ state: 'failed', reason: 'no room', steps: [REPORTED] });
    const shown = { tenantId: 'acme0000', state: 'failed', reason: 'no room' };
    expect(await progress()).toEqual({ ...shown, steps: [RUNNING] });
    Object.assign(home.deps.operator, { progress: async () => [] });
    expect(await progress()).toEqual({ ...shown, steps: [REPORTED] });
  });

  test('is that of the last run once the tenant is deleted, and empty if there was none', async () => {
    await stored({ state: 'deprovisioning', active: false, steps: [REPORTED] });
    const deleted = { tenantData: {}, tenantRegistrationData: { registrationStatus: 'deleted' } };
    await applyReport(home.deps, 'acme0000', deleted);
    expect(await progress()).toMatchObject({ state: 'deleted', steps: [REPORTED] });
    await stored({ tenantId: 'globex00', state: 'deleted', active: false });
    expect(await progress('globex00')).toEqual({ tenantId: 'globex00', state: 'deleted', steps: [] });
  });
});

test('SE-6: only the list of tenants responds to an unknown next_token with an empty page', async () => {
  await stored();
  const query = { next_token: 'x' };
  expect(await home.call('GET', '/tenants', undefined, { query })).toEqual({ status: 200, body: { data: [] } });
  expect((await home.call('GET', '/tenant-registrations', undefined, { query })).status).toBe(400);
  Object.assign(home.deps.table, { query: async () => Promise.reject(new Error('disk full')) });
  expect((await home.call('GET', '/tenants')).status).toBe(500);
});
