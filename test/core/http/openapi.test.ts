import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { describeApi } from '../../../core/http/openapi.ts';
import type { Declaration } from '../../../core/http/operation.ts';

const api = {
  info: { title: 'Test', version: '1' },
  servers: [{ url: '/' }],
  securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
};

function get(id: string, path: string, more: Partial<Declaration>): Declaration {
  const responses = { 204: { description: 'Nothing.' } };
  return { id, method: 'GET', path, access: { kind: 'public' }, summary: id, responses, ...more };
}

test('an operation is described with its access, parameters and responses', () => {
  const Item = z.object({ id: z.string() }).meta({ id: 'Item' });
  const { paths, components } = describeApi({
    ...api,
    pathPrefix: '/shop',
    operations: [
      get('getItem', '/items/{itemId}', {
        access: { kind: 'user', scope: 'read', role: 'Admin' },
        query: z.object({ full: z.string().optional().describe('All of it.'), lang: z.string() }),
        headers: { 'if-none-match': 'The known version.' },
        responses: { 200: { description: 'The item.', body: Item, headers: { etag: 'Its version.' } } },
      }),
    ],
  });
  expect(paths['/shop/items/{itemId}']?.get).toEqual({
    operationId: 'getItem',
    tags: [],
    summary: 'getItem',
    description: 'Requires the scope `read` and the role Admin.',
    security: [{ bearer: ['read'] }],
    parameters: [
      { name: 'itemId', in: 'path', required: true, schema: { type: 'string' } },
      { name: 'full', in: 'query', required: false, description: 'All of it.', schema: { type: 'string' } },
      { name: 'lang', in: 'query', required: true, schema: { type: 'string' } },
      {
        name: 'if-none-match',
        in: 'header',
        required: false,
        description: 'The known version.',
        schema: { type: 'string' },
      },
    ],
    responses: {
      200: {
        description: 'The item.',
        headers: { etag: { description: 'Its version.', schema: { type: 'string' } } },
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Item' } } },
      },
    },
  });
  expect(components.schemas.Item).toEqual({ type: 'object', properties: { id: { type: 'string' } }, required: ['id'] });
});

test('two different schemas of one name are refused', () => {
  const operations = [z.string(), z.int()].map((schema, i) =>
    get(`get${i}`, `/${i}`, {
      responses: { 200: { description: 'It.', body: z.object({ value: schema }).meta({ id: `Same` }) } },
    }),
  );
  expect(() => describeApi({ ...api, operations })).toThrow('two different schemas have the id Same');
});

test('an API is described in OpenAPI 3.1, with each tag once', () => {
  const { openapi, info, servers, tags, paths, components } = describeApi({
    ...api,
    operations: [
      get('a', '/a', { tag: 'Tenants' }),
      get('b', '/b', { tag: 'Tenants' }),
      get('c', '/c', { tag: 'Users' }),
      get('d', '/d', {}),
    ],
  });
  expect({ openapi, info, servers }).toEqual({ openapi: '3.1.0', info: api.info, servers: api.servers });
  expect(tags).toEqual([{ name: 'Tenants' }, { name: 'Users' }]);
  expect(Object.values(paths).map((path) => path.get?.tags)).toStrictEqual([['Tenants'], ['Tenants'], ['Users'], []]);
  expect(components).toEqual({ schemas: {}, securitySchemes: api.securitySchemes });
});

test.each<[access: Declaration['access'], security: unknown, description: string | undefined]>([
  [{ kind: 'public' }, [], undefined],
  [{ kind: 'machine' }, [{ internal: [] }], 'For internal callers only.'],
  [{ kind: 'user' }, [{ bearer: [] }], undefined],
  [{ kind: 'user', scope: 'read' }, [{ bearer: ['read'] }], 'Requires the scope `read`.'],
  [{ kind: 'user', role: 'Admin' }, [{ bearer: [] }], 'Requires the role Admin.'],
])('the access %j is described for clients', (access, security, description) => {
  const described = describeApi({ ...api, operations: [get('a', '/a', { access })] }).paths['/a']?.get;
  expect(described?.security).toStrictEqual(security);
  expect(described?.description).toBe(description);
  expect(Object.hasOwn(described ?? {}, 'description')).toBe(description !== undefined);
});

test('a request has a required body with the keys that a client may send', () => {
  const body = z.strictObject({ name: z.string(), size: z.int().default(1) }).meta({ id: 'NewItem' });
  const one = get('createItem', '/items', { method: 'POST', body });
  const { paths, components } = describeApi({ ...api, operations: [one, get('listItems', '/items', {})] });
  expect(Object.keys(paths['/items'] ?? {})).toEqual(['post', 'get']);
  expect(paths['/items']?.post?.requestBody).toEqual({
    required: true,
    content: { 'application/json': { schema: { $ref: '#/components/schemas/NewItem' } } },
  });
  expect(paths['/items']?.get).not.toHaveProperty('requestBody');
  expect(components.schemas.NewItem).toMatchObject({ required: ['name'], additionalProperties: false });
});

test('a response may have further keys unless its schema is strict, and a default makes a key certain', () => {
  const open = z.object({ size: z.int().default(1) }).meta({ id: 'Open' });
  const strict = z.strictObject({ when: z.date() }).meta({ id: 'Strict' });
  const { schemas } = describeApi({
    ...api,
    operations: [open, strict].map((body, i) =>
      get(`get${i}`, `/${i}`, { responses: { 200: { description: 'It.', body } } }),
    ),
  }).components;
  expect(schemas.Open).toMatchObject({ required: ['size'] });
  expect(schemas.Open).not.toHaveProperty('additionalProperties');
  expect(schemas.Strict).toMatchObject({ additionalProperties: false, properties: { when: {} } });
});

test('a response has its media type without parameters, and none without a body', () => {
  const page = { description: 'A page.', body: z.string(), mediaType: 'text/html; charset=utf-8' };
  const responses = { 200: page, 204: { description: 'Nothing.' } };
  const described = describeApi({ ...api, operations: [get('page', '/', { responses })] }).paths['/']?.get?.responses;
  expect(described).toEqual({
    200: { description: 'A page.', content: { 'text/html': { schema: { type: 'string' } } } },
    204: { description: 'Nothing.' },
  });
});

test('one schema may be used by several operations', () => {
  const body = z.object({ id: z.string() }).meta({ id: 'Shared' });
  const responses = { 200: { description: 'It.', body } };
  const operations = [get('a', '/a', { responses }), get('b', '/b', { responses })];
  expect(Object.keys(describeApi({ ...api, operations }).components.schemas)).toEqual(['Shared']);
});

test('a query parameter without a description has none, and one with a default may be left out', () => {
  const query = z.object({ limit: z.string().default('10') });
  const described = describeApi({ ...api, operations: [get('a', '/a', { query })] }).paths['/a']?.get?.parameters;
  expect(described).toStrictEqual([
    { name: 'limit', in: 'query', required: false, schema: { type: 'string', default: '10' } },
  ]);
});
