import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createUsersEndpoint } from '../../../core/identity/users-api/users-endpoint.ts';
import { ANN, openUserStoreScene, TENANT, type UserStoreScene } from './user-store-scene.ts';

let scene: UserStoreScene;
beforeEach(async () => {
  scene = await openUserStoreScene();
});
afterEach(async () => scene.close());

test.each([
  ['limit=5', 200],
  ['limit=5?limit=6', 422],
  ['limit=5&next_token=?x', 400],
  ['?limit=5', 422],
])('SE-6: the query is everything after the first question mark: %s gets %i', async (query, status) => {
  const { identity, clock } = scene;
  const { subject } = await identity.createUser('pool', { ...ANN, role: 'TenantAdmin', password: 'Correct-horse-7' });
  const token = { issuer: 'x', realm: 'pool', subject, clientId: 'app', scopes: [], tenantId: TENANT } as const;
  const respond = createUsersEndpoint({
    identity,
    tenantClaims: async () => ({ tier: 'basic', active: true, name: 'Acme', slug: 'acme', basis: [] }),
    authorize: async () => ({ ...token, issuedAt: Math.floor(clock.now() / 1_000), expiresAt: 4e9 }),
    checkPassword: async () => ({ outcome: 'wrong' }),
  });
  const event = { realm: 'pool', method: 'GET', path: `/users?${query}`, authorization: 'Bearer x' };
  expect((await respond(event)).status).toBe(status);
});
