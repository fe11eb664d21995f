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
