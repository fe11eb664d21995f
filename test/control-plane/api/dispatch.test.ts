import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { createControlPlane } from '../../../control-plane/api/control-plane.ts';
import type { ControlPlaneDeps } from '../../../control-plane/api/http/deps.ts';
import type { ApiRequest, Principal } from '../../../control-plane/api/http/http.ts';
import {
  type ControlPlaneOperation,
  canRead,
  canWrite,
  MACHINE,
  operation,
  PUBLIC,
} from '../../../control-plane/api/http/operation.ts';
import { DomainError } from '../../../core/errors.ts';
import { SCOPES } from '../../../core/identity/issuers.ts';
import type { Guard } from '../../../core/ports/guard.ts';
import { put, type Write } from '../../../core/ports/table.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { openScratchTable } from '../../support/scratch-table.ts';

const ADMIN: Principal = {
  ...{ kind: 'user', userName: 'root', role: 'SystemAdmin', scopes: Object.values(SCOPES) },
  basis: [{ check: { pk: 'caller', sk: 'root' }, if: 'present' }],
};
const AUDITOR: Principal = { ...ADMIN, role: 'Auditor' };
const MACHINE_CLIENT: Principal = { kind: 'machine' };
const WRITE: Write = put({ pk: 'effect', sk: 'x', version: 1, data: {} });

let scratch: Awaited<ReturnType<typeof openScratchTable>>;
let logged: string[];
let responses: string[];
/** The principals of the next calls of `authorize`; the last one stays. */
let principals: (Principal | Error)[];
let authorized: number;
let guards: Guard[];

beforeEach(async () => {
  scratch = await openScratchTable();
  [logged, responses, principals, authorized, guards] = [[], [], [ADMIN], 0, []];
});
afterEach(async () => scratch.close());

async function authorize(): Promise<Principal> {
  authorized += 1;
  const next = principals.length > 1 ? principals.shift() : principals[0];
  if (next === undefined || next instanceof Error) throw next;
  return next;
}

const text = z.object({ text: z.string() });
const done = { 200: { description: 'Done.', body: z.unknown() } };
const common = { tag: 'Test', summary: 'Test', responses: done } as const;

/** Operations that respond with what they are given. */
const OPERATIONS: readonly ControlPlaneOperation[] = [
  operation({
    ...{
      ...common,
      id: 'echo',
      method: 'POST',
      path: '/echo/{first}/x.{second}',
      access: canWrite(SCOPES.tenantWrite),
    },
    ...{ body: text, query: z.object({ limit: z.string().optional() }), maxBodyBytes: 30 },
    find: async ({ first }) => {
      if (first === 'nobody') throw new DomainError('NOT_FOUND', 'nobody is not here');
    },
    handle: ({ params, query, body, principal }) => ({
      status: 200,
      body: { params, query, body, kind: principal.kind },
    }),
  }),
  operation({
    ...{ ...common, id: 'page', method: 'GET', path: '/page', access: PUBLIC },
    responses: { 200: { description: 'A page.', body: z.string(), mediaType: 'text/html', headers: { vary: 'x' } } },
    admit: ({ request }) =>
      request.headers.closed ? { status: 200 as const, headers: { vary: 'admit' }, body: 'closed' } : undefined,
    handle: ({ principal }) => ({ status: 200, headers: { vary: 'x' }, body: principal.kind }),
  }),
  operation({
    ...{ ...common, id: 'pageForMachines', method: 'GET', path: '/page', access: MACHINE },
    handle: () => ({ status: 200, body: 'machine' }),
  }),
  operation({
    ...{ ...common, id: 'machineWrites', method: 'PUT', path: '/both', access: MACHINE },
    handle: () => ({ status: 200, body: 'machine' }),
  }),
  operation({
    ...{ ...common, id: 'userWrites', method: 'PUT', path: '/both', access: canWrite(SCOPES.tenantWrite) },
    handle: () => ({ status: 200, body: 'user' }),
  }),
  operation({
    ...{ ...common, id: 'machineOnly', method: 'DELETE', path: '/both', access: MACHINE },
    handle: () => ({ status: 200, body: 'machine' }),
  }),
  operation({
    ...{ ...common, id: 'change', method: 'POST', path: '/change', access: canRead(SCOPES.tenantRead) },
    async handle(_call, { table, identity, credentials }) {
      await table.transact([WRITE]);
      return { status: 200, body: [identity, credentials] };
    },
  }),
];

/** A part whose guarded form is only its name. */
const guarded = (name: string) => ({
  name: `unguarded ${name}`,
  guardedBy(guard: Guard) {
    guards.push(guard);
    return { name: `guarded ${name}` };
  },
});

