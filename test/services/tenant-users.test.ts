import { expect, test } from '@jest/globals';
import { createHttpTransport } from '../../services/users/http-transport.ts';
import { createTenantUsersClient } from '../../services/users/tenant-users-client.ts';
import { A, B } from '../adapters/contract/new-user.ts';
import { ownAccountContract } from '../adapters/contract/own-account.suite.ts';
import { NAME_OF_A, tenantUsersContract } from '../adapters/contract/tenant-users.suite.ts';
import { type RealmServer, startRealmServer } from '../adapters/embedded/identity/realm-server.ts';
import { refresh, signIn } from '../support/sign-in-by-page.ts';

const CLIENT = 'tierplane-cli';

async function startRealm(): Promise<RealmServer> {
  const server = await startRealmServer({ logN: 10 });
  server.addTenant(A, { tier: 'basic', active: true, name: NAME_OF_A, slug: 'loreal-sons', basis: [] });
  server.addTenant(B, { tier: 'basic', active: true, name: 'Globex', slug: 'globex', basis: [] });
  return server;
}

tenantUsersContract("the realm's users API over HTTP", async () => {
  const server = await startRealm();
  const issuer = server.issuer('pool');
  const users = createTenantUsersClient(createHttpTransport(server.url));
  return {
    users,
    identity: server.identity,
    async callerOf(userName, password) {
      const { accessToken } = await signIn({ issuer, clientId: CLIENT, userName, password });
      return { realm: 'pool', authorization: `Bearer ${accessToken}`, requestId: 'request-1' };
    },
    async lastSubject(email) {
      const { items } = await server.mailer.list({ limit: 100 });
      return items.find(({ to }) => to === email)?.subject ?? '';
    },
    setActive: async (tenantId, active) => server.changeTenant(tenantId, { active }),
    async close() {
      await users.close();
      await server.close();
    },
  };
});

ownAccountContract("a realm's API over HTTP", async () => {
  const server = await startRealm();
  const issuer = server.issuer('pool');
  return {
    identity: server.identity,
    async signIn(userName, password) {
      const { accessToken, refreshToken = '' } = await signIn({ issuer, clientId: CLIENT, userName, password });
      return { accessToken, refreshToken };
    },
    renews: ({ refreshToken }) =>
      refresh({ issuer, clientId: CLIENT, refreshToken }).then(
        () => true,
        (error: { code?: string }) => {
          if (error.code === 'UNAUTHENTICATED') return false;
          throw error;
        },
      ),
    async request(method, path, accessToken, body = '') {
      const headers = { authorization: `Bearer ${accessToken}` };
      const response = await fetch(`${issuer}${path}`, { method, headers, body: body === '' ? null : body });
      return { status: response.status, text: await response.text() };
    },
    setActive: async (tenantId, active) => server.changeTenant(tenantId, { active }),
    close: () => server.close(),
  };
});

test.each([
  ['what the platform lacks', 503, { message: 'platform.db: the disk is full' }, 'platform.db: the disk is full'],
  ['no more, if it does not say what', 503, 'Bad Gateway', 'identity failed; try again'],
  ['nothing of an internal error', 500, { message: 'secret' }, 'identity failed; try again'],
])('a call that fails reports %s', async (_what, status, body, message) => {
  const users = createTenantUsersClient({ send: async () => ({ status, body }), close: async () => undefined });
  const caller = { realm: 'pool', authorization: 'Bearer x', requestId: 'request-1' } as const;
  await expect(users.get(caller, 'boss')).rejects.toMatchObject({ code: 'UNAVAILABLE', message });
});
