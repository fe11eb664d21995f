import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as z from 'zod';
import { MAX_EMAIL_LENGTH } from '../../../core/fields/email.ts';
import { isAmbiguousPath } from '../../../core/fields/path-segment.ts';
import { fold, MAX_USER_NAME_LENGTH, ownUserName, UserName } from '../../../core/fields/user-name.ts';

/** What Cognito accepts: https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminCreateUser.html */
const COGNITO = /^[\p{L}\p{M}\p{S}\p{N}\p{P}]{1,128}$/u;

describe('SE-6: a user name', () => {
  test.each([
    ...['a', 'ada@example.com', 'Ada.Lovelace', '...', 'ä€😀', 'a%2Fb', '100%', '#1', '%2e%2e', '%5c', "o'neill"],
    'x'.repeat(MAX_USER_NAME_LENGTH),
  ])('may be %j', (name) => {
    expect(UserName.parse(name)).toBe(name);
  });

  test.each([
    ['', 'must not be empty'],
    ['  ', 'must not be empty'],
    ['x'.repeat(129), 'must have at most 128 characters'],
    // Folding makes two units of each.
    ['İ'.repeat(65), 'must have at most 128 characters'],
    ['😀'.repeat(65), 'must have at most 128 characters'],
    ...['a b', 'a\u00a0b', 'a\nb', 'a\u0000', 'a\ud800', 'a\u200bb', 'a\u202eb', 'a\u2028b', 'a\ufe0f', 'a\u3164b'].map(
      (name) => [name, expect.stringMatching(/^must have only letters/)] as const,
    ),
    ...['.', '..', '../x', 'a/b', 'CORP\\jdoe', '/', '\\', 'who?'].map(
      (name) => [name, "must not contain '/', '\\' or '?', and must not be '.' or '..'"] as const,
    ),
  ])('cannot be %j: it %j', (name, rule) => {
    expect(UserName.safeParse(name).error?.issues.map(({ message }) => message)).toEqual([rule]);
  });

  test('is stored without surrounding white space and in NFC', () => {
    expect(UserName.parse(' Jose\u0301\n')).toBe('Jos\u00e9');
  });

  test('that is accepted fits into Cognito and into a path, also in the form in which it is compared', () => {
    const names = fc.string({ unit: 'grapheme', maxLength: 140 }).map((name) => UserName.safeParse(name).data);
    fc.assert(
      fc.property(names, (name) => {
        fc.pre(name !== undefined);
        expect(name).toMatch(COGNITO);
        expect(fold(name)).toMatch(COGNITO);
        expect(fold(fold(name))).toBe(fold(name));
        expect(UserName.parse(name)).toBe(name);
        expect(isAmbiguousPath(`/users/${encodeURIComponent(name)}/enable`)).toBe(false);
        expect(new URL(`http://host/users/${encodeURIComponent(name)}`).pathname.split('/')).toHaveLength(3);
      }),
      { numRuns: 500 },
    );
  });

  test('can be any email', () => {
    expect(MAX_USER_NAME_LENGTH).toBeGreaterThanOrEqual(MAX_EMAIL_LENGTH);
  });
});

describe('ON-9: a user name in the form of an email', () => {
  const User = z.object({ userName: z.string().optional(), email: z.string() }).superRefine(ownUserName);

  test.each([
    [undefined, 'ada@a.example'],
    ['ada', 'ada@a.example'],
    ['Ada@A.example', 'ada@a.EXAMPLE'],
    // Nobody can sign up with these.
    ['ada@corp', 'ada@a.example'],
    ['@ada', 'ada@a.example'],
  ])('may be %j beside the email %j', (userName, email) => {
    expect(User.safeParse({ userName, email }).success).toBe(true);
  });

  test.each(['eve@a.example', 'ada@a.example.com', 'r&d@acme.example', 'EVE@A.EXAMPLE'])(
    'cannot be the address of somebody else, such as %j',
    (userName) => {
      expect(User.safeParse({ userName, email: 'ada@a.example' }).error?.issues).toMatchObject([
        { path: ['userName'], message: expect.stringContaining("must be the user's own email") },
      ]);
    },
  );
});
