import { expect, test } from '@jest/globals';
import { TenantUserName } from '../../../core/identity/users/user-name.ts';

test.each(['a', 'ada@example.com', 'Ada.Lovelace', '...', 'ä€😀', 'a%2Fb', 'x'.repeat(254)])(
  '%j is a user name',
  (name) => {
    expect(TenantUserName.safeParse(name).success).toBe(true);
  },
);

test.each(['', '.', '..', 'a b', 'a/b', 'a\\b', 'a\n', 'a\u0000', 'a\ud800', 'x'.repeat(255), 7])(
  '%j is not a user name',
  (name) => {
    expect(TenantUserName.safeParse(name).success).toBe(false);
  },
);
