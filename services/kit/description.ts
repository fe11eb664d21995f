import { describeApi } from '../../core/http/openapi.ts';
import type { OpenApi } from '../../core/http/openapi-document.ts';
import type { ServiceOperation } from './operation.ts';

/** The OpenAPI document of the service `name`. */
export function describeService(name: string, operations: readonly ServiceOperation[]): OpenApi {
  return describeApi({
    info: { title: `Tierplane ${name}`, version: '1' },
    servers: [
      { url: '/api/v1', description: 'Version 1' },
      { url: '/api', description: 'The current version' },
    ],
    pathPrefix: `/${name}`,
    securitySchemes: {
      bearer: {
        type: 'http',
        scheme: 'bearer',
        bearerFormat: 'JWT',
        description: "Access token of a tenant's user.",
      },
    },
    operations,
  });
}
