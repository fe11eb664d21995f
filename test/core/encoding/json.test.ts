import { expect, test } from '@jest/globals';
import { jsonIn } from '../../../core/encoding/json.ts';

test.each([
  ['{"a":[1]}', { a: [1] }],
  ['null', null],
  ['"text"', 'text'],
  ['', undefined],
  ['{', undefined],
  ['<html>', undefined],
])('the JSON value of %j is %j', (text, value) => {
  expect(jsonIn(text)).toEqual(value);
});
