import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { createOperations } from '../../../control-plane/api/operations.ts';
import {
  BAD_PAGE_TOKENS,
  badUpdates,
  changes,
  notFound,
  queriesAndOthers,
  registering,
  registrations,
} from './bad-input.cases.ts';
import type { BadInputHome, Difference } from './bad-input.home.ts';
import { type Body, type Reply, registration } from './home.ts';
import { refusedCallers } from './refused-callers.suite.ts';

/** Paths of all lists that have pages. */
const LISTS = createOperations()
  .filter(({ query }) => query instanceof z.ZodObject && 'next_token' in query.shape)
  .map(({ path }) => path);

/** Requests that every home refuses with the same response, and without a change. `differences` lists each exception. */
export function badInput(
  name: string,
  open: () => Promise<BadInputHome>,
  differences: readonly Difference[] = [],
): void {
  describe(`bad input, in the ${name} home`, () => {
    let home: BadInputHome;
    let known: { tenantId: string; tenantRegistrationId: string };
    const met = new Set<string>();

    beforeAll(async () => {
      home = await open();
      known = await register('Known');
    });
    afterAll(async () => home?.close());

    async function register(tenantName: string): Promise<typeof known> {
      const { status, text, body } = await post(registration(tenantName));
      if (status !== 201) throw new Error(`${tenantName}: ${status} ${text}`);
      return body.data;
    }

    function post(body: unknown, headers: Record<string, string> = {}): Promise<Reply> {
      return home.call('POST', '/tenant-registrations', body, { headers });
    }

    /** Makes the call and checks that it changes nothing. */
    async function refused(call: () => Promise<Reply>): Promise<Reply> {
      const before = await home.stored();
      const response = await call();
      expect(await home.stored()).toEqual(before);
      return response;
    }

    /** Compares the response with `expected`, or with the row of `differences` for this request. */
    function expectResponse(request: string, response: Reply, expected: { status: number; body: unknown }): void {
      const row = differences.find((one) => one.request === request);
      if (row) {
        met.add(request);
        expect({ status: row.status, body: row.body }).not.toEqual(expected);
      }
      const { status, body } = row ?? expected;
      expect([response.status, response.body]).toEqual([status, body]);
    }

    function withIssues(issues: readonly (readonly [string, string])[]): unknown {
      const detail = issues.map(([path, type]) =>
        expect.objectContaining({ loc: path.split('.').map(asPart), type, msg: expect.any(String) }),
      );
      return { statusCode: 422, detail: expect.arrayContaining(detail) };
    }

    describe('SE-6: a registration is refused with the path of the field, and changes nothing, for', () => {
      test.each(registrations)('%s', async (request, body, path, type) => {
        const response = await refused(() => post(body));
        expectResponse(request, response, { status: 422, body: withIssues([[path, type]]) });
      });

      test('a key named __proto__, at any depth', async () => {
        const response = await refused(() => post('{"tenantData":{"__proto__":{"tier":"premium"}}}'));
        expect([response.status, pathsOf(response.body)]).toEqual([
          422,
          [['body.tenantData.__proto__', 'extra_forbidden']],
        ]);
      });

      test.each([40, 2_000, 100_000])('an own key that nests %i levels deep', async (depth) => {
        const nested = `"deep":${'['.repeat(depth)}${']'.repeat(depth)}`;
        const text = JSON.stringify(registering({ deep: 0 })).replace('"deep":0', nested);
        const response = await refused(() => post(text));
        expect([response.status, pathsOf(response.body)]).toEqual([
          422,
          [['body.tenantData.deep.0', 'recursion_loop']],
        ]);
      });

      test.each([
        ['a number past a double', '1e999', 'finite_number'],
        ['half a surrogate pair', '"\\ud800"', 'string_unicode'],
      ])('%s, anywhere', async (_name, json, type) => {
        const text = JSON.stringify(registering({ mine: { deep: 0 } })).replace('"deep":0', `"deep":${json}`);
        const response = await refused(() => post(text));
        expect([response.status, pathsOf(response.body)]).toEqual([422, [['body.tenantData.mine.deep', type]]]);
      });

      test.each(['application/json', 'application/octet-stream'])('%s that is not UTF-8, with 400', async (type) => {
        const [before, after] = JSON.stringify(registering({ mine: '|' })).split('|');
        const body = Buffer.concat([Buffer.from(before ?? ''), Buffer.from([0xff, 0xfe]), Buffer.from(after ?? '')]);
        const response = await refused(() => post(body, { 'content-type': type }));
        expectResponse(`${type} that is not UTF-8`, response, {
          status: 400,
          body: { statusCode: 400, message: 'Request body is not valid UTF-8' },
        });
      });

      test.each(['{"tenantData":', '{"a":1}x', "{'a':1}", 'tenantName=acme', '\u0000'])(
        'a body that is not JSON, such as %j, with 400',
        async (body) => {
          const response = await refused(() => post(body));
          const message = 'Request body is not valid JSON';
          expect([response.status, response.body]).toEqual([400, { statusCode: 400, message }]);
        },
      );

      test('an error of its own, although a byte order mark precedes it', async () => {
        const response = await refused(() => post(`\uFEFF${JSON.stringify(registering({ tier: 'platinum' }))}`));
        expect([response.status, pathsOf(response.body)]).toEqual([422, [['body.tenantData.tier', 'enum']]]);
      });

      test('a body over 256 KiB, with 413', async () => {
        const response = await refused(() => post(registering({ notes: 'x'.repeat(256 * 1024) })));
        const message = 'Request body must have at most 262144 bytes';
        expect([response.status, response.body]).toEqual([413, { statusCode: 413, message }]);
      });

      test('missing keys and values of the wrong type, with clear messages', async () => {
        const { body } = await refused(() => post({ tenantData: { tenantName: 7 }, adminPassword: [] }));
        expect(body.detail.map(({ loc, msg }: Body) => `${loc.at(-1)} ${msg}`)).toEqual([
          'tenantName must be a string, got a number',
          'email is required',
          'tier is required',
          'adminPassword must be a string, got a list',
        ]);
      });

      test('every error of one body at once', async () => {
        const { status, body } = await refused(() => post({ tenantData: { tier: 'x', tenantId: 'y' }, z: 1 }));
        const paths = ['tenantData.tenantName', 'tenantData.email', 'tenantData.tier', 'tenantData.tenantId', 'z'];
        expect([status, pathsOf(body).map(([path]) => path)]).toEqual([
          422,
          expect.arrayContaining(paths.map((path) => `body.${path}`)),
        ]);
      });

      test.each(['', 'with space', 'x'.repeat(256)])('the idempotency key %j', async (key) => {
        const response = await refused(() => post(registration('Keyless'), { 'idempotency-key': key }));
        expect([response.status, response.body.detail?.[0].loc]).toEqual([422, ['header', 'idempotency-key']]);
      });

      test('an idempotency key that was used for another body; a refused request leaves its key unused', async () => {
        const key = { 'idempotency-key': 'once' };
        expect((await refused(() => post({}, key))).status).toBe(422);
        expect((await post(registration('Intended'), key)).status).toBe(201);
        const response = await refused(() => post(registration('Unintended'), key));
        expect([response.status, response.body.detail[0].loc]).toEqual([422, ['header', 'idempotency-key']]);
      });
    });

    test.each(queriesAndOthers)('SE-6: %s %s of %j is refused at %s, and changes nothing', async (...one) => {
      const [method, path, body, where, type] = one;
      const response = await refused(() => home.call(method, path, body));
      expectResponse(`${method} ${path}`, response, { status: 422, body: withIssues([[where, type]]) });
    });

    test.each(notFound)('%s %s is 404, and changes nothing', async (method, path, message) => {
      const response = await refused(() => home.call(method, path));
      expectResponse(`${method} ${path}`, response, { status: 404, body: { statusCode: 404, message } });
    });

    test.each(changes)('%s %s of an unknown resource is %i', async (method, path, status, body) => {
      const response = await refused(() => home.call(method, path, body));
      expect(response.status).toBe(status);
    });

    test.each(['/nothing', '/tenants/a/b/c', '/tenants/%ZZ/x', '//', '/Tenants', '/users/%C3%28/x'])(
      'the unknown path %s is 404',
      async (path) => {
        const response = await refused(() => home.call('GET', path));
        expect([response.status, response.body]).toEqual([404, { message: 'Not Found' }]);
      },
    );

    test.each(BAD_PAGE_TOKENS)(
      'the list of tenants responds to the page token %s with an empty page',
      async (token) => {
        const { status, body } = await home.call('GET', `/tenants?next_token=${token}`);
        expect([status, body]).toEqual([200, { data: [] }]);
      },
    );

    test.each(
      LISTS.filter((path) => path !== '/tenants').flatMap((path) => BAD_PAGE_TOKENS.map((token) => [path, token])),
    )('%s refuses the page token %s with 400', async (path, token) => {
      const { status, body } = await home.call('GET', `${path}?next_token=${token}`);
      const detail = [{ loc: ['query', 'next_token'], type: 'value_error', msg: expect.any(String) }];
      expect([status, body]).toEqual([400, { statusCode: 400, detail }]);
    });

    test.each(badUpdates)('SE-1.15: an update of %j by an admin is refused', async (body, path) => {
      const response = await refused(() => {
        return home.call('PATCH', `/tenant-registrations/${known.tenantRegistrationId}`, body);
      });
      expect([response.status, pathsOf(response.body).map(([where]) => where)]).toEqual([422, [path]]);
    });

    describe('ON-9: a taken name or email is refused with 409 and changes nothing:', () => {
      test.each(['Known', 'KNOWN', 'known.', ' known'])('the name %j', async (tenantName) => {
        const again = registering({ tenantName, email: 'else@known.example' });
        expect((await refused(() => post(again))).status).toBe(409);
      });

      test('an email in upper and lower case', async () => {
        const response = await refused(() =>
          post(registering({ tenantName: 'Unknown', email: 'ADMIN@known.example' })),
        );
        const message = "Email 'ADMIN@known.example' is taken";
        expect([response.status, response.body]).toEqual([409, { statusCode: 409, message }]);
      });

      test('a name and an email in an update', async () => {
        const path = `/tenant-registrations/${(await register('Other One')).tenantRegistrationId}`;
        const byName = await refused(() => home.call('PATCH', path, { tenantData: { tenantName: 'KNOWN' } }));
        const byEmail = await refused(() => home.call('PATCH', path, { tenantData: { email: 'Admin@Known.example' } }));
        expect([byName.status, byName.body.message]).toEqual([409, "Tenant name 'KNOWN' is taken"]);
        expect([byEmail.status, byEmail.body.message]).toEqual([409, "Email 'Admin@Known.example' is taken"]);
      });

      test("a system user's name, and the deletion of the last admin", async () => {
        const again = { userName: 'ADMIN', userRole: 'x', email: 'else@platform.example' };
        expect((await refused(() => home.call('POST', '/users', again))).status).toBe(409);
        const message = 'User admin is the last enabled SystemAdmin who has signed in';
        for (const [method, path] of [
          ['DELETE', '/users/admin'],
          ['PUT', '/users/admin/disable'],
        ] as const) {
          const response = await refused(() => home.call(method, path));
          expect([response.status, response.body]).toEqual([409, { statusCode: 409, message }]);
        }
      });

      test('all but one of five registrations of one name at the same time', async () => {
        const responses = await Promise.all(Array.from({ length: 5 }, () => post(registration('Rush'))));
        expect(responses.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
      });
    });

    refusedCallers(() => home, { refused, expectResponse });

    describe('ON-2: a public sign-up', () => {
      const acme = { tenant_name: 'Initech', email: 'boss@initech.example', password: 'Correct-horse-1' };
      const signUp = (body: Body) => home.call('POST', '/onboarding', body, { token: 'none' });

      test.each(['tier', 'state', 'tenant_id'])('SE-1.15: cannot set its own %s', async (key) => {
        const response = await refused(() => signUp({ ...acme, [key]: 'premium' }));
        expect([response.status, pathsOf(response.body)]).toEqual([422, [[`body.${key}`, 'extra_forbidden']]]);
      });

      test('is refused for a weak password, with a message that does not contain it', async () => {
        const { status, body, text } = await refused(() => signUp({ ...acme, password: 'hunter2' }));
        expect([status, pathsOf(body)]).toEqual([422, Array(3).fill(['body.password', 'password_policy'])]);
        expect(text).not.toContain('hunter2');
      });

      test('is refused for a taken name', async () => {
        const { status, body } = await refused(() => signUp({ ...acme, tenant_name: 'KNOWN' }));
        expect([status, body]).toEqual([409, { statusCode: 409, message: "Tenant name 'KNOWN' is taken" }]);
      });

      test('is limited, with the time to wait, and changes nothing when refused', async () => {
        const weak = () => signUp({ ...acme, password: 'weak' });
        let response = await weak();
        for (let i = 0; i < 10 && response.status === 422; i++) response = await weak();
        expect([response.status, response.body]).toEqual([429, { message: 'Too Many Requests' }]);
        expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
        expect((await refused(() => signUp(acme))).status).toBe(429);
      });
    });

    test('no refused request sent an event', async () => {
      const names = (await home.events()).map(({ tenantName }) => tenantName);
      expect(names.sort()).toEqual(['Intended', 'Known', 'Other One', 'Rush']);
    });

    test('every difference in the table exists', () => {
      expect([...met].sort()).toEqual(differences.map(({ request }) => request).sort());
    });
  });
}

function pathsOf(body: Body): [string, string][] {
  return body.detail?.map((one: Body) => [one.loc.join('.'), one.type]);
}

function asPart(part: string): string | number {
  return /^\d+$/.test(part) ? Number(part) : part;
}
