import { describe, expect, test } from '@jest/globals';
import type * as z from 'zod';
import {
  NewRegistration,
  RegistrationChange,
  RegistrationReport,
  ReportedTenantData,
  TenantQuery,
} from '../../../../control-plane/api/tenants/requests.ts';
import { type DomainError, isDomainError } from '../../../../core/errors.ts';
import { parsePart } from '../../../../core/http/parse.ts';

/** The path and the type of each issue; empty for a valid value. */
function issuesOf(schema: z.ZodType, value: unknown): string[] {
  try {
    parsePart(schema, value, 'body');
    return [];
  } catch (error) {
    if (!isDomainError(error, 'INVALID')) throw error;
    return (error as DomainError).issues.map(({ loc, type }) => `${loc.slice(1).join('.')} ${type}`);
  }
}

const DATA = { tenantName: 'Acme', email: 'boss@acme.example', tier: 'Basic' };
const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]));
const STEP = { name: 'route', status: 'done', startedAt: '2026-01-01T00:00:00.000Z' };

/** Bodies as clients and the application plane send them, with the issues that follow. */
const CASES: readonly (readonly [what: string, schema: z.ZodType, value: unknown, issues: readonly string[]])[] = [
  ['a registration', NewRegistration, { tenantData: DATA }, []],
  ['a registration with all fields', NewRegistration, { ...{ tenantId: 1, adminPassword: 'x' }, tenantData: DATA }, []],
  ['a registration without data', NewRegistration, {}, ['tenantData missing']],
  ['a field beside the data', NewRegistration, { tenantData: DATA, tier: 'basic' }, ['tier extra_forbidden']],
  [
    'a password that is no text',
    NewRegistration,
    { tenantData: DATA, adminPassword: 1 },
    ['adminPassword string_type'],
  ],
  ['a tier that does not exist', NewRegistration, { tenantData: { ...DATA, tier: 'gold' } }, ['tenantData.tier enum']],
  [
    'options of the compute of a silo tenant',
    NewRegistration,
    { tenantData: { ...DATA, tier: 'premium', useEc2: 'true', useFederation: false, packing: 'one-task' } },
    [],
  ],
  [
    'options that the tier does not allow',
    NewRegistration,
    { tenantData: { ...DATA, useEc2: true, useFederation: 'true', packing: 'per-service' } },
    ['tenantData.useFederation option', 'tenantData.useEc2 option', 'tenantData.packing option'],
  ],
  [
    'options of the wrong kind',
    NewRegistration,
    { tenantData: { ...DATA, useEc2: 'yes', useFederation: 1, packing: 'boxes' } },
    ['tenantData.useEc2 value_error', 'tenantData.useFederation value_error', 'tenantData.packing enum'],
  ],
  [
    'a change of options',
    RegistrationChange,
    { tenantData: { useEc2: true, useFederation: false, packing: 'one-task' } },
    [
      'tenantData.useEc2 extra_forbidden',
      'tenantData.useFederation extra_forbidden',
      'tenantData.packing extra_forbidden',
    ],
  ],
  ['as many own keys as are allowed', NewRegistration, { tenantData: { ...DATA, ...keys(32) } }, []],
  ['an own key more', NewRegistration, { tenantData: { ...DATA, ...keys(33) } }, ['tenantData too_long']],
  [
    "as many own keys of the registration as are allowed beside the client's status",
    NewRegistration,
    { tenantData: DATA, tenantRegistrationData: { ...keys(32), registrationStatus: 'In progress' } },
    [],
  ],
  [
    'an own key of the registration more',
    NewRegistration,
    { tenantData: DATA, tenantRegistrationData: keys(33) },
    ['tenantRegistrationData too_long'],
  ],
  [
    'a status that only the platform sets',
    NewRegistration,
    { tenantData: DATA, tenantRegistrationData: { registrationStatus: 'created' } },
    ['tenantRegistrationData.registrationStatus enum'],
  ],
  ['an empty update', RegistrationChange, {}, []],
  [
    'an update of everything',
    RegistrationChange,
    {
      ...{ tenantId: 'x', tenantData: { tenantName: 'Acme', email: 'boss@acme.example', ...keys(32) } },
      ...{ tenantRegistrationData: keys(32) },
    },
    [],
  ],
  ['an update of the tier', RegistrationChange, { tenantData: { tier: 'basic' } }, ['tenantData.tier extra_forbidden']],
  ['an update of the state', RegistrationChange, { tenantData: { state: 'x' } }, ['tenantData.state extra_forbidden']],
  ['an unknown part of an update', RegistrationChange, { tier: 'basic' }, ['tier extra_forbidden']],
  [
    "an update of the tenant's fields in its registration",
    RegistrationChange,
    { tenantRegistrationData: { email: 'x', slug: 'x' } },
    ['tenantRegistrationData.slug extra_forbidden', 'tenantRegistrationData.email extra_forbidden'],
  ],
  [
    'an update with too many keys in both parts',
    RegistrationChange,
    { tenantData: keys(33), tenantRegistrationData: keys(33) },
    ['tenantData too_long', 'tenantRegistrationData too_long'],
  ],
  [
    'a report of everything',
    RegistrationReport,
    {
      tenantId: 'x',
      tenantData: {
        tenantStatus: 'x',
        tenantConfig: '{}',
        reason: 'x',
        steps: ['running', 'done', 'failed'].map((status) => ({ ...STEP, status })),
        own: 1,
      },
      tenantRegistrationData: { registrationStatus: 'Created', reason: 'x', own: 1 },
    },
    [],
  ],
  ['a report without data', RegistrationReport, { tenantRegistrationData: { registrationStatus: 'In progress' } }, []],
  ['a part that no report has', RegistrationReport, { tier: 'basic' }, ['tier extra_forbidden']],
  [
    'a reported status that does not exist',
    RegistrationReport,
    { tenantRegistrationData: { registrationStatus: 'done' } },
    ['tenantRegistrationData.registrationStatus value_error'],
  ],
  [
    'a reported password, in either spelling and part',
    RegistrationReport,
    {
      tenantData: { password: 'x', adminPassword: 'x' },
      tenantRegistrationData: { password: 'x', adminPassword: 'x' },
    },
    [
      ...['tenantData.adminPassword extra_forbidden', 'tenantData.password extra_forbidden'],
      ...['tenantRegistrationData.adminPassword extra_forbidden', 'tenantRegistrationData.password extra_forbidden'],
    ],
  ],
  [
    'reported reasons that are too long',
    RegistrationReport,
    { tenantData: { reason: 'x'.repeat(1_001) }, tenantRegistrationData: { reason: 'x'.repeat(1_001) } },
    ['tenantData.reason string_too_long', 'tenantRegistrationData.reason string_too_long'],
  ],
  [
    'a reported status that is too long',
    ReportedTenantData,
    { tenantStatus: 'x'.repeat(101) },
    ['tenantStatus string_too_long'],
  ],
  ['more steps than a run has', ReportedTenantData, { steps: Array(201).fill(STEP) }, ['steps less_than_equal']],
  [
    'a step without a start',
    ReportedTenantData,
    { steps: [{ ...STEP, startedAt: undefined }] },
    ['steps.0.startedAt missing'],
  ],
  [
    'a step that is neither running nor over',
    ReportedTenantData,
    { steps: [{ ...STEP, status: 'x' }] },
    ['steps.0.status enum'],
  ],
  [
    'a configuration that is too long',
    ReportedTenantData,
    { tenantConfig: `{"x":"${'x'.repeat(8_192)}"}` },
    ['tenantConfig string_too_long'],
  ],
  ...['', '{', '[]', 'null', '1', '"x"', 'true'].map(
    (tenantConfig) =>
      [
        `the configuration ${tenantConfig}`,
        ReportedTenantData,
        { tenantConfig },
        ['tenantConfig value_error'],
      ] as const,
  ),
];

