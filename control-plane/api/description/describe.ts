import * as z from 'zod';
import { describeApi } from '../../../core/http/openapi.ts';
import type { OpenApi } from '../../../core/http/openapi-document.ts';
import { DEFAULT_BASE_PATH } from '../http/http.ts';
import { type ControlPlaneOperation, operation, PUBLIC } from '../http/operation.ts';

/** `GET /openapi.json` and `GET /docs`, which describe `operations`. */
export function descriptionOperations(operations: readonly ControlPlaneOperation[]): readonly ControlPlaneOperation[] {
  const descriptions = new Map<string, OpenApi>();
  const describe = (basePath = DEFAULT_BASE_PATH): OpenApi => {
    const known = descriptions.get(basePath) ?? describeControlPlane(operations, basePath);
    descriptions.set(basePath, known);
    return known;
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
      handle: (_call, { basePath }) => ({ status: 200, body: { ...describe(basePath) } }),
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
      async handle({ request }, { basePath, docsPage }) {
        const { html, contentSecurityPolicy } = await docsPage(describe(basePath), request.headers);
        return { status: 200, headers: { 'content-security-policy': contentSecurityPolicy }, body: html };
      },
    }),
  ];
}

function describeControlPlane(operations: readonly ControlPlaneOperation[], basePath: string): OpenApi {
  return describeApi({
    info: {
      title: 'Tierplane control plane',
      version: '1.0.0',
      description:
        "Registers tenants and operates the platform. The contract is that of AWS's SaaS Builder Toolkit, with additions.",
    },
    servers: [{ url: basePath || '/' }],
    securitySchemes: {
      bearer: {
        type: 'http',
        scheme: 'bearer',
        bearerFormat: 'JWT',
        description: 'Access token of the admin realm.',
      },
      internal: { type: 'http', scheme: 'bearer', description: "Access token of the platform's own machine client." },
    },
    operations,
  });
}
