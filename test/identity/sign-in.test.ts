import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { signIn } from '../../adapters/embedded/oidc-client.ts';
import { ACME, type RealmServer, startRealmServer } from './realm-server.ts';

const PASSWORD = 'Correct-horse-7';
let server: RealmServer;

beforeAll(async () => {
  server = await startRealmServer();
  await server.identity.createUser('pool', {
    userName: 'ann@acme.example',
    email: 'ann@acme.example',
    role: 'TenantAdmin',
    tenantId: ACME,
    password: PASSWORD,
  });
});
afterAll(async () => server?.close());

function pool(userName: string, password: string, more: { newPassword?: string; scope?: string } = {}) {
  return signIn({ issuer: server.issuer('pool'), clientId: 'tierplane-cli', userName, password, ...more });
}

describe('sign-in', () => {
  test('ID-1: gives a tenant`s user an access token that carries what the registry says', async () => {
    const tokens = await pool('ann@acme.example', PASSWORD);
    expect(decodeProtectedHeader(tokens.accessToken)).toMatchObject({ alg: 'ES256', typ: 'at+jwt' });
    expect(decodeJwt(tokens.accessToken)).toMatchObject({
      iss: server.issuer('pool'),
      aud: 'urn:tierplane:api',
      client_id: 'tierplane-cli',
      token_use: 'access',
      tenantId: ACME,
      tier: 'basic',
      role: 'TenantAdmin',
      email: 'ann@acme.example',
    });
    expect(tokens.expiresIn).toBe(600);
    expect(decodeJwt(tokens.idToken)).toMatchObject({ aud: 'tierplane-cli', token_use: 'id', tenantId: ACME });
    await expect(server.realms.authorize(`Bearer ${tokens.accessToken}`)).resolves.toMatchObject({
      realm: 'pool',
      tenantId: ACME,
      tier: 'basic',
      role: 'TenantAdmin',
    });
  });
});
