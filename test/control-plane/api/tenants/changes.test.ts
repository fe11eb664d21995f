import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  applyReport,
  extrasOf,
  offboard,
  retry,
  retryRule,
  updateTenant,
} from '../../../../control-plane/api/tenants/changes.ts';
import type { RegistrationReport } from '../../../../control-plane/api/tenants/requests.ts';
import { put } from '../../../../core/ports/table.ts';
import type { Step } from '../../../../core/progress/step.ts';
import type { TenantState } from '../../../../core/tenant/lifecycle.ts';
import { IN_PROGRESS, type TenantRecord } from '../../../../core/tenant/record.ts';
import { openStoredTenants, type StoredTenants } from './stored-tenants.ts';

const ID = 'acme0000';
const STEPS: readonly Step[] = [{ name: 'route', status: 'done', startedAt: '2026-01-01T00:00:00.000Z' }];
const OTHER_STEPS: readonly Step[] = [{ name: 'user-pool', status: 'failed', startedAt: '2026-01-01T00:01:00.000Z' }];
/** What the application plane has reported of a tenant earlier. */
const KNOWN = {
  ...{ registrationStatus: 'created', tenantStatus: 'Complete', tenantConfig: '{"authServer":"a"}', steps: STEPS },
  ...{ tenantExtras: { plan: 'x', region: 'eu' }, registrationExtras: { channel: 'fair' } },
} as const;

let tenants: StoredTenants;
let deps: StoredTenants['deps'];
beforeEach(async () => {
  tenants = await openStoredTenants();
  deps = tenants.deps;
});
afterEach(async () => tenants[Symbol.asyncDispose]());

function reportOf(
  tenantData: RegistrationReport['tenantData'],
  tenantRegistrationData: RegistrationReport['tenantRegistrationData'] = {},
): RegistrationReport {
  return { tenantData, tenantRegistrationData };
}

/** The write that stands for the other effects of a report, and whether it was made. */
const mark = { pk: 'mark', sk: 'mark' };
const further = [put({ ...mark, version: 1, data: {} })];
const isMarked = async () => (await deps.table.get(mark)) !== undefined;

