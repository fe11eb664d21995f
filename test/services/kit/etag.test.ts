import { expect, test } from '@jest/globals';
import { etagOf, isKnown, requireMatch } from '../../../services/kit/etag.ts';

test('an entity tag is the version in quotes', () => {
  expect([etagOf(3), etagOf('a')]).toEqual(['"3"', '"a"']);
});

test.each([undefined, '"3"', '*', '"1", "3"', ' "3" ,"4"'])('If-Match %j allows a change of version 3', (ifMatch) => {
  expect(() => requireMatch(ifMatch, '"3"')).not.toThrow();
});

test.each(['"2"', 'W/"3"', '3', '', '"1","2"'])('If-Match %j refuses a change of version 3', (ifMatch) => {
  expect(() => requireMatch(ifMatch, '"3"')).toThrow(
    expect.objectContaining({
      code: 'CONDITION_FAILED',
      message: 'If-Match must name the current entity tag, which is "3"',
    }),
  );
});

test.each(['"3"', 'W/"3"', '*', '"1", W/"3"', '"3","4"'])('If-None-Match %j knows version 3', (ifNoneMatch) => {
  expect(isKnown(ifNoneMatch, '"3"')).toBe(true);
});

test.each([undefined, '"2"', '3', '', '"W/3"', '"1","2"'])(
  'If-None-Match %j does not know version 3',
  (ifNoneMatch) => {
    expect(isKnown(ifNoneMatch, '"3"')).toBe(false);
  },
);

test('nothing is known of a response without an entity tag', () => {
  expect(isKnown('*', undefined)).toBe(false);
});
