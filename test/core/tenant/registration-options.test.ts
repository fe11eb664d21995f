import { expect, test } from '@jest/globals';
import * as z from 'zod';
import {
  computeOptionsOf,
  optionProblems,
  REGISTRATION_OPTIONS,
  registrationOptions,
} from '../../../core/tenant/registration-options.ts';
import { TIERS } from '../../../tenant-templates/tiers.ts';

const tier = (name: keyof typeof TIERS) => ({ name, isolation: TIERS[name].isolation });

test.each([
  [{}, undefined],
  [{ useEc2: false, packing: undefined }, undefined],
  [{ useEc2: 'false' }, undefined],
  [{ useEc2: true }, { capacity: 'ec2' }],
  [
    { useEc2: 'true', packing: 'one-task' },
    { capacity: 'ec2', packing: 'one-task' },
  ],
  [{ packing: 'per-service' }, { packing: 'per-service' }],
  // An earlier version accepted any value under these keys.
  [{ useEc2: 'yes', packing: 'boxes' }, undefined],
  [{ packing: ['one-task'] }, undefined],
])('ON-1: the options %j choose %j', (options, chosen) => {
  expect(computeOptionsOf(options)).toEqual(chosen);
});

test('ON-1: federation is refused for every tier, and a choice of compute for tiers without services of their own', () => {
  const options = { useEc2: 'true', useFederation: true, packing: 'one-task' };
  expect(optionProblems(options, tier('basic'))).toEqual([
    { option: 'useFederation', message: 'is not available yet; omit it or set it to false' },
    { option: 'useEc2', message: 'needs a tier with services of its own; basic shares the pooled ones' },
    { option: 'packing', message: 'needs a tier with services of its own; basic shares the pooled ones' },
  ]);
  expect(optionProblems(options, tier('advanced')).map(({ option }) => option)).toEqual(['useFederation']);
  expect(optionProblems({ useEc2: 'false', useFederation: 'false' }, tier('basic'))).toEqual([]);
});

test('ON-1: a registration has these options', () => {
  expect([...REGISTRATION_OPTIONS]).toEqual(['useEc2', 'useFederation', 'packing']);
  expect(Object.keys(registrationOptions)).toEqual([...REGISTRATION_OPTIONS]);
});

test.each([
  [{}, undefined],
  [{ useEc2: true, useFederation: false, packing: 'one-task' }, undefined],
  [{ useEc2: 'true', useFederation: 'false', packing: 'per-service' }, undefined],
  [{ useEc2: 'yes' }, 'must be true or false'],
  [{ useEc2: '' }, 'must be true or false'],
  [{ useFederation: 1 }, 'must be true or false'],
])('SE-6: the options %j are accepted, or refused with %s', (options, message) => {
  expect(z.object(registrationOptions).safeParse(options).error?.issues[0]?.message).toBe(message);
});