describe('ON-4: a report of the application plane', () => {
  test.each<[what: string, before: Partial<TenantRecord>, report: RegistrationReport, reason: string | undefined]>([
    [
      "the tenant's, before that of its registration",
      { state: 'provisioning' },
      reportOf({ reason: 'no room' }, { registrationStatus: 'failed', reason: 'other' }),
      'no room',
    ],
    [
      "the registration's, if the tenant has none",
      { state: 'provisioning' },
      reportOf({}, { registrationStatus: 'failed', reason: 'no quota' }),
      'no quota',
    ],
    [
      'the earlier one, if the report has none',
      { state: 'failed', reason: 'no room' },
      reportOf({}, { registrationStatus: 'failed' }),
      'no room',
    ],
    [
      'unknown, if nobody has given one',
      { state: 'provisioning' },
      reportOf({}, { registrationStatus: 'failed' }),
      'no reason was given',
    ],
    [
      'forgotten after a success',
      { state: 'failed', reason: 'no room' },
      reportOf({ reason: 'x' }, { registrationStatus: 'created' }),
      undefined,
    ],
  ])('leaves a failed tenant with a reason: %s', async (_what, before, report, reason) => {
    await tenants.insert(before);
    const after = await applyReport(deps, ID, report);
    expect([after.state, 'reason' in after, after.reason]).toEqual([
      reason === undefined ? 'active' : 'failed',
      reason !== undefined,
      reason,
    ]);
    expect((await tenants.item())?.data).toEqual(after);
  });

  test('changes what it names and keeps the rest', async () => {
    const before = await tenants.insert(KNOWN);
    deps.clock.advance(1_000);
    const modified = '2026-01-01T00:00:01.000Z';
    expect(await applyReport(deps, ID, reportOf({ region: 'us' }))).toStrictEqual({
      ...before,
      ...{ tenantExtras: { plan: 'x', region: 'us' }, modified },
    });
    const report = reportOf(
      { tenantStatus: 'Updated', tenantConfig: '{}', steps: [...OTHER_STEPS], plan: null },
      { registrationStatus: 'Created', channel: 'web' },
    );
    expect(await applyReport(deps, ID, report)).toStrictEqual({
      ...before,
      ...{ tenantStatus: 'Updated', tenantConfig: '{}', steps: OTHER_STEPS, registrationStatus: 'Created', modified },
      ...{ tenantExtras: { region: 'us' }, registrationExtras: { channel: 'web' } },
    });
  });

  test('leaves of a deleted tenant neither email, own keys nor configuration', async () => {
    const before = await tenants.insert({ ...KNOWN, state: 'deprovisioning', active: false });
    const after = await applyReport(deps, ID, reportOf({ region: 'us' }, { registrationStatus: 'deleted' }));
    const { tenantConfig: _, ...kept } = before;
    expect(after).toStrictEqual({
      ...kept,
      ...{ state: 'deleted', registrationStatus: 'deleted', email: '', tenantExtras: {}, registrationExtras: {} },
    });
  });

  test.each<[what: string, before: Partial<TenantRecord>, report: RegistrationReport]>([
    ['an empty one', {}, reportOf({})],
    ['a late failure of a tenant that is active', {}, reportOf({ region: 'us' }, { registrationStatus: 'failed' })],
    ['data of a tenant that is deleted', { state: 'deleted', active: false }, reportOf({ region: 'us' })],
    ['a status that is none', {}, reportOf({}, { registrationStatus: 'somehow' })],
  ])('changes nothing if it is %s', async (_what, before, report) => {
    await tenants.insert(before);
    const stored = await tenants.item();
    expect(await applyReport(deps, ID, report, { further })).toEqual(stored?.data);
    expect([await tenants.item(), await isMarked()]).toEqual([stored, false]);
  });

  test('has its further writes in the same transaction', async () => {
    await tenants.insert({ state: 'provisioning' });
    await applyReport(deps, ID, reportOf({}, { registrationStatus: 'created' }), { further });
    expect(await isMarked()).toBe(true);
    await expect(
      applyReport(deps, ID, reportOf({ region: 'us' }), {
        further: [put({ ...mark, version: 1, data: {} }, 'absent')],
      }),
    ).rejects.toMatchObject({ code: 'CONDITION_FAILED', failed: [0] });
    expect((await tenants.item())?.data).toMatchObject({ state: 'active', tenantExtras: {} });
  });

  test.each<[event: 'provisionFailure' | 'deprovisionFailure' | undefined, state: TenantState]>([
    [undefined, 'failed'],
    ['deprovisionFailure', 'failed'],
    ['provisionFailure', 'deprovisioning'],
  ])('stands for its event: a failure of %s leaves a tenant that is being deleted %s', async (event, state) => {
    await tenants.insert({ state: 'deprovisioning', active: false });
    const report = reportOf({}, { registrationStatus: 'failed' });
    expect((await applyReport(deps, ID, report, event && { event })).state).toBe(state);
  });

  test.each(['tenantData', 'tenantRegistrationData'] as const)(
    'cannot exceed the limit of keys in %s',
    async (part) => {
      const keys = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, i]));
      await tenants.insert();
      const report = part === 'tenantData' ? reportOf(keys) : reportOf({}, keys);
      await expect(applyReport(deps, ID, report)).rejects.toMatchObject({ issues: [{ loc: ['body', part] }] });
    },
  );

  test('of an unknown tenant is refused', async () => {
    for (const id of ['globex00', 'no id']) {
      await expect(applyReport(deps, id, reportOf({ region: 'us' }))).rejects.toMatchObject({
        ...{ code: 'NOT_FOUND', message: `Tenant not found for id ${id}` },
      });
    }
  });
});

