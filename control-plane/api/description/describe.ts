import * as z from 'zod';
import type { OpenApi } from '../../../core/http/openapi-document.ts';
import type { Declaration } from '../../../core/http/operation.ts';
import { DEFAULT_BASE_PATH } from '../http/http.ts';
import { type ControlPlaneOperation, operation, PUBLIC } from '../http/operation.ts';

/** `GET /openapi.json` and `GET /docs`, which describe `operations`. */
export function descriptionOperations(operations: readonly Declaration[]): readonly ControlPlaneOperation[] {
  const descriptions = new Map<string, OpenApi>();
  const describe = async (basePath = DEFAULT_BASE_PATH): Promise<OpenApi> => {
    const known = descriptions.get(basePath);
    if (known) return known;
    // Loaded on demand: it brings zod's JSON Schema generator, and few requests need it.
    const { describeControlPlane } = await import('./control-plane-document.ts');
    const described = describeControlPlane(operations, basePath);
    descriptions.set(basePath, described);
    return described;
  };
  return [
    operation({
      id: 'getOpenApi',
      method: 'GET',
      path: '/openapi.json',
      access: PUBLIC,
      tag: 'Description',
      summary: 'This API as OpenAPI 3.1',
      responses: { 200: { description: 'The OpenAPI document.', body: z.looseObject({}) } },
      handle: async (_call, { basePath }) => ({ status: 200, body: { ...(await describe(basePath)) } }),
    }),
    operation({
      id: 'getDocs',
      method: 'GET',
      path: '/docs',
      access: PUBLIC,
      tag: 'Description',
      summary: 'This API as a page to browse and try',
      responses: {
        200: {
          description: 'The page.',
          body: z.string(),
          mediaType: 'text/html; charset=utf-8',
          headers: { 'content-security-policy': 'Allows only what the page itself contains.' },
        },
      },
      async handle(_call, { basePath, docsPage }) {
        const { html, contentSecurityPolicy } = await docsPage(await describe(basePath));
        return { status: 200, headers: { 'content-security-policy': contentSecurityPolicy }, body: html };
      },
    }),
  ];
}