function controlPlane(change: object = {}) {
  const deps = {
    ...{ table: scratch.table, log: recordingLog(logged), identity: guarded('identity') },
    onResponse: ({ id }: { id: string }, { status }: { status: number }) => responses.push(`${id} ${status}`),
    ...change,
  };
  return createControlPlane(deps as unknown as ControlPlaneDeps, authorize, OPERATIONS);
}

function send(method: string, path: string, more: Partial<ApiRequest> = {}, change: object = {}) {
  const request = { method, path, query: {}, headers: { authorization: 'x' }, body: undefined, ...more };
  return controlPlane(change).respond(request);
}

const echo = (more: Partial<ApiRequest>, path = '/echo/a%20b/x.c%2Fd') => send('POST', path, more);
const BODY = '{"text":"x"}';

describe('a request', () => {
  test('reaches its operation with decoded parameters, the parsed query and the parsed body', async () => {
    expect(await echo({ body: BODY, query: { limit: '7', more: 'x' } })).toEqual({
      status: 200,
      body: { params: { first: 'a b', second: 'c/d' }, query: { limit: '7' }, body: { text: 'x' }, kind: 'user' },
    });
    expect(responses).toEqual(['echo 200']);
  });

  test.each([
    ['POST', '/echo/a/xyc'],
    ['POST', '/echo/a/x.c/'],
    ['POST', '/echo//x.c'],
    ['POST', '/more/echo/a/x.c'],
    ['GET', '/echo/a/x.c'],
    ['TRACE', '/nothing'],
    ['GET', ''],
  ])('SE-6: %s %s has no operation', async (method, path) => {
    const missing = { status: 404, body: { message: 'Not Found' } };
    expect(await send(method, path)).toEqual(missing);
    expect(await controlPlane().refusal({ method, path, headers: {} })).toEqual(missing);
    expect([authorized, responses]).toEqual([0, []]);
  });

  test.each([
    ...['GET', 'HEAD', 'POST', 'PATCH', 'OPTIONS'].map((method) => [method, '/both'] as const),
    ...['PUT', 'DELETE'].map((method) => [method, '/page'] as const),
  ])("with the method %s, which %s does not have, gets 404 as in AWS's SaaS Builder Toolkit", async (method, path) => {
    expect((await send(method, path)).status).toBe(404);
  });

  test('DX-4: with a method that no path has gets the methods of its path, each once and in order', async () => {
    expect(await send('TRACE', '/both')).toEqual({
      ...{ status: 405, headers: { allow: 'DELETE, PUT' }, body: { message: 'Method Not Allowed' } },
    });
  });

  test.each<[what: string, path: string, body: string | undefined, status: number, message: unknown]>([
    ['a path that is no percent-encoding', '/echo/%/x.c', BODY, 404, 'The path is not valid'],
    ['an unknown resource, whatever the body is', '/echo/nobody/x.c', 'x'.repeat(31), 404, 'nobody is not here'],
    [
      'a body over the limit of the operation',
      '/echo/a/x.c',
      'x'.repeat(31),
      413,
      'Request body must have at most 30 bytes',
    ],
    ['a body over the limit in bytes', '/echo/a/x.c', 'ü'.repeat(16), 413, 'Request body must have at most 30 bytes'],
    ['a body of the limit', '/echo/a/x.c', 'x'.repeat(30), 400, 'Request body is not valid JSON'],
  ])('SE-6: with %s is refused', async (_what, path, body, status, message) => {
    expect(await echo({ body }, path)).toMatchObject({ status, body: { statusCode: status, message } });
    expect(responses).toEqual([`echo ${status}`]);
  });

  test('SE-6: is refused with the fields of the query, then with those of the body', async () => {
    const limit = ['a', 'b'] as unknown as string;
    expect(await echo({ query: { limit }, body: '{}' })).toMatchObject({
      ...{ status: 422, body: { detail: [{ loc: ['query', 'limit'] }] } },
    });
    for (const body of ['{}', undefined]) {
      const { status, body: refusal } = await echo({ body });
      expect([status, refusal]).toEqual([
        422,
        { statusCode: 422, detail: [expect.objectContaining({ type: 'missing' })] },
      ]);
    }
  });

  test('has its body ignored where the operation declares none, and the type of the response where it declares one', async () => {
    const page = { status: 200, headers: { vary: 'x', 'content-type': 'text/html' }, body: 'anonymous' };
    expect(await send('GET', '/page', { body: '{' })).toEqual(page);
    expect(await send('GET', '/page', {}, { onResponse: undefined })).toEqual(page);
    expect(await send('GET', '/page', { headers: { closed: 'x' } })).toEqual({
      ...{ status: 200, headers: { vary: 'admit' }, body: 'closed' },
    });
  });
});

