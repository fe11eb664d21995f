import { describe, expect, test } from '@jest/globals';
import { createAttemptLimiter } from '../../core/identity/attempts.ts';
import { clientIdsOf, issuerOf, parseRealm, trustRealms } from '../../core/identity/issuers.ts';
import { createLru } from '../../core/identity/lru.ts';

describe('a bounded map', () => {
  test('forgets what was used least recently', () => {
    const lru = createLru<number>(2);
    lru.set('a', 1);
    lru.set('b', 2);
    expect(lru.get('a')).toBe(1);
    lru.set('c', 3);
    expect([lru.get('a'), lru.get('b'), lru.get('c'), lru.size]).toEqual([1, undefined, 3, 2]);
    lru.delete('a');
    lru.clear();
    expect(lru.size).toBe(0);
  });
});

describe('the limiter of failed tries', () => {
  test('takes of all keys or of none, gives back, and forgets after its window', () => {
    let now = 0;
    const limiter = createAttemptLimiter({ clock: { now: () => now }, windowMs: 1_000 });
    const user = { key: 'user', max: 2 };
    const address = { key: 'address', max: 3 };
    expect(limiter.take([user, address])).toBe(true);
    expect(limiter.take([user, address])).toBe(true);
    expect(limiter.take([user, address])).toBe(false);
    expect(limiter.take([address])).toBe(true);
    expect(limiter.take([address])).toBe(false);
    limiter.giveBack([user, address]);
    expect(limiter.take([user, address])).toBe(true);
    expect(limiter.take([user])).toBe(false);
    now = 1_001;
    expect(limiter.take([user])).toBe(true);
  });
});

describe('issuers', () => {
  test('SE-1.2: are trusted by their exact name only', () => {
    const trusted = trustRealms({ publicUrl: 'https://a.example', adminClients: ['extra'] });
    expect(trusted('https://a.example/realms/admin')).toEqual({
      issuer: 'https://a.example/realms/admin',
      realm: 'admin',
      clientIds: ['tierplane-admin', 'tierplane-cli', 'extra'],
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
