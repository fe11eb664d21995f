import { expect, test } from '@jest/globals';
import { createCallerLookup } from '../../../../adapters/aws/identity/caller-lookup.ts';
import type { UsersCall } from '../../../../core/identity/users-api/users-call.ts';

const CALLER = { realm: 'pool', authorization: 'Bearer x.y.z', requestId: 'request-1' } as const;

function lookupThatGets(status: number, body: unknown) {
  const calls: UsersCall[] = [];
  const send = async (call: UsersCall) => {
    calls.push(call);
    return { status, body };
  };
  return { calls, lookup: createCallerLookup({ send, close: async () => {} }) };
}

test("a caller is looked up by one call, with the caller's own token", async () => {
  const { calls, lookup } = lookupThatGets(200, { role: 'TenantAdmin', tenantId: 'tenantaaaa', email: 'jo@a.example' });
  await expect(lookup(CALLER)).resolves.toEqual({ role: 'TenantAdmin', tenantId: 'tenantaaaa' });
  expect(calls).toEqual([{ ...CALLER, method: 'GET', path: '/me' }]);
});

test.each<[number, unknown, string]>([
  [401, { message: 'no' }, 'UNAUTHENTICATED'],
  [404, { message: 'realm not found' }, 'UNAUTHENTICATED'],
  [500, { message: 'internal error' }, 'UNAVAILABLE'],
  [500, { role: 'TenantAdmin' }, 'UNAVAILABLE'],
  [200, { tenantId: 'tenantaaaa' }, 'UNAVAILABLE'],
  [200, undefined, 'UNAVAILABLE'],
])('a response of %i with %j is %s', async (status, body, code) => {
  await expect(lookupThatGets(status, body).lookup(CALLER)).rejects.toMatchObject({ code });
});
