import { describe, expect, test } from '@jest/globals';
import { visibleText } from '../../../core/fields/visible-text.ts';

const Name = visibleText(10, 2);

describe('SE-6: a name that people see', () => {
  test.each(['ab', 'Müller', 'AT&T', "L'Oréal", 'Ελλάδα', '東京', 'a  b', 'שלום', '☕️ bar', 'x'.repeat(10)])(
    'may be %j',
    (name) => {
      expect(Name.parse(name)).toBe(name);
    },
  );

  test.each([
    [visibleText(10), '', 'must not be empty'],
    [Name, 'a', 'must have at least 2 characters'],
    [Name, 'x'.repeat(11), 'must have at most 10 characters'],
  ])('%# cannot be %j: it %s', (schema, name, rule) => {
    expect(schema.safeParse(name).error?.issues[0]?.message).toBe(rule);
  });

  test('loses surrounding white space of every kind and gets the form NFC', () => {
    expect(Name.parse(' \u00a0\u3000\ufeff\n\tCafe\u0301\r\n')).toBe('Caf\u00e9');
  });

  test.each([
    ...[
      '\u0000',
      '\u0007',
      '\n',
      '\u001b',
      '\u007f',
      '\u0085',
      '\u00ad',
      '\u034f',
      '\u061c',
      '\u115f',
      '\u1160',
      '\u17b4',
    ],
    ...[
      '\u180e',
      '\u200b',
      '\u200c',
      '\u200d',
      '\u200e',
      '\u200f',
      '\u2028',
      '\u2029',
      '\u202a',
      '\u202e',
      '\u2060',
      '\u2066',
    ],
    ...[
      '\u2069',
      '\u2800',
      '\u3164',
      '\ud800',
      '\udc00',
      '\ue000',
      '\ufeff',
      '\uffa0',
      '\ufff9',
      '\uffff',
      '\u{1d173}',
    ],
    ...['\u{e0001}', '\u{e0041}', '\u{10ffff}'],
  ])('cannot contain the invisible character %j', (character) => {
    expect(Name.safeParse(`ab${character}cd`).error?.issues).toMatchObject([
      { message: 'must not contain control characters, line breaks or invisible characters' },
    ]);
  });

  test.each([
    ['', 'must have at least 2 characters'],
    ['a', 'must have at least 2 characters'],
    [' a ', 'must have at least 2 characters'],
    ['x'.repeat(11), 'must have at most 10 characters'],
    ['\u0301\u0302', 'must have a character that is not a space or a mark'],
  ])('cannot be %j: it %s', (name, rule) => {
    expect(Name.safeParse(name).error?.issues.map(({ message }) => message)).toEqual([rule]);
  });
});
