import { describeApi } from '../../../core/http/openapi.ts';
import type { OpenApi } from '../../../core/http/openapi-document.ts';
import type { Declaration } from '../../../core/http/operation.ts';

/** The control plane's API in OpenAPI 3.1. It is a separate module, because `describe.ts` imports it on demand. */
export function describeControlPlane(operations: readonly Declaration[], basePath: string): OpenApi {
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
