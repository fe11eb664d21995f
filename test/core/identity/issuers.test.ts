import { describe, expect, test } from '@jest/globals';
import {
  ADMIN_SCOPES,
  ADMIN_SIGN_IN_SCOPE,
  clientIdsOf,
  issuerOf,
  parseRealm,
  trustRealms,
} from '../../../core/identity/issuers.ts';

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
    expect(trusted('https://a.example/realms/pool')).toEqual({
      ...{ issuer: 'https://a.example/realms/pool', realm: 'pool', audience: 'urn:tierplane:api' },
      clientIds: clientIdsOf('pool'),
    });
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
      // As long as the right one, with another beginning.
      'https://b.example/realms/pool',
      '',
    ])
      expect(trusted(name)).toBeUndefined();
    expect(parseRealm('__proto__')).toBeUndefined();
  });

  test('the clients of the platform request the scopes of SBT', () => {
    expect(ADMIN_SCOPES).toEqual(['tenant/tenant_read', 'tenant/tenant_write', 'user/user_read', 'user/user_write']);
    expect(ADMIN_SIGN_IN_SCOPE).toBe('openid tenant/tenant_read tenant/tenant_write user/user_read user/user_write');
  });
});
