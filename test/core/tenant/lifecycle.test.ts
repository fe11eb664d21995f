import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import {
  actionsOf,
  isOnboarding,
  isServed,
  type LifecycleTenant,
  type ReportEvent,
  stateAfterAction,
  stateAfterReport,
  TENANT_ACTIONS,
  TENANT_STATES,
  type TenantAction,
  type TenantState,
} from '../../../core/tenant/lifecycle.ts';
import { parseOutcome, RESULT_OUTCOMES, reportEventOf } from '../../../core/tenant/report.ts';

const NOW = Date.parse('2026-07-01T12:00:00.000Z');
const REPORTS: readonly ReportEvent[] = [
  'onboardingRequest',
  'provisionSuccess',
  'provisionFailure',
  'deprovisionSuccess',
  'deprovisionFailure',
];

/** Which state may follow which; written down a second time on purpose. */
const MAY_FOLLOW: Record<TenantState, readonly TenantState[]> = {
  registered: ['provisioning', 'active', 'failed', 'deprovisioning'],
  provisioning: ['active', 'failed', 'deprovisioning'],
  active: ['deprovisioning'],
  failed: ['provisioning', 'active', 'deprovisioning', 'deleted'],
  suspended: ['deprovisioning'],
  'changing-tier': ['active', 'failed'],
  deprovisioning: ['deleted', 'failed'],
  deleted: [],
};

function tenant(state: TenantState, active: boolean, ageMs = 0): LifecycleTenant {
  return { state, active, modified: new Date(NOW - ageMs).toISOString() };
}

function reasonOf(one: LifecycleTenant, action: TenantAction): string | undefined {
  const status = actionsOf(one, { now: NOW }).find(({ name }) => name === action);
  return status?.allowed ? undefined : status?.reason;
}

test('the states and the actions of a tenant are these, because clients and stored records name them', () => {
  expect([...TENANT_STATES]).toEqual([
    ...['registered', 'provisioning', 'active', 'failed', 'suspended', 'changing-tier', 'deprovisioning', 'deleted'],
  ]);
  expect([...TENANT_ACTIONS]).toEqual(['edit', 'retry', 'delete']);
});

describe('ON-4: the state of a tenant', () => {
  test.each([
    ['registered', true, 'onboardingRequest', 'provisioning'],
    ['registered', true, 'provisionSuccess', 'active'],
    ['provisioning', true, 'provisionSuccess', 'active'],
    ['provisioning', true, 'provisionFailure', 'failed'],
    ['failed', true, 'provisionSuccess', 'active'],
    ['failed', true, 'provisionFailure', 'failed'],
    ['active', true, 'provisionSuccess', 'active'],
    ['changing-tier', true, 'provisionSuccess', 'active'],
    ['changing-tier', true, 'provisionFailure', 'failed'],
    ['deprovisioning', false, 'deprovisionSuccess', 'deleted'],
    ['deprovisioning', false, 'deprovisionFailure', 'failed'],
    ['failed', false, 'deprovisionSuccess', 'deleted'],
    ['failed', false, 'deprovisionFailure', 'failed'],
  ] as const)('goes from %s (active: %s) by %s to %s', (from, active, event, to) => {
    expect(stateAfterReport(tenant(from, active), event)).toBe(to);
  });

  test.each([
    ['active', true, 'provisionFailure', 'a late failure would undo a success'],
    ['active', true, 'onboardingRequest', 'a late request would undo a success'],
    ['active', true, 'deprovisionSuccess', 'no deletion was requested'],
    ['failed', false, 'provisionSuccess', 'a late success would revive a tenant whose offboarding failed'],
    ['failed', false, 'provisionFailure', 'the failure is about the onboarding before'],
    ['failed', true, 'deprovisionSuccess', 'no deletion was requested'],
    ['failed', true, 'deprovisionFailure', 'no deletion was requested'],
    ['deprovisioning', false, 'provisionSuccess', 'a late success would revive a tenant that is being deleted'],
    ['deprovisioning', false, 'provisionFailure', 'the failure is about the onboarding before'],
    ['deleted', false, 'provisionSuccess', 'nothing revives a deleted tenant'],
    ['deleted', false, 'deprovisionFailure', 'nothing revives a deleted tenant'],
  ] as const)('stays %s (active: %s) after %s, because %s', (from, active, event, _why) => {
    expect(stateAfterReport(tenant(from, active), event)).toBeUndefined();
  });

  test('follows the table in any sequence of reports and requests, doubled, late and reordered', () => {
    const step = fc.record({
      input: fc.constantFrom(...REPORTS, ...TENANT_ACTIONS),
      waitMs: fc.constantFrom(0, 1_000, 600_000),
      repeat: fc.integer({ min: 1, max: 3 }),
    });
    const history = fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let one: LifecycleTenant = tenant('registered', true);
      let now = NOW;
      for (const { input, waitMs, repeat } of steps) {
        now += waitMs;
        for (let i = 0; i < repeat; i++) {
          const next = apply(one, input, now);
          if (next.state !== one.state) expect(MAY_FOLLOW[one.state]).toContain(next.state);
          if (!one.active) expect([next.active, next.state === 'active']).toEqual([false, false]);
          one = next;
        }
      }
    });
    fc.assert(history, { numRuns: 2_000 });
  });
});

/** What the control plane does with a report or a request. */
function apply(one: LifecycleTenant, input: ReportEvent | TenantAction, now: number): LifecycleTenant {
  const modified = new Date(now).toISOString();
  if (!isAction(input)) {
    const state = stateAfterReport(one, input);
    return state ? { ...one, state, modified } : one;
  }
  try {
    const state = stateAfterAction(one, input, { now });
    return { state, active: one.active && input !== 'delete', modified };
  } catch {
    return one;
  }
}

