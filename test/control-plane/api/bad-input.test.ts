import { expect, test } from '@jest/globals';
import { importJWK, SignJWT } from 'jose';
import { createLocalSignature } from '../../../adapters/embedded/identity/oidc/local-signature.ts';
import { realmKeysKey } from '../../../adapters/embedded/identity/realm-keys.ts';
import { createPrincipals } from '../../../control-plane/api/http/principal.ts';
import { createAuthorize } from '../../../core/identity/authorize.ts';
import { API_AUDIENCE, CLI_CLIENT, issuerOf, SCOPES, trustRealms } from '../../../core/identity/issuers.ts';
import type { BadInputHome, Signer } from './bad-input.home.ts';
import { badInput } from './bad-input.suite.ts';
import { type Home, startHome } from './home.ts';

const PUBLIC_URL = 'http://platform.test';
const ISSUER = issuerOf(PUBLIC_URL, 'admin');
const PASSWORD = 'Correct-horse-1';

badInput('embedded', async (): Promise<BadInputHome> => {
  const home = await startHome({
    authorize({ table, clock }) {
      const verifySignature = createLocalSignature(table);
      const authorize = createAuthorize({ issuers: trustRealms({ publicUrl: PUBLIC_URL }), verifySignature, clock });
      return createPrincipals({ authorize, table });
    },
  });
  const signer = await signerOf(home);
  const createUser = async (userName: string, role: string): Promise<string> => {
    const email = `${userName}@platform.example`;
    return (await home.deps.identity.createUser('admin', { userName, email, role, password: PASSWORD })).subject;
  };
  const sub = await createUser('admin', 'SystemAdmin');
  const iat = Math.floor(Date.now() / 1000);
  const claims = {
    ...{ iss: ISSUER, sub, aud: API_AUDIENCE, client_id: CLI_CLIENT, token_use: 'access', username: 'admin' },
    ...{ scope: Object.values(SCOPES).join(' '), iat, exp: iat + 600 },
  };
  const sign = (payload: object) =>
    new SignJWT({ ...payload }).setProtectedHeader({ alg: signer.alg, kid: signer.kid }).sign(signer.key);
  const admin = await sign(claims);
  let seen = 0;
  return {
    call: (method, path, body, options) => home.call(method, path, body, { token: admin, ...options }),
    stored: async () => home.stored(),
    async events() {
      const events = (await home.outbox()).slice(seen).map(({ detail }) => detail);
      seen += events.length;
      return events;
    },
    ...{ signer, claims, createUser },
    idToken: await sign({ iss: ISSUER, sub, aud: CLI_CLIENT, token_use: 'id', iat, exp: iat + 600 }),
    close: async () => home[Symbol.asyncDispose](),
  };
});

/** The realm's private key, which only its issuer has. */
async function signerOf({ deps }: Home): Promise<Signer> {
  const stored = await deps.table.get(realmKeysKey('admin'));
  const [jwk] = stored?.data.keys ?? [];
  if (!jwk?.kid) throw new Error('the realm has no key');
  const key = await importJWK(jwk, 'ES256');
  if (key instanceof Uint8Array) throw new Error('the key of the realm is a secret');
  return { key, alg: 'ES256', kid: jwk.kid };
}

test.each([
  ['/tenants', 'GET, POST'],
  ['/tenant-registrations', 'GET, POST'],
  ['/users/bob', 'DELETE, GET, PUT'],
])('DX-4: QUERY %s is 405 and names the methods that the path has', async (path, allow) => {
  await using home = await startHome();
  const response = await home.call('QUERY', path);
  expect([response.status, response.headers.get('allow')]).toEqual([405, allow]);
});
