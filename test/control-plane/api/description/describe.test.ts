import { expect, test } from '@jest/globals';
import { describeControlPlane } from '../../../../control-plane/api/description/control-plane-document.ts';
import { descriptionOperations } from '../../../../control-plane/api/description/describe.ts';
import type { ControlPlaneDeps } from '../../../../control-plane/api/http/deps.ts';
import { LOCAL_OPERATIONS } from '../../../../control-plane/api/local-operations.ts';
import { createOperations } from '../../../../control-plane/api/operations.ts';
import type { OpenApi } from '../../../../core/http/openapi-document.ts';
import type { Body } from '../home.ts';

test.each([
  ['', '/'],
  ['/control-plane', '/control-plane'],
])('DX-4: the document of an API below %j names its address and how clients sign in', (basePath, url) => {
  expect(describeControlPlane([], basePath)).toMatchObject({
    info: { title: 'Tierplane control plane', version: '1.0.0', description: expect.stringMatching(/\w/) },
    servers: [{ url }],
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: expect.stringMatching(/\w/) },
        internal: { type: 'http', scheme: 'bearer', description: expect.stringMatching(/\w/) },
      },
    },
  });
});

test('SE-1.10: the document says that passwords are only ever sent', () => {
  const { schemas } = describeControlPlane(createOperations(LOCAL_OPERATIONS), '').components;
  const password = (name: string, key = 'password') => (schemas[name] as Body)?.properties?.[key];
  for (const one of [password('NewTenantRegistration', 'adminPassword'), password('NewPassword'), password('SignUp')]) {
    expect(one).toMatchObject({ type: 'string', writeOnly: true });
  }
});

test('DX-4: the document and the page are those of the base path, and are made once', async () => {
  const described: OpenApi[] = [];
  const docsPage = (api: OpenApi) => {
    described.push(api);
    return { html: `<p>${api.servers[0]?.url}</p>`, contentSecurityPolicy: "default-src 'none'" };
  };
  const operations = descriptionOperations([]);
  const get = async (path: string, basePath?: string) => {
    const deps = { docsPage, ...(basePath !== undefined && { basePath }) } as ControlPlaneDeps;
    const request = { method: 'GET', path, query: {}, headers: {}, body: undefined };
    const principal = { kind: 'anonymous' } as const;
    const call = { params: {}, query: undefined, headers: {}, body: undefined, principal, request };
    return operations.find((one) => one.path === path)?.handle(call, deps);
  };
  expect(await get('/openapi.json')).toMatchObject({ status: 200, body: { servers: [{ url: '/control-plane' }] } });
  expect(await get('/openapi.json', '/x')).toMatchObject({ status: 200, body: { servers: [{ url: '/x' }] } });
  const page = {
    status: 200,
    headers: { 'content-security-policy': "default-src 'none'" },
    body: '<p>/control-plane</p>',
  };
  expect([await get('/docs'), await get('/docs')]).toEqual([page, page]);
  expect(described[0]).toBe(described[1]);
});
