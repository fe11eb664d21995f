import { describe, expect, test } from '@jest/globals';
import { placeOf } from '../../../core/plan/place.ts';
import { hasIdShape, newId } from '../../../core/tenant/ids.ts';
import { TenantName } from '../../../core/tenant/names.ts';
import {
  emailLockKey,
  IN_PROGRESS,
  registrationIdOf,
  slugLockKey,
  type TenantRecord,
  tenantIdOf,
  tenantItem,
  tenantKey,
  tenantPartition,
} from '../../../core/tenant/record.ts';
import { checkExtras, MAX_EXTRA_BYTES, MAX_EXTRA_KEYS } from '../../../core/tenant/reserved.ts';
import { offboardingDetail, onboardingDetail, registrationView, tenantView } from '../../../core/tenant/views.ts';

const ID = '01hzzzzzzzzzzzzzzzzzzzzzzz';
const RECORD: TenantRecord = {
  tenantId: ID,
  tenantName: 'Acme Corp',
  slug: 'acme-corp',
  email: 'admin@acme.example',
  tier: 'basic',
  state: 'registered',
  active: true,
  registrationStatus: IN_PROGRESS,
  tenantExtras: { shop: 'flowers', tenantName: 'hidden' },
  registrationExtras: { source: 'fair', tenantId: 'hidden' },
  created: '2026-01-01T00:00:00.000Z',
  modified: '2026-01-02T00:00:00.000Z',
};
/** The parts of every view that SBT defines. */
const SBT_TENANT = {
  ...{ shop: 'flowers', tenantName: 'Acme Corp', email: 'admin@acme.example', tier: 'basic' },
  ...{ tenantRegistrationId: `reg-${ID}`, tenantId: ID, sbtaws_active: true },
};
const TIMES = { created: RECORD.created, modified: RECORD.modified };

describe('the id of a registration', () => {
  test('is derived from the id of its tenant, and back', () => {
    expect(registrationIdOf(ID)).toBe(`reg-${ID}`);
    expect(tenantIdOf(`reg-${ID}`)).toBe(ID);
  });

  test.each([ID, `reg${ID}`, `${ID}reg-`, 'reg-', 'reg-UPPERCASE', `reg-reg-${ID}`])('is not %s', (wrong) => {
    expect(tenantIdOf(wrong)).toBeUndefined();
  });
});

describe('the keys of a tenant', () => {
  test('are stable, because stored data depends on them', () => {
    expect(tenantKey(ID)).toEqual({ pk: `tenant#${ID}`, sk: 'tenant' });
    expect(slugLockKey('acme-corp')).toEqual({ pk: 'tenant-slug#acme-corp', sk: 'lock' });
    expect(emailLockKey('Admin@Acme.Example')).toEqual({ pk: 'tenant-email#admin@acme.example', sk: 'lock' });
  });

  test('put a living tenant into the partition of each filter that it matches', () => {
    const sk = `acme-corp#${ID}`;
    expect(tenantItem(RECORD, 3)).toEqual({
      ...{ pk: `tenant#${ID}`, sk: 'tenant', version: 3, data: RECORD },
      indexes: {
        g1: { pk: 'tenants|living', sk },
        g2: { pk: 'tenants|living|tier=basic', sk },
        g3: { pk: 'tenants|state=registered', sk },
        g4: { pk: 'tenants|state=registered|tier=basic', sk },
      },
    });
  });

  test('put a deleted tenant only into the partitions of deleted tenants', () => {
    const sk = `acme-corp#${ID}`;
    expect(tenantItem({ ...RECORD, state: 'deleted' }, 4).indexes).toEqual({
      g1: { pk: 'tenants|deleted', sk },
      g2: { pk: 'tenants|deleted|tier=basic', sk },
    });
  });

  test('lead each filter to its partition', () => {
    expect(tenantPartition({})).toEqual({ index: 'g1', pk: 'tenants|living' });
    expect(tenantPartition({ tier: 'basic' })).toEqual({ index: 'g2', pk: 'tenants|living|tier=basic' });
    expect(tenantPartition({ state: 'deleted' })).toEqual({ index: 'g1', pk: 'tenants|deleted' });
    expect(tenantPartition({ state: 'deleted', tier: 'basic' })).toEqual({
      index: 'g2',
      pk: 'tenants|deleted|tier=basic',
    });
    expect(tenantPartition({ state: 'active' })).toEqual({ index: 'g3', pk: 'tenants|state=active' });
  });
});