describe('ON-9: an update by an administrator', () => {
  const change = (tenantData: Record<string, unknown>, tenantRegistrationData: Record<string, unknown> = {}) =>
    updateTenant({ ...deps, reservedSlugs: new Set(['www', 'acme']) }, ID, { tenantData, tenantRegistrationData });

  test('changes what it names and keeps the rest, whatever the state', async () => {
    const before = await tenants.insert({ ...KNOWN, state: 'failed', reason: 'no room' });
    expect(await change({ tenantName: 'Acme Two', plan: null })).toStrictEqual({
      ...before,
      ...{ tenantName: 'Acme Two', slug: 'acme-two', tenantExtras: { region: 'eu' } },
    });
    expect(await change({ email: 'new@acme.example' }, { channel: 'web' })).toStrictEqual({
      ...before,
      ...{ tenantName: 'Acme Two', slug: 'acme-two', tenantExtras: { region: 'eu' } },
      ...{ email: 'new@acme.example', registrationExtras: { channel: 'web' } },
    });
  });

  test('that is empty changes nothing, even while the tenant is being deleted', async () => {
    await tenants.insert({ state: 'deprovisioning', active: false });
    const stored = await tenants.item();
    deps.clock.advance(1_000);
    expect(await change({})).toEqual(stored?.data);
    expect(await tenants.item()).toEqual(stored);
    await expect(change({}, { channel: 'web' })).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  test('cannot take a reserved name, but keeps one that was reserved later', async () => {
    await tenants.insert();
    await expect(change({ tenantName: 'WWW' })).rejects.toMatchObject({
      code: 'INVALID',
      issues: [{ loc: ['body', 'tenantData', 'tenantName'], type: 'reserved' }],
    });
    expect(await change({ tenantName: 'ACME' })).toMatchObject({ tenantName: 'ACME', slug: 'acme' });
  });

  test.each(['tenantData', 'tenantRegistrationData'] as const)(
    'cannot exceed the limit of keys in %s',
    async (part) => {
      const keys = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, i]));
      await tenants.insert();
      const given = part === 'tenantData' ? change(keys) : change({}, keys);
      await expect(given).rejects.toMatchObject({ issues: [{ loc: ['body', part], type: 'too_long' }] });
    },
  );

  test('of an unknown tenant is refused', async () => {
    await expect(change({ plan: 'x' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('ON-5: a request for', () => {
  test('a retry of an onboarding forgets the reason and sends the request again', async () => {
    const before = await tenants.insert({ ...KNOWN, state: 'failed', reason: 'no room', registrationStatus: 'failed' });
    const { reason: _, ...kept } = before;
    const after = { ...kept, state: 'provisioning', registrationStatus: IN_PROGRESS };
    expect(await retry(deps, ID)).toStrictEqual(after);
    const { tenantName, email, tier, tenantExtras, registrationExtras } = before;
    const ids = { tenantId: ID, tenantRegistrationId: `reg-${ID}` };
    expect(await tenants.outbox()).toMatchObject([
      {
        detailType: 'onboardingRequest',
        detail: {
          ...ids,
          tenantName,
          email,
          tier,
          ...tenantExtras,
          ...registrationExtras,
          registrationStatus: IN_PROGRESS,
        },
      },
    ]);
  });

  test.each([
    ['a retry of an offboarding', retry, { state: 'failed', active: false }],
    ['an offboarding', offboard, { state: 'active' }],
  ] as const)('%s forgets the reason and sends the request', async (_what, request, state) => {
    const { reason: _, ...kept } = await tenants.insert({ ...KNOWN, reason: 'no room', ...state });
    expect(await request(deps, ID)).toStrictEqual({ ...kept, state: 'deprovisioning', active: false });
    expect(await tenants.outbox()).toMatchObject([{ detailType: 'offboardingRequest', detail: { tenantId: ID } }]);
  });

  test('a retry or an offboarding that the state does not allow sends nothing', async () => {
    await tenants.insert({ state: 'deprovisioning', active: false });
    for (const request of [retry, offboard]) {
      await expect(request(deps, ID)).rejects.toMatchObject({ code: 'CONFLICT' });
      await expect(request(deps, 'globex00')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
    expect(await tenants.outbox()).toEqual([]);
  });

  test('a retry is allowed after the given time in progress, by default 10 minutes', async () => {
    await tenants.insert({ state: 'deprovisioning', active: false });
    expect(retryRule(deps)).toStrictEqual({ now: deps.clock.now() });
    deps.clock.advance(5_000);
    await expect(retry({ ...deps, stalledAfterMs: 5_001 }, ID)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await retry({ ...deps, stalledAfterMs: 5_000 }, ID)).toMatchObject({ state: 'deprovisioning' });
  });
});

test("SE-1.15: a tenant's own keys are those that are neither the platform's nor absent", () => {
  const given = { ...{ tenantId: 'x', state: 'x', tenantName: 'x', email: 'x', tier: 'x', password: 'x' } };
  expect(extrasOf({ ...given, plan: 'x', nothing: null, missing: undefined, zero: 0 })).toStrictEqual({
    ...{ plan: 'x', zero: 0 },
  });
});
