import { describe, expect, test } from '@jest/globals';
import type { VerifiedToken } from '../../../core/identity/authorize.ts';
import type { Table } from '../../../core/ports/table.ts';
import type { Rights } from '../../../services/kit/rights.ts';
import { callerOf, type RouteClaims, tenantContext } from '../../../services/kit/tenant-context.ts';

const TOKEN = { tenantId: 'acme0000', tier: 'basic', realm: 'pool' } as VerifiedToken;
const POOLED: RouteClaims = { served: '', header: undefined };
const read: string[] = [];
const table = { get: async ({ pk }: { pk: string }) => void read.push(pk) } as unknown as Table;

function caller(token: Partial<Record<keyof VerifiedToken, unknown>> = {}, claims: Partial<RouteClaims> = {}) {
  const request = { authorization: 'Bearer a', requestId: 'r-1' };
  return callerOf({ ...TOKEN, ...token } as VerifiedToken, { ...POOLED, ...claims }, request);
}

describe('TI-2: the context of a request', () => {
  test('has the tenant of the token, and a table that reaches the data of this tenant only', async () => {
    const rights: Rights = { role: async () => 'TenantAdmin' };
    const { table: scoped, ...others } = await tenantContext(caller({ role: 'TenantUser' }), rights, table);
    expect(others).toEqual({ ...TOKEN, role: 'TenantAdmin', authorization: 'Bearer a', requestId: 'r-1' });
    await expect(scoped.get({ pk: 'globex00#orders', sk: '1' })).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(read).toEqual([]);
  });

  test.each([
    ['a token without a tenant', { tenantId: undefined }],
    ['a token without a tier', { tier: undefined }],
  ])('does not exist for %s', (_what, token) => {
    expect(() => caller(token)).toThrow(expect.objectContaining({ code: 'FORBIDDEN' }));
  });

  test.each<[string, Partial<RouteClaims>]>([
    ["another tenant's task", { served: 'globex00' }],
    ["another tenant's task under the own header", { served: 'globex00', header: 'acme0000' }],
    ['another tenant by the header', { header: 'globex00' }],
    ['another tenant by the header in the own task', { served: 'acme0000', header: 'globex00' }],
    ['an empty header', { header: '' }],
  ])('SE-1.5: does not exist for a request that was routed to %s', (_what, claims) => {
    expect(() => caller({}, claims)).toThrow(expect.objectContaining({ code: 'FORBIDDEN' }));
  });

  test('exists for a request that was routed to the own task or by the own header', () => {
    expect(caller({}, { served: 'acme0000', header: 'acme0000' }).tenantId).toBe('acme0000');
    expect(caller({}, { header: 'acme0000' }).tenantId).toBe('acme0000');
  });
});