describe('the views of a tenant', () => {
  test('contain SBT’s fields, which extra keys cannot hide, and omit what is unset', () => {
    // Strict, because an unset field must be absent, not undefined.
    expect(tenantView(RECORD)).toStrictEqual({ ...SBT_TENANT, slug: 'acme-corp', state: 'registered', ...TIMES });
  });

  test('contain status, configuration, reason and steps once they are known', () => {
    const known = {
      tenantStatus: 'failed',
      tenantConfig: '{}',
      reason: 'no capacity',
      steps: [{ name: 'data', status: 'failed', startedAt: RECORD.created }],
    } as const;
    expect(tenantView({ ...RECORD, ...known })).toMatchObject(known);
    const { reason, steps } = known;
    expect(registrationView({ ...RECORD, ...known })).toMatchObject({ reason, steps });
  });

  test('of a registration contain the keys of the registration only', () => {
    expect(registrationView(RECORD)).toEqual({
      ...{ source: 'fair', tenantRegistrationId: `reg-${ID}`, tenantId: ID, sbtaws_active: true },
      ...{ registrationStatus: 'In progress', state: 'registered', ...TIMES },
    });
  });

  test('in the onboarding event contain a registration status only if the client sent one', () => {
    const { sbtaws_active: _, ...tenant } = SBT_TENANT;
    expect(onboardingDetail(RECORD, false)).toEqual({ source: 'fair', ...tenant });
    expect(onboardingDetail(RECORD, true)).toEqual({ source: 'fair', ...tenant, registrationStatus: 'In progress' });
  });

  test('in the offboarding event contain tenant and registration', () => {
    expect(offboardingDetail(RECORD)).toEqual({ ...SBT_TENANT, source: 'fair', registrationStatus: 'In progress' });
  });
});

describe('extra keys', () => {
  const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, 1]));
  /** An object whose JSON has this many bytes; each of its characters takes two. */
  const ofBytes = (bytes: number) => ({ a: `${'é'.repeat((bytes - 8) / 2)}` });

  test('may be as many and as large as the limits', () => {
    expect([MAX_EXTRA_KEYS, MAX_EXTRA_BYTES]).toEqual([32, 8192]);
    expect(checkExtras(keys(MAX_EXTRA_KEYS))).toBeUndefined();
    expect(checkExtras(ofBytes(MAX_EXTRA_BYTES))).toBeUndefined();
  });

  test('are refused beyond the limits, with the limit and the size', () => {
    expect(checkExtras(keys(MAX_EXTRA_KEYS + 1))).toMatch(/32 .*33/);
    expect(checkExtras(ofBytes(MAX_EXTRA_BYTES + 2))).toMatch(/8192 .*8194/);
  });
});

describe('the name of a tenant', () => {
  test.each(['ab', 'Acme Corp.', 'a_b-c', 'x'.repeat(63), 'Bäcker', 'AT&T', "L'Oréal", 'Ελλάδα', '東京', 'Microsoft'])(
    'may be %s',
    (name) => {
      expect(TenantName.parse(name)).toBe(name);
    },
  );

  test.each([
    ['a', 'must have 2 to 63 characters'],
    ['x'.repeat(64), 'must have 2 to 63 characters'],
    ['a/b', "must not contain '/', '\\' or '?'"],
    ['a\\b', "must not contain '/', '\\' or '?'"],
    ['!!!', 'must have a letter or digit'],
    ['acme\u200b', 'must not contain control characters, line breaks or invisible characters'],
  ])('cannot be %j: it %s', (name, rule) => {
    expect(TenantName.safeParse(name).error?.issues.map(({ message }) => message)).toContain(rule);
  });

  test.each([
    ...[ID, ID.toUpperCase(), ` ${ID} `, `-${ID}-`, `reg-${ID}`, `REG ${ID}`, `tenant-${ID}`, `${ID}!`],
    newId(Date.parse('2026-11-30'), (count) => new Uint8Array(count)),
  ])('cannot have the form of an id: %j', (name) => {
    expect(TenantName.safeParse(name).error?.issues).toMatchObject([
      { message: 'must not have the form of an id, such as 26 letters and digits' },
    ]);
  });

  test.each([`${ID}0`, ID.slice(1), `acme-${ID}`, 'acme'])('%j does not have the form of an id', (name) => {
    expect(hasIdShape(name)).toBe(false);
  });
});

test.each([
  ['pool', { realm: 'pool', cluster: 'pool', silo: false }],
  ['service', { realm: 'pool', cluster: 'shared', silo: true }],
  ['cluster', { realm: `tenant-${ID}`, cluster: `tenant-${ID}`, silo: true }],
] as const)('isolation by %s decides the place of a tenant', (isolation, place) => {
  expect(placeOf(ID, { isolation })).toEqual(place);
});
