import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Email, isEmail, MAX_EMAIL_LENGTH } from '../../../core/fields/email.ts';
import { UserName } from '../../../core/fields/user-name.ts';

/** An address of `length` characters with a local part of 10. */
function long(length: number): string {
  const domain = 'd'.repeat(length - 11 - '.example'.length).replace(/.{50}(?=.)/g, (part) => `${part.slice(0, 49)}.`);
  return `${'x'.repeat(10)}@${domain}.example`;
}

describe('ON-9: an email', () => {
  test.each([
    ...[
      'ada@example.com',
      'r&d@acme.example',
      'a=b@x.example',
      'info@xn--mller-kva.example',
      'info@xn--80ak6aa92e.xn--p1ai',
    ],
    ...[
      "o'neill@x.example",
      'a+b@x.example',
      '!#$%&*=^_`{|}~-@x.example',
      'a.b.c@a-b.c-d.example',
      '1@2.example',
      'A@B.CO',
    ],
    `${'x'.repeat(64)}@a.example`,
    long(MAX_EMAIL_LENGTH),
  ])('may be %j', (email) => {
    expect(Email.parse(email)).toBe(email);
    expect(isEmail(email)).toBe(true);
    expect(UserName.parse(email)).toBe(email);
  });

  test.each([
    ...[
      '',
      'a',
      '@a.example',
      'a@',
      'a@b',
      'a@@b.example',
      'a@b@c.example',
      'a b@c.example',
      'a@b c.example',
      '.a@b.example',
    ],
    ...[
      'a.@b.example',
      'a..b@c.example',
      'a@-b.example',
      'a@b-.example',
      'a@b..example',
      'a@.b.example',
      'a@b.example.',
    ],
    ...[
      'a/b@c.example',
      'a?b@c.example',
      'a\\b@c.example',
      '"a b"@c.example',
      'a@[127.0.0.1]',
      'a@127.0.0.1',
      'a,b@c.example',
      'a:b@c.example',
    ],
    ...['<a@b.example>', 'Ada <a@b.example>', 'a@b.example\nbcc: c@d.example', `${'x'.repeat(65)}@a.example`],
    `a@${'x'.repeat(64)}.example`,
  ])('cannot be %j', (email) => {
    expect(Email.safeParse(email).error?.issues.map(({ message }) => message)).toEqual(['must be an email address']);
  });

  test('that is not in ASCII is refused with the form to use', () => {
    for (const email of ['info@müller.example', 'jörg@x.example', 'a\u200b@x.example']) {
      expect(Email.safeParse(email).error?.issues.map(({ message }) => message)).toEqual([
        'must be an email address in ASCII; write an international domain in its xn-- form',
      ]);
    }
  });

  test('that is too long is refused with the limit', () => {
    expect(Email.safeParse(long(MAX_EMAIL_LENGTH + 1)).error?.issues).toMatchObject([
      { message: 'must have at most 128 characters' },
    ]);
    expect(isEmail(long(MAX_EMAIL_LENGTH + 1))).toBe(false);
  });

  test('is stored without surrounding white space', () => {
    expect(Email.parse(' ada@example.com\n')).toBe('ada@example.com');
  });

  test('of any accepted form is a user name', () => {
    fc.assert(
      fc.property(fc.emailAddress(), (email) => {
        const parsed = Email.safeParse(email);
        fc.pre(parsed.success);
        expect(UserName.parse(parsed.data)).toBe(parsed.data);
      }),
    );
  });

  test('is checked in linear time', () => {
    const started = performance.now();
    for (const email of [`${'a.'.repeat(60)}@`, `a@${'a-'.repeat(60)}`, `a@${'a.'.repeat(60)}`]) Email.safeParse(email);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
