import { expect, test } from '@jest/globals';
import { checkPassword, MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from '../../core/identity/password-policy.ts';
import { changePasswordPage, signInPage } from '../../web/pages/sign-in.ts';

test('a password field takes the longest password that the policy accepts, whatever its characters', () => {
  const longest = `Aa1!${'😀'.repeat(MAX_PASSWORD_LENGTH - 4)}`;
  expect(checkPassword(longest, MIN_PASSWORD_LENGTH)).toEqual([]);
  const form = { realmName: 'Acme', action: '/sign-in', csrf: 'token' };
  const change = { ...form, userName: 'ada', ticket: 'ticket', minLength: MIN_PASSWORD_LENGTH };
  const fields = [signInPage({ ...form, forgotUrl: '/forgot' }), changePasswordPage(change)].flatMap((page) => [
    ...page.matchAll(/<input[^>]*type="password"[^>]*maxlength="(\d+)"/g),
  ]);
  expect(fields).toHaveLength(3);
  for (const [, maxLength] of fields) expect(Number(maxLength)).toBeGreaterThanOrEqual(longest.length);
});
