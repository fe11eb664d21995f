import { expect, test } from '@jest/globals';
import { describeService } from '../../../services/kit/description.ts';
import { operation, TENANT_USER } from '../../../services/kit/operation.ts';

const LIST = operation({
  id: 'listBooks',
  method: 'GET',
  path: '',
  access: TENANT_USER,
  summary: 'List books',
  responses: { 204: { description: 'Nothing.' } },
  handle: () => ({ status: 204 }) as const,
});

test('DX-4: the description of a service says where and how its operations are called', () => {
  const { info, servers, paths, components } = describeService('books', [LIST]);
  expect(info).toEqual({ title: 'Tierplane books', version: '1' });
  expect(servers).toEqual([
    { url: '/api/v1', description: expect.stringMatching(/./) },
    { url: '/api', description: expect.stringMatching(/./) },
  ]);
  expect(paths).toMatchObject({ '/books': { get: { operationId: 'listBooks', security: [{ bearer: [] }] } } });
  expect(components.securitySchemes).toEqual({
    bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: expect.stringMatching(/./) },
  });
});
