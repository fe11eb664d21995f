import { expect, test } from '@jest/globals';
import { RESERVED_NAMES, reservedSlugs } from '../../../core/tenant/reserved-names.ts';

test('ON-9: the reserved names are those that mean a part of a platform', () => {
  expect([...RESERVED_NAMES]).toEqual(['www', 'admin', 'api', 'app', 'auth', 'localhost', 'mail', 'status']);
});

test.each([
  ['https://saas.example.com:8443/base', ['saas-example-com', 'saas']],
  ['http://localhost:8080', ['localhost']],
  ['http://127.0.0.1:8080', ['127-0-0-1']],
  ['http://[::1]:8080', ['1']],
  ['http://shop.x7', ['shop-x7', 'shop']],
  ['http://7.shop', ['7-shop', '7']],
  ['https://xn--mller-kva.example', ['xn-mller-kva-example', 'xn-mller-kva']],
])("ON-9: the platform's own host %s is reserved with its first label", (url, slugs) => {
  expect([...reservedSlugs([], [url])]).toEqual(slugs);
});

test('ON-9: names are reserved in any spelling', () => {
  expect([...reservedSlugs(['Help Desk', 'Über', ' ', ''])]).toEqual(['help-desk', 'uber']);
});
