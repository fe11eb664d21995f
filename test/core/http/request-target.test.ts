import { expect, test } from '@jest/globals';
import { originForm, withoutQuery } from '../../../core/http/request-target.ts';

test.each([
  ['/products', '/products'],
  ['/products?limit=5', '/products?limit=5'],
  ['//other.example/x', '//other.example/x'],
  ['http://any.example/products?limit=5', '/products?limit=5'],
  ['HTTPS://any.example/', '/'],
  ['http://any.example', '/'],
  ['http://any.example?limit=5', undefined],
  ['http:///products', undefined],
  ['xhttp://any.example/products', undefined],
  ['ftp://any.example/products', undefined],
  ['any.example:443', undefined],
  ['*', undefined],
  ['', undefined],
])('the path of the target %j is %j', (target, path) => {
  expect(originForm(target)).toBe(path);
});

test.each([
  ['/products', '/products'],
  ['/products?', '/products'],
  ['/products?limit=5?x', '/products'],
  ['?limit=5', ''],
  ['', ''],
])('%j without its query is %j', (path, bare) => {
  expect(withoutQuery(path)).toBe(bare);
});
