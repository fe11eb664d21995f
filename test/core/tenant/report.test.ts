import { expect, test } from '@jest/globals';
import { isResultEvent, parseOutcome, RESULT_OUTCOMES, reportEventOf } from '../../../core/tenant/report.ts';

test('ON-4: the results of the application plane are these, and nothing else is one', () => {
  expect(RESULT_OUTCOMES).toEqual({
    ...{ provisionSuccess: 'created', provisionFailure: 'failed' },
    ...{ deprovisionSuccess: 'deleted', deprovisionFailure: 'failed' },
  });
  expect(Object.keys(RESULT_OUTCOMES).every(isResultEvent)).toBe(true);
  expect(['onboardingRequest', 'toString', ''].some(isResultEvent)).toBe(false);
});

test.each([
  ['Created', 'created', 'provisionSuccess', 'provisionSuccess'],
  ['DELETED', 'deleted', 'deprovisionSuccess', 'deprovisionSuccess'],
  ['failed', 'failed', 'provisionFailure', 'deprovisionFailure'],
  ['In progress', undefined, 'onboardingRequest', 'onboardingRequest'],
  ['in progress', undefined, undefined, undefined],
  ['', undefined, undefined, undefined],
])(
  'ON-4: the status %j is the outcome %s, and the event %s of an active tenant, %s of another',
  (word, ...expected) => {
    expect([parseOutcome(word), reportEventOf({ active: true }, word), reportEventOf({ active: false }, word)]).toEqual(
      expected,
    );
  },
);
