import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { LOCAL_OPERATIONS } from '../../../control-plane/api/local-operations.ts';
import { createOperations } from '../../../control-plane/api/operations.ts';
import { OUTBOX, REJECTED } from '../../../core/events/outbox-partitions.ts';
import type { Change } from '../../../core/plan/resources.ts';
import { put } from '../../../core/ports/table.ts';
import { until } from '../../support/until.ts';
import { type Body, type Home, startHome, type TokenName } from './home.ts';

const ORIGIN = 'https://admin.example.com';
let home: Home;
beforeAll(async () => {
  home = await startHome({ corsOrigins: [ORIGIN] });
});
afterAll(async () => home[Symbol.asyncDispose]());

describe('the transport', () => {
  test('responds to health and readiness requests without a token', async () => {
    const [health, ready] = await Promise.all(
      ['/healthz', '/readyz'].map((path) => home.call('GET', path, undefined, { token: 'none' })),
    );
    expect([health?.status, health?.body, ready?.status, ready?.body]).toEqual([
      200,
      { status: 'ok' },
      200,
      { status: 'ready' },
    ]);
  });

  test('responds with 503 to a readiness request while the store fails, and does not expose why', async () => {
    const { get } = home.deps.table;
    Object.assign(home.deps.table, { get: async () => Promise.reject(new Error('disk full')) });
    const { status, body } = await home.call('GET', '/readyz', undefined, { token: 'none' });
    Object.assign(home.deps.table, { get });
    expect([status, body]).toEqual([503, { status: 'unavailable' }]);
    expect(home.logged.join('\n')).toContain('disk full');
  });

  test('gives every response a request id: that of the client, or a new one', async () => {
    const given = await home.call('GET', '/healthz', undefined, { headers: { 'x-request-id': 'abc-1' } });
    const bad = await home.call('GET', '/nothing', undefined, { headers: { 'x-request-id': 'a b<' } });
    expect(given.headers.get('x-request-id')).toBe('abc-1');
    expect(bad.headers.get('x-request-id')).toMatch(/^[0-9a-z]{26}$/);
  });

  test('responds to HEAD as to GET, without a body', async () => {
    const head = await home.call('HEAD', '/tenants');
    expect([head.status, head.text, head.headers.get('content-type')]).toEqual([200, '', 'application/json']);
  });

  test('refuses a body over 256 KiB with 413, and a path outside its prefix with 404', async () => {
    const body = JSON.stringify({ notes: 'x'.repeat(256 * 1024) });
    expect((await home.call('POST', '/tenant-registrations', body)).status).toBe(413);
    const outside = await fetch(home.url.replace('/control-plane', '/control-planes/tenants'));
    expect([outside.status, await outside.json()]).toEqual([404, { message: 'Not Found' }]);
  });

  test.each(['//', '/control-plane//tenants', '/control-plane/tenants?%', '*'])(
    'responds with 401 or 404 to the target %s',
    async (path) => {
      const { port } = new URL(home.url);
      const status = await new Promise((resolve, reject) => {
        request({ port, path, method: 'GET' }, (res) => resolve(res.resume().statusCode))
          .on('error', reject)
          .end();
      });
      expect([401, 404]).toContain(status);
    },
  );

  test('allows exactly the configured origins', async () => {
    const preflight = (origin: string, path = '/tenants') =>
      home.call('OPTIONS', path, undefined, { token: 'none', headers: { origin } });
    const allowed = await preflight(ORIGIN);
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([204, ORIGIN]);
    expect(allowed.headers.get('access-control-allow-headers')).toContain('authorization');
    for (const origin of ['https://evil.example', `${ORIGIN}.evil.example`, 'null']) {
      expect((await preflight(origin)).headers.get('access-control-allow-origin')).toBeNull();
    }
    expect((await preflight('https://acme.example', '/tenant-config')).headers.get('access-control-allow-origin')).toBe(
      '*',
    );
    const response = await home.call('GET', '/tenants', undefined, { headers: { origin: ORIGIN } });
    expect([response.headers.get('access-control-allow-origin'), response.headers.get('vary')]).toEqual([
      ORIGIN,
      'origin',
    ]);
  });

  test('does not expose the message of an internal error; the log has it', async () => {
    const { operator } = home.deps;
    const status = operator.status;
    Object.assign(operator, { status: async () => Promise.reject(new Error('disk 7 is on fire')) });
    const response = await home.call('GET', '/operator/status');
    Object.assign(operator, { status });
    expect([response.status, response.body]).toEqual([
      500,
      { statusCode: 500, message: 'Unknown error during processing!' },
    ]);
    expect(home.logged.join('\n')).toContain('disk 7 is on fire');
  });
});