function isAction(input: ReportEvent | TenantAction): input is TenantAction {
  return TENANT_ACTIONS.some((name) => name === input);
}

describe('ON-4: the actions of a tenant', () => {
  test.each([
    ['active', true, 'retry', 'The tenant is active, so there is nothing to retry.'],
    ['registered', true, 'retry', 'Onboarding is in progress; it can be retried once it has taken 10 minutes.'],
    ['provisioning', true, 'retry', 'Onboarding is in progress; it can be retried once it has taken 10 minutes.'],
    ['deprovisioning', false, 'retry', 'Deletion is in progress; it can be retried once it has taken 10 minutes.'],
    ['deprovisioning', false, 'delete', 'The tenant is being deleted.'],
    ['deprovisioning', false, 'edit', 'The tenant is being deleted.'],
    ['failed', false, 'edit', 'The deletion of the tenant has begun; it can only be retried.'],
    ['deleted', false, 'edit', 'The tenant is deleted.'],
    ['deleted', false, 'retry', 'The tenant is deleted.'],
    ['deleted', false, 'delete', 'The tenant is deleted.'],
    ['changing-tier', true, 'delete', 'The tenant is changing its tier; delete it when that is done.'],
    ['changing-tier', true, 'retry', 'The tenant is changing its tier; retry when that has failed.'],
    ['suspended', true, 'retry', 'The tenant is suspended, so there is nothing to retry.'],
  ] as const)('of a tenant that is %s (active: %s) do not include %s: %s', (state, active, action, reason) => {
    expect(reasonOf(tenant(state, active), action)).toBe(reason);
  });

  test.each([
    ['registered', true, ['edit', 'delete']],
    ['provisioning', true, ['edit', 'delete']],
    ['active', true, ['edit', 'delete']],
    ['failed', true, ['edit', 'retry', 'delete']],
    ['suspended', true, ['edit', 'delete']],
    ['changing-tier', true, ['edit']],
    ['deprovisioning', false, []],
    ['failed', false, ['retry', 'delete']],
    ['deleted', false, []],
  ] as const)('of a tenant that is %s (active: %s) are %j', (state, active, allowed) => {
    const actions = actionsOf(tenant(state, active), { now: NOW });
    expect(actions.filter((action) => action.allowed).map(({ name }) => name)).toEqual(allowed);
  });

  test.each(['registered', 'provisioning', 'deprovisioning'] as const)(
    'include a retry of a tenant that is %s once the operation has stalled',
    (state) => {
      const active = state !== 'deprovisioning';
      const retryable = (ageMs: number, stalledAfterMs?: number): boolean | undefined => {
        const rule = stalledAfterMs === undefined ? { now: NOW } : { now: NOW, stalledAfterMs };
        return actionsOf(tenant(state, active, ageMs), rule).find(({ name }) => name === 'retry')?.allowed;
      };
      expect([retryable(599_999), retryable(600_000)]).toEqual([false, true]);
      expect([retryable(1_499, 1_500), retryable(1_500, 1_500)]).toEqual([false, true]);
    },
  );

  test('are refused by the API with the sentence that the list gives', () => {
    for (const state of TENANT_STATES) {
      for (const active of [true, false]) {
        for (const { name, ...status } of actionsOf(tenant(state, active), { now: NOW })) {
          const attempt = () => stateAfterAction(tenant(state, active), name, { now: NOW });
          if (status.allowed) expect(TENANT_STATES).toContain(attempt());
          else expect(attempt).toThrow(expect.objectContaining({ code: 'CONFLICT', message: status.reason }));
        }
      }
    }
  });

  test('name the wait in minutes or seconds', () => {
    const reason = (stalledAfterMs: number) =>
      actionsOf(tenant('registered', true), { now: NOW, stalledAfterMs }).find(({ name }) => name === 'retry');
    expect(reason(60_000)).toMatchObject({ reason: expect.stringMatching(/taken 1 minute\.$/) });
    expect(reason(1_500)).toMatchObject({ reason: expect.stringMatching(/taken 1.5 seconds\.$/) });
  });
});

test('only an active tenant and one that changes its tier are served', () => {
  expect(TENANT_STATES.filter(isServed)).toEqual(['active', 'changing-tier']);
});

test('a registered tenant and one that is being provisioned wait for the end of their onboarding', () => {
  expect(TENANT_STATES.filter(isOnboarding)).toEqual(['registered', 'provisioning']);
});

describe('a registration status that arrives without its event', () => {
  test.each([
    ['In progress', true, 'onboardingRequest'],
    ['created', true, 'provisionSuccess'],
    ['Created', true, 'provisionSuccess'],
    ['failed', true, 'provisionFailure'],
    ['FAILED', false, 'deprovisionFailure'],
    ['deleted', false, 'deprovisionSuccess'],
    ['in progress', true, undefined],
    ['done', true, undefined],
  ] as const)('%s (active: %s) stands for %s', (word, active, event) => {
    expect(reportEventOf({ active }, word)).toBe(event);
  });

  test('is the outcome that belongs to the name of a result event', () => {
    expect(RESULT_OUTCOMES).toEqual({
      provisionSuccess: 'created',
      provisionFailure: 'failed',
      deprovisionSuccess: 'deleted',
      deprovisionFailure: 'failed',
    });
  });

  test('is compared without regard to case', () => {
    expect(['created', 'Failed', 'DELETED', 'ready'].map(parseOutcome)).toEqual([
      'created',
      'failed',
      'deleted',
      undefined,
    ]);
  });
});
