import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { mismatchOf } from '../../../core/http/check-response.ts';
import type { AnyResponse, Declaration } from '../../../core/http/operation.ts';

const Page = z.object({
  data: z.array(z.object({ id: z.string(), own: z.looseObject({}).optional() })),
  next: z.string().optional(),
});
const declared: Declaration = {
  id: 'list',
  method: 'GET',
  path: '/',
  access: { kind: 'public' },
  summary: 'Lists',
  responses: {
    200: { description: 'One page.', body: Page, headers: { etag: 'Its version.' } },
    204: { description: 'Nothing.' },
  },
};
const etag = { etag: '"1"' };

test('a declared status with the declared body and headers fits', () => {
  const body = { data: [{ id: 'a', own: { anything: 1 } }], next: 'b' };
  expect(mismatchOf(declared, { status: 200, headers: { ...etag, 'x-more': '' }, body })).toBeUndefined();
  expect(mismatchOf(declared, { status: 204 })).toBeUndefined();
});

test.each<[string, AnyResponse]>([
  ['list: response 418 is not declared', { status: 418 }],
  ['list: response 200 must have the header etag', { status: 200, body: { data: [] } }],
  ['list: response 204 must have no body', { status: 204, body: {} }],
  [
    'list: response 200 has the undeclared key data.0.secret',
    { status: 200, headers: etag, body: { data: [{ id: 'a', secret: 1 }] } },
  ],
  ['list: response 200 has the undeclared key total', { status: 200, headers: etag, body: { data: [], total: 0 } }],
])('a response that does not fit its declaration is reported: %s', (mismatch, response) => {
  expect(mismatchOf(declared, response)).toBe(mismatch);
});

test('a value of another type does not fit; the mismatch names its path', () => {
  const mismatch = mismatchOf(declared, { status: 200, headers: etag, body: { data: [{ id: 7 }] } });
  expect(mismatch).toMatch(/^list: response 200 does not fit its schema: data\.0\.id: /);
});
