import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { mayCall } from '../../../core/http/access.ts';
import {
  CREATED,
  ETAG,
  IDEMPOTENCY_KEY,
  IF_MATCH,
  IF_NONE_MATCH,
  operation,
  TENANT_ADMIN,
  TENANT_USER,
} from '../../../services/kit/operation.ts';

const common = {
  id: 'one',
  method: 'GET',
  path: '',
  access: TENANT_USER,
  summary: 'One',
  responses: { 204: { description: 'Nothing.' } },
  handle: () => ({ status: 204 }) as const,
} as const;
const ALWAYS = [204, 400, 401, 403, 408, 413, 414, 429, 431, 500, 502, 503, 504];

test('SE-1.15: an operation for administrators is closed to other users of the tenant', () => {
  const user = (role: string) => ({ kind: 'user', role, scopes: [] }) as const;
  expect(mayCall(TENANT_ADMIN, user('TenantAdmin'))).toBe(true);
  expect(mayCall(TENANT_ADMIN, user('TenantUser'))).toBe(false);
  expect(mayCall(TENANT_USER, user('TenantUser'))).toBe(true);
  for (const access of [TENANT_ADMIN, TENANT_USER]) expect(mayCall(access, { kind: 'anonymous' })).toBe(false);
});

test.each([
  ['nothing more', {}, []],
  ['an item', { path: '/{itemId}' }, [404]],
  ['If-None-Match', { headers: IF_NONE_MATCH }, [304]],
  ['If-Match', { headers: IF_MATCH }, [409, 412]],
  ['Idempotency-Key', { headers: IDEMPOTENCY_KEY }, [409]],
  ['a body', { body: z.string() }, [415]],
])('an operation that declares %s has the responses that follow from it', (_what, more, statuses) => {
  const { responses } = operation({ ...common, ...more } as typeof common);
  const expected = [...ALWAYS, ...statuses].sort((a, b) => a - b);
  expect(Object.keys(responses).map(Number)).toEqual(expected);
  for (const { description } of Object.values(responses)) expect(description).not.toBe('');
});

test.each(Object.entries({ ...IDEMPOTENCY_KEY, ...IF_MATCH, ...IF_NONE_MATCH, ...ETAG, ...CREATED }))(
  'the header %s is described to clients',
  (name, description) => {
    expect([name, description]).toEqual([expect.stringMatching(/^[a-z-]+$/), expect.stringMatching(/\w+ \w+/)]);
  },
);
