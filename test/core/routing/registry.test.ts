import { expect, test } from '@jest/globals';
import { acceptsToken } from '../../../core/routing/registry.ts';

test.each([
  [{ enabled: true }, 0, true],
  [{ enabled: false }, 100, false],
  [{ enabled: true, tokensValidFrom: 100 }, 99, false],
  [{ enabled: true, tokensValidFrom: 100 }, 100, true],
  [{ enabled: true, tokensValidFrom: 100 }, 0, false],
  [{ enabled: false, tokensValidFrom: 100 }, 101, false],
])('ID-6: of the user %j, a token issued at %i is accepted: %s', (subject, issuedAt, expected) => {
  expect(acceptsToken(subject, issuedAt)).toBe(expected);
});
