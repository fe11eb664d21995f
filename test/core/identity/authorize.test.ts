import { describe, expect, test } from '@jest/globals';
import { systemClock } from '../../../adapters/embedded/clock.ts';
import { createAuthorize } from '../../../core/identity/authorize.ts';
import { API_AUDIENCE, clientIdsOf, issuerOf, parseRealm, trustRealms } from '../../../core/identity/issuers.ts';

describe('issuers', () => {
  test('SE-1.2: issuers are trusted only by their exact name', () => {
    const trusted = trustRealms({ publicUrl: 'https://a.example', adminClients: ['extra'] });
    expect(trusted('https://a.example/realms/admin')).toEqual({
      issuer: 'https://a.example/realms/admin',
      realm: 'admin',
      clientIds: ['tierplane-admin', 'tierplane-cli', 'extra'],
      clientIdPrefix: 'credential-',
      audience: 'urn:tierplane:api',
    });
    expect(trusted('https://a.example/realms/pool')?.clientIds).toEqual(clientIdsOf('pool'));
    expect(trusted(issuerOf('https://a.example', 'tenant-abcdefgh'))?.realm).toBe('tenant-abcdefgh');
    for (const name of [
      'https://a.example/realms/Admin',
      'https://a.example/realms/pool/',
      'https://a.example/realms/tenant-',
      'https://a.example/realms/tenant-ABCDEFGH',
      'https://a.example/realms/tenant-abcdefgh\n',
      'https://a.example/realms/',
      'https://a.example.evil.example/realms/pool',
      'http://a.example/realms/pool',
      '',
    ])
      expect(trusted(name)).toBeUndefined();
    expect(parseRealm('__proto__')).toBeUndefined();
  });
});

describe('a token header', () => {
  const issuers = trustRealms({ publicUrl: 'http://front.example' });
  const clock = systemClock;
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    iss: 'http://front.example/realms/pool',
    sub: 'subject-1',
    aud: API_AUDIENCE,
    client_id: 'tierplane-app',
    token_use: 'access',
    exp: 4_102_444_800,
    tenantId: 'tenantaaaa',
  };
  /** Refuses by itself: the signature check accepts everything. */
  const authorize = createAuthorize({ issuers, verifySignature: async () => true, clock });
  const taken = (header: object): Promise<unknown> => authorize(`Bearer ${part(header)}.${part(claims)}.c2ln`);

  test.each(['none', 'None', 'HS256', 'RS512', 'PS256', 'EdDSA', ''])('SE-1.2: is refused with alg %j', (alg) =>
    expect(taken({ alg, kid: 'k' })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' }),
  );

  test('SE-1.2: is refused with an unknown extension, another type or no kid, and accepted without them', async () => {
    for (const header of [{ crit: ['b64'] }, { typ: 'id+jwt' }, { kid: undefined }, { kid: '' }]) {
      await expect(taken({ alg: 'RS256', kid: 'k', ...header })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    }
    expect(await taken({ alg: 'RS256', kid: 'k' })).toMatchObject({ tenantId: 'tenantaaaa' });
  });
});