describe('DX-4: the OpenAPI document', () => {
  test('describes exactly the operations of the API', async () => {
    const { status, body } = await home.call('GET', '/openapi.json', undefined, { token: 'none' });
    expect([status, body.openapi, body.servers]).toEqual([200, '3.1.0', [{ url: '/control-plane' }]]);
    const described = Object.entries<Body>(body.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const known = createOperations(LOCAL_OPERATIONS).filter(({ tag }) => tag !== 'Description');
    expect(described.sort()).toEqual([...new Set(known.map(({ method, path }) => `${method} ${path}`))].sort());
  });

  test('has a schema of every body and query', async () => {
    const { body } = await home.call('GET', '/openapi.json');
    const post = body.paths['/tenant-registrations'].post;
    const ref = post.requestBody.content['application/json'].schema.$ref;
    expect(ref).toBe('#/components/schemas/NewTenantRegistration');
    const schema = body.components.schemas.NewTenantRegistration;
    expect(schema).toMatchObject({ type: 'object', required: ['tenantData'], additionalProperties: false });
    expect(schema.properties.tenantData.required).toEqual(['tenantName', 'email', 'tier']);
    // Passwords are only ever sent, so clients keep them out of what they read.
    const { NewPassword, SignUp } = body.components.schemas;
    for (const { properties } of [schema, NewPassword, SignUp]) {
      expect(properties.adminPassword ?? properties.password).toMatchObject({ type: 'string', writeOnly: true });
    }
    expect(post.security).toEqual([{ bearer: ['tenant/tenant_write'] }]);
    const limit = body.paths['/users'].get.parameters.find(({ name }: Body) => name === 'limit');
    expect(limit.schema).toMatchObject({ type: 'integer', minimum: 1, maximum: 60 });
    expect(body.paths['/tenants/{tenantId}'].get.parameters[0]).toMatchObject({
      name: 'tenantId',
      in: 'path',
      required: true,
    });
  });

  test('is consistent: ids are unique, references resolve, every path parameter is declared', async () => {
    const { body, text } = await home.call('GET', '/openapi.json');
    const operations = Object.entries<Body>(body.paths).flatMap(([path, methods]) =>
      Object.values<Body>(methods).map((operation) => ({ path, ...operation })),
    );
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain('retryTenantRegistration');
    const references = [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, place]) => place ?? '');
    expect(references.length).toBeGreaterThan(50);
    for (const place of references) {
      expect(place.split('/').reduce((node: Body, key) => node?.[key], body)).toBeDefined();
    }
    for (const { path, parameters, responses, security, tags } of operations) {
      const declared = parameters.filter((one: Body) => one.in === 'path').map((one: Body) => `{${one.name}}`);
      expect(declared).toEqual(path.match(/\{\w+\}/g) ?? []);
      expect(Object.values<Body>(responses).every(({ description }) => description !== '')).toBe(true);
      expect(body.tags).toContainEqual({ name: tags[0] });
      for (const name of security.flatMap(Object.keys)) expect(body.components.securitySchemes).toHaveProperty(name);
    }
    expect(body.paths['/onboarding'].post.responses).toHaveProperty('429');
  });

  test('is also a page, which loads nothing from elsewhere and runs only its own script', async () => {
    const page = await home.call('GET', '/docs', undefined, { token: 'none' });
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'.*script-src 'sha256-/);
    expect(page.text).toContain('<form data-method="POST" data-path="/tenant-registrations"');
    expect(page.text).not.toMatch(/(src|href)="https?:/);
    // The page names nothing that only one home has.
    expect(page.text).not.toMatch(/Start page|npx tierplane/);
  });
});