describe('SE-6: the body of a request', () => {
  test.each(CASES)('with %s is accepted or refused by field', (_what, schema, value, issues) => {
    expect(issuesOf(schema, value)).toEqual(issues);
  });

  test('is parsed to the names that the platform has, with empty parts in the place of absent ones', () => {
    expect(parsePart(NewRegistration, { tenantData: { ...DATA, own: null } }, 'body')).toEqual({
      ...{ tenantData: { ...DATA, tier: 'basic', own: null }, tenantRegistrationData: {} },
    });
    const empty = { tenantData: {}, tenantRegistrationData: {} };
    expect(parsePart(RegistrationChange, {}, 'body')).toEqual(empty);
    expect(parsePart(RegistrationReport, {}, 'body')).toEqual(empty);
  });
});

test.each<[schema: z.ZodType, value: unknown, message: string]>([
  [NewRegistration, { tenantData: { ...DATA, state: 'x' } }, 'is set by the platform'],
  [
    NewRegistration,
    { tenantData: DATA, tenantRegistrationData: { registrationStatus: 'x' } },
    "must be 'In progress' or absent",
  ],
  [RegistrationChange, { tenantData: { tier: 'basic' } }, "cannot be changed by an update of the tenant's data"],
  [ReportedTenantData, { tenantConfig: '[]' }, 'must be the JSON text of an object'],
  [
    RegistrationReport,
    { tenantRegistrationData: { registrationStatus: 'x' } },
    "must be 'In progress', created, failed or deleted",
  ],
])('SE-6: the message says what is wrong with %#', (schema, value, message) => {
  expect(() => parsePart(schema, value, 'body')).toThrow(message);
});

test('SE-6: the query of a list of tenants is parsed, or refused by parameter', () => {
  const query = {
    state: 'active',
    tier: 'PREMIUM',
    name: 'x'.repeat(63),
    include: 'deleted',
    limit: '7',
    next_token: 'x',
  };
  expect(parsePart(TenantQuery, query, 'query')).toEqual({ ...query, tier: 'premium', limit: 7 });
  expect(parsePart(TenantQuery, { unknown: 'x' }, 'query')).toEqual({ limit: 10 });
  const bad = { state: 'ACTIVE', tier: 'gold', name: '...', include: 'all', limit: '0' };
  expect(issuesOf(TenantQuery, bad).sort()).toEqual([
    ...['include enum', 'limit greater_than', 'name value_error', 'state enum', 'tier enum'],
  ]);
});
