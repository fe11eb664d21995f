import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { nameOf, type Principal } from '../../../../control-plane/api/http/http.ts';
import {
  canRead,
  canWrite,
  MACHINE,
  operation,
  orMachine,
  PUBLIC,
} from '../../../../control-plane/api/http/operation.ts';
import { type Caller, mayCall } from '../../../../core/http/access.ts';
import type { Method } from '../../../../core/http/operation.ts';
import { SCOPES } from '../../../../core/identity/issuers.ts';

const CALLERS: Readonly<Record<string, Caller>> = {
  admin: { kind: 'user', role: 'SystemAdmin', scopes: [SCOPES.userRead, SCOPES.userWrite] },
  auditor: { kind: 'user', role: 'Auditor', scopes: [SCOPES.userRead, SCOPES.userWrite] },
  'admin with another scope': { kind: 'user', role: 'SystemAdmin', scopes: [SCOPES.tenantRead] },
  machine: { kind: 'machine' },
  anonymous: { kind: 'anonymous' },
};

test.each([
  ['PUBLIC', PUBLIC, Object.keys(CALLERS)],
  ['MACHINE', MACHINE, ['machine']],
  ['canRead', canRead(SCOPES.userRead), ['admin', 'auditor']],
  ['canWrite', canWrite(SCOPES.userWrite), ['admin']],
  ['orMachine(canRead)', orMachine(canRead(SCOPES.userRead)), ['admin', 'auditor', 'machine']],
  ['orMachine(canWrite)', orMachine(canWrite(SCOPES.userWrite)), ['admin', 'machine']],
] as const)('ID-4: %s admits exactly these callers: %j', (_name, access, admitted) => {
  expect(Object.keys(CALLERS).filter((name) => mayCall(access, CALLERS[name] as Caller))).toEqual(admitted);
});

test.each<[method: Method, path: string, more: object, refusals: number[]]>([
  ['GET', '/x', { access: PUBLIC }, [500, 503]],
  ['GET', '/x', { access: MACHINE }, [403, 500, 503]],
  ['GET', '/x', { access: canRead(SCOPES.userRead) }, [401, 403, 500, 503]],
  ['GET', '/x/{id}', { access: PUBLIC }, [400, 404, 500, 503]],
  ['GET', '/x', { access: PUBLIC, query: z.object({}) }, [422, 500, 503]],
  ['POST', '/x', { access: PUBLIC }, [409, 500, 503]],
  ['POST', '/x', { access: PUBLIC, body: z.object({}) }, [400, 409, 413, 422, 500, 503]],
])('%s %s with %j declares the refusals %j', (method, path, more, refusals) => {
  const spec = { id: 'x', method, path, access: PUBLIC, summary: 'X', ...more };
  const { responses } = operation({
    ...spec,
    responses: { 204: { description: 'Done.' } },
    handle: () => ({ status: 204 }),
  });
  expect(Object.keys(responses).map(Number)).toEqual([...new Set([204, ...refusals])].sort((a, b) => a - b));
});

describe('SE-6: the declared shape of a refusal', () => {
  const { responses } = operation({
    ...({ id: 'x', method: 'POST', path: '/x/{id}', access: PUBLIC, summary: 'X', body: z.object({}) } as const),
    ...{ responses: { 204: { description: 'Done.' } }, handle: () => ({ status: 204 as const }) },
  });
  const issue = { loc: ['body', 'list', 0], type: 'missing', msg: 'is required' };

  test.each<[status: number, body: unknown, fits: boolean]>([
    [422, { statusCode: 422, detail: [issue] }, true],
    [422, { statusCode: 400, detail: [] }, true],
    [422, { statusCode: 500, detail: [] }, false],
    [422, { statusCode: 422, detail: [{ ...issue, loc: [1.5] }] }, false],
    [422, { statusCode: 422, message: 'x' }, false],
    [404, { statusCode: 404, message: 'x' }, true],
    [404, { statusCode: 404.5, message: 'x' }, false],
    [404, { message: 'x' }, false],
    [400, { statusCode: 400, message: 'x' }, true],
    [400, { message: 'x' }, true],
    [400, { statusCode: 400 }, false],
  ])('of %i: %j fits is %s', (status, body, fits) => {
    expect(responses[status]?.body?.safeParse(body).success).toBe(fits);
  });
});

test.each<[principal: Principal, name: string]>([
  [{ kind: 'user', userName: 'ann', role: 'Auditor', scopes: [], basis: [] }, 'ann'],
  [{ kind: 'machine' }, 'machine'],
  [{ kind: 'anonymous' }, 'anonymous'],
])('OB-1: the log calls the principal %j %s', (principal, name) => {
  expect(nameOf(principal)).toBe(name);
});