describe('ID-4: the caller of a request', () => {
  const NO_TOKEN = new DomainError('UNAUTHENTICATED', 'no token');
  const ROUTES = ['POST /echo/a/x.c', 'GET /page', 'PUT /both', 'DELETE /both'] as const;
  const statusesOf = async (principal: Principal | Error) => {
    principals = [principal];
    return Promise.all(
      ROUTES.map(async (route) => {
        const [method = '', path = ''] = route.split(' ');
        const body = method === 'POST' ? BODY : undefined;
        const response = await send(method, path, { body });
        const early = await controlPlane().refusal({ method, path, headers: {} });
        // What is refused is refused before the body, in the same words.
        expect(early).toEqual(response.status === 200 ? undefined : response);
        return response.status === 200 ? response.body : response.status;
      }),
    );
  };

  test('gets the operation that it may call, 401 where a token could help, and 403 elsewhere', async () => {
    expect(await statusesOf(ADMIN)).toEqual([expect.objectContaining({ kind: 'user' }), 'anonymous', 'user', 403]);
    expect(await statusesOf(AUDITOR)).toEqual([403, 'anonymous', 403, 403]);
    responses.length = 0;
    expect(await statusesOf(MACHINE_CLIENT)).toEqual([403, 'anonymous', 'machine', 'machine']);
    expect(responses).toEqual(expect.arrayContaining(['machineWrites 200', 'machineOnly 200']));
    expect(await statusesOf(NO_TOKEN)).toEqual([401, 'anonymous', 401, 403]);
  });

  test('is not asked for by a public operation', async () => {
    await send('GET', '/page');
    expect(authorized).toBe(0);
  });

  test('is not taken for a stranger because the check fails', async () => {
    principals = [new DomainError('UNAVAILABLE', 'no keys')];
    expect(await send('PUT', '/both')).toMatchObject({ status: 503 });
    principals = [new Error('broken')];
    expect(await send('PUT', '/both')).toMatchObject({ status: 500 });
    expect(logged).toHaveLength(2);
    // Nobody is known to have called, so the response counts for the operation of users.
    expect(responses).toEqual(['userWrites 503', 'userWrites 500']);
  });
});

describe('ID-4: a change by a user', () => {
  const change = (more: object = {}) => send('POST', '/change', {}, more);
  const isChanged = async () => (await scratch.table.get({ pk: 'effect', sk: 'x' })) !== undefined;
  const addCaller = () => scratch.table.transact([put({ pk: 'caller', sk: 'root', version: 1, data: {} })]);

  test('is committed under the conditions of the caller, asked again at the write', async () => {
    await addCaller();
    const credentials = guarded('credentials');
    expect((await change({ credentials })).body).toEqual([
      { name: 'guarded identity' },
      { name: 'guarded credentials' },
    ]);
    expect([authorized, guards.length, await isChanged()]).toEqual([2, 2, true]);
    for (const guard of guards) expect(await guard()).toEqual(ADMIN.basis);
  });

  test.each<[what: string, then: Principal | Error, status: number]>([
    ['is demoted', { ...AUDITOR, scopes: [] }, 403],
    ['has no valid token any more', new DomainError('UNAUTHENTICATED', 'x'), 401],
  ])('is not committed if the caller %s meanwhile', async (_what, then, status) => {
    await addCaller();
    principals = [ADMIN, then];
    expect((await change()).status).toBe(status);
    expect(await isChanged()).toBe(false);
  });

  test('is not committed while the condition of the caller does not hold', async () => {
    expect((await change()).status).toBe(503);
    expect(await isChanged()).toBe(false);
  });

  test('has the credentials that the home keeps, which may be none', async () => {
    await addCaller();
    expect((await change()).body).toEqual([{ name: 'guarded identity' }, undefined]);
  });

  test('by a machine needs no condition', async () => {
    principals = [MACHINE_CLIENT];
    const machine = operation({
      ...{ ...common, id: 'machineChanges', method: 'POST', path: '/machine', access: MACHINE },
      async handle(_call, { table, identity }) {
        await table.transact([WRITE]);
        return { status: 200, body: identity };
      },
    });
    const deps = { table: scratch.table, log: recordingLog(logged), identity: guarded('identity') };
    const api = createControlPlane(deps as unknown as ControlPlaneDeps, authorize, [machine]);
    const request = { method: 'POST', path: '/machine', query: {}, headers: {}, body: undefined };
    expect(await api.respond(request)).toMatchObject({ status: 200, body: { name: 'unguarded identity' } });
    expect([authorized, await isChanged()]).toEqual([1, true]);
  });
});
