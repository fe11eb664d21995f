import { describe, expect, test } from '@jest/globals';
import type { Route, Subject } from '../../../core/routing/registry.ts';
import { type CallerClaims, decideCaller, isMetered } from '../../../core/routing/served-caller.ts';

const TENANT = 'acme0000';
const SUBJECT: Subject = {
  ...{ issuer: 'x', subject: 's1', realm: 'pool', userName: 'ann', email: 'ann@a.test', role: 'TenantUser' },
  ...{ tenantId: TENANT, enabled: true },
};
const ROUTE: Route = {
  ...{ tenantId: TENANT, slug: 'acme', tier: 'basic', state: 'active', apiKey: 'key' },
  ...{ realm: 'pool', cluster: 'pool', silo: false },
};
const CLAIMS: CallerClaims = { realm: 'pool', tenantId: TENANT, issuedAt: 1_000 };

describe('ID-4: the caller of a tenant service', () => {
  test('is served with the role of the registry', () => {
    expect(decideCaller({ subject: SUBJECT, route: ROUTE }, CLAIMS)).toEqual({ route: ROUTE, role: 'TenantUser' });
  });

  test.each<[why: string, subject: Subject | undefined, route: Route | undefined]>([
    ['is unknown', undefined, ROUTE],
    ['is disabled', { ...SUBJECT, enabled: false }, ROUTE],
    ['is disabled, and has no tenant', { ...SUBJECT, enabled: false }, undefined],
    ['has signed out everywhere since', { ...SUBJECT, tokensValidFrom: 1_001 }, ROUTE],
  ])('is not authenticated if the user %s', (_why, subject, route) => {
    expect(decideCaller({ ...(subject && { subject }), ...(route && { route }) }, CLAIMS)).toEqual({
      refusal: 'unauthenticated',
    });
  });

  test.each<[why: string, subject: Subject, route: Route | undefined, claims: CallerClaims]>([
    ['the tenant is unknown', SUBJECT, undefined, CLAIMS],
    ['the token names another tenant', SUBJECT, ROUTE, { ...CLAIMS, tenantId: 'globex00' }],
    ['the user has another tenant', { ...SUBJECT, tenantId: 'globex00' }, ROUTE, CLAIMS],
    ['the tenant has another realm', SUBJECT, { ...ROUTE, realm: `tenant-${TENANT}` }, CLAIMS],
  ])('is forbidden, without a word about the tenant, if %s', (_why, subject, route, claims) => {
    expect(decideCaller({ subject, ...(route && { route }) }, claims)).toEqual({ refusal: 'forbidden' });
  });

  test('ON-7: learns that the tenant is suspended', () => {
    const route: Route = { ...ROUTE, state: 'suspended' };
    expect(decideCaller({ subject: SUBJECT, route }, CLAIMS)).toEqual({ refusal: 'suspended', route });
  });

  test.each<Route['state']>(['provisioning', 'deprovisioning', 'failed', 'deleted'])(
    'is forbidden while the tenant is %s',
    (state) => {
      const route: Route = { ...ROUTE, state };
      expect(decideCaller({ subject: SUBJECT, route }, CLAIMS)).toEqual({ refusal: 'forbidden', route });
    },
  );

  test('RT-2: is forbidden as long as the tenant has no metering key', () => {
    const { apiKey, ...route } = ROUTE;
    expect(decideCaller({ subject: SUBJECT, route }, CLAIMS)).toEqual({ refusal: 'forbidden', route });
    expect([isMetered(route), isMetered({ ...route, apiKey: apiKey ?? '' })]).toEqual([false, true]);
  });
});