describe('OB-5: an operator', () => {
  test('reads status, services and dead letters, and restarts and scales services', async () => {
    expect((await home.call('GET', '/operator/status')).body.data).toEqual({
      home: 'aws',
      region: 'test',
      clusters: ['pool'],
    });
    expect((await home.call('GET', '/operator/services')).body.data).toMatchObject([
      { cluster: 'pool', service: 'orders' },
    ]);
    const key = { cluster: 'pool', tenantId: null, service: 'orders' };
    expect((await home.call('POST', '/operator/services/restart', { cluster: 'pool', service: 'orders' })).status).toBe(
      200,
    );
    expect((await home.call('POST', '/operator/services/scale', { ...key, desired: 2 })).status).toBe(200);
    expect(home.runtimeCalls).toEqual([
      ['restart', key],
      ['scale', key, 2],
    ]);
    expect((await home.call('POST', '/operator/services/restart', { ...key, service: 'nope' })).status).toBe(404);
    expect((await home.call('POST', '/operator/services/scale', { ...key, desired: 9 })).status).toBe(422);
  });

  test('sees what the provisioner would change of a tenant, and changes nothing', async () => {
    const { tenantId } = await home.register('planned');
    const { compute } = home.deps;
    const { plan } = compute;
    const pooled = { realm: 'pool', cluster: 'pool', silo: false, metered: true } as const;
    const route: Change = {
      action: 'create',
      resource: { kind: 'route', name: 'route', tenantId, spec: { slug: 'planned', tier: 'basic', ...pooled } },
    };
    Object.assign(compute, { plan: async (id: string) => (id === tenantId ? [route] : []) });
    const { status, body } = await home.call('GET', `/tenants/${tenantId}/plan`, undefined, { token: 'support' });
    Object.assign(compute, { plan });
    expect([status, body]).toEqual([
      200,
      { data: { tenantId, changes: [{ action: 'create', kind: 'route', name: 'route' }] } },
    ]);
    expect((await home.call('GET', '/tenants/unknown00/plan')).status).toBe(404);
    expect((await home.call('GET', `/tenants/${tenantId}/plan`, undefined, { token: 'machine' })).status).toBe(403);
  });

  test('sees the release of a tenant, and requests the update to the release of the platform only', async () => {
    const { tenantId } = await home.register('released');
    const path = `/operator/tenants/${tenantId}/release`;
    const data = { release: '1.0.0', current: '1.0.0', state: 'current' };
    expect((await home.call('GET', path, undefined, { token: 'support' })).body).toEqual({ data });
    for (const body of [{}, { release: '1.0.0' }]) {
      expect(await home.call('POST', path, body)).toMatchObject({ status: 200, body: { data } });
    }
    const statusOf = async (body: unknown, token: TokenName = 'admin') =>
      (await home.call('POST', path, body, { token })).status;
    expect(await statusOf({ release: '2.0.0' })).toBe(409);
    expect(await statusOf({ release: '../2' })).toBe(422);
    expect(await statusOf({ releases: '1.0.0' })).toBe(422);
    expect(await statusOf({}, 'support')).toBe(403);
    expect(await statusOf({}, 'machine')).toBe(403);
    expect((await home.call('POST', '/operator/tenants/unknown00/release', {})).status).toBe(404);
  });

  test('lists the services of one tenant, of one cluster, or of both', async () => {
    const filters: unknown[] = [];
    const { runtime } = home.deps.compute;
    const { services } = runtime;
    Object.assign(runtime, {
      async services(filter: unknown) {
        filters.push(filter);
        return [];
      },
    });
    for (const query of ['', '?tenantId=acme0000', '?cluster=pool', '?cluster=pool&tenantId=acme0000']) {
      expect((await home.call('GET', `/operator/services${query}`)).status).toBe(200);
    }
    Object.assign(runtime, { services });
    expect(filters).toStrictEqual([
      {},
      { tenantId: 'acme0000' },
      { cluster: 'pool' },
      { cluster: 'pool', tenantId: 'acme0000' },
    ]);
  });

  test('lists events that were never published after the others, and replays one into the outbox', async () => {
    const event = { id: 'old', source: 's', detailType: 'gone', detail: {}, time: new Date(0).toISOString() };
    const reject = (sk: string) => put({ ...REJECTED, sk, version: 1, data: { event, reason: 'no such event' } });
    await home.deps.table.transact([reject('1'), reject('2')]);
    const list = async (query: string) => (await home.call('GET', `/operator/dead-letters${query}`)).body;
    const first = await list('?limit=1');
    expect(first.data).toMatchObject([{ id: 'outbox~1', consumer: 'outbox', event, reason: 'no such event' }]);
    const second = await list(`?limit=1&next_token=${encodeURIComponent(first.next_token)}`);
    expect([second.data[0].id, second.next_token]).toEqual(['outbox~2', undefined]);
    expect((await list('?consumer=outbox')).data).toHaveLength(2);
    expect((await list('?consumer=another')).data).toEqual([]);
    expect(await list('?next_token=outbox~%00')).toMatchObject({ statusCode: 400 });

    expect((await home.call('POST', '/operator/dead-letters/outbox~1/replay')).status).toBe(200);
    expect((await home.outbox()).map(({ id }) => id)).toContain('old');
    expect((await list('')).data).toMatchObject([{ id: 'outbox~2' }]);
    for (const id of ['outbox~1', 'outbox~', 'outbox~%0a']) {
      expect((await home.call('POST', `/operator/dead-letters/${id}/replay`)).status).toBe(404);
    }
    await home.deps.table.transact([{ delete: { ...REJECTED, sk: '2' } }, { delete: { ...OUTBOX, sk: '1' } }]);
  });

  test('lists dead letters page by page and replays one', async () => {
    const handled: string[] = [];
    let broken = true;
    const subscription = home.bus.subscribe({
      name: 'sometimes',
      detailTypes: ['offboardingRequest'],
      maxAttempts: 1,
      async handle({ id }) {
        if (broken) throw new Error('not now');
        handled.push(id);
      },
    });
    const event = (id: string) => ({
      id,
      source: 's',
      detailType: 'offboardingRequest',
      detail: {},
      time: new Date(0).toISOString(),
    });
    await home.bus.publish(['one', 'two', 'three'].map(event));
    const list = async (query = '') => (await home.call('GET', `/operator/dead-letters${query}`)).body;
    await until(async () => (await list()).data.length === 3);
    expect(await list('?limit=3')).not.toHaveProperty('next_token');
    const first = await list('?limit=2&consumer=sometimes');
    const second = await list(`?limit=2&consumer=sometimes&next_token=${encodeURIComponent(first.next_token)}`);
    const letters: Body[] = [...first.data, ...second.data];
    expect(letters.map(({ event: { id } }) => id).sort()).toEqual(['one', 'three', 'two']);
    expect(letters[0]).toMatchObject({ consumer: 'sometimes', attempts: 1, reason: 'not now' });

    broken = false;
    const replayed = await home.call('POST', `/operator/dead-letters/${encodeURIComponent(letters[0].id)}/replay`);
    expect([replayed.status, replayed.body]).toEqual([200, { message: 'Dead letter queued again' }]);
    await until(async () => handled.length === 1);
    expect((await list()).data).toHaveLength(2);
    expect((await home.call('POST', '/operator/dead-letters/no~such/replay')).status).toBe(404);
    await subscription.close();
  });
});
