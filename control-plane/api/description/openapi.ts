import * as z from 'zod';
import type { JsonSchema, OpenApi, Operation, Parameter } from '../../../core/http/openapi-document.ts';
import type { Access, Route } from '../http/route.ts';

/** OpenAPI 3.1 of the route table. Where a path has two doors, the one for people is described. */
export function openApiOf(routes: readonly Route[], basePath: string): OpenApi {
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tierplane control plane',
      version: '1.0.0',
      description:
        "Registers tenants and runs the platform. The contract is that of AWS's SaaS Builder Toolkit; what is added leaves it as it is.",
    },
    servers: [{ url: basePath || '/' }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'Access token of the admin realm.',
        },
        internal: { type: 'http', scheme: 'bearer', description: "The platform's own machine client." },
      },
    },
  };
}

function operationOf(route: Route): Operation {
  const schema = route.body && jsonSchemaOf(route.body);
  const note = accessNote(route.access);
  return {
    operationId: operationIdOf(route),
    tags: [route.tag],
    summary: route.summary,
    ...(note !== undefined && { description: note }),
    security: securityOf(route.access),
    parameters: [...pathParameters(route.path), ...queryParameters(route), ...headerParameters(route)],
    ...(schema && { requestBody: { required: true, content: { 'application/json': { schema } } } }),
    responses: responsesOf(route),
  };
}

/** `getTenantsByTenantId`: what a generated client calls it. */
function operationIdOf({ method, path }: Route): string {
  const words = path.split(/[/.-]/).filter((word) => word !== '');
  const named = words.map((word) => (word.startsWith('{') ? `By${capital(word.slice(1, -1))}` : capital(word)));
  return method.toLowerCase() + named.join('');
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}

function accessNote(access: Access): string | undefined {
  if (access.kind === 'machine') return 'For internal callers only.';
  if (access.kind === 'public') return undefined;
  return access.writes ? `Needs scope ${access.scope} and role SystemAdmin.` : `Needs scope ${access.scope}.`;
}

function securityOf(access: Access): Operation['security'] {
  if (access.kind === 'public') return [];
  return [access.kind === 'machine' ? { internal: [] } : { bearer: [access.scope] }];
}

function pathParameters(path: string): Parameter[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name: name ?? '',
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(route: Route): Parameter[] {
  if (!route.query) return [];
  const { properties = {} } = jsonSchemaOf(route.query) as { properties?: Record<string, JsonSchema> };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: false,
    ...(typeof description === 'string' && { description }),
    schema,
  }));
}

function headerParameters(route: Route): Parameter[] {
  return (route.headers ?? []).map(({ name, description }) => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: { type: 'string' },
  }));
}

function responsesOf({ access, answer, body, query, path, method, limited }: Route): Operation['responses'] {
  return {
    [answer.status]: { description: answer.description },
    ...(access.kind === 'user' && { 401: { description: 'No valid token: `{"message":"Unauthorized"}`' } }),
    ...(access.kind !== 'public' && { 403: { description: 'Not allowed: `{"message":"Forbidden"}`' } }),
    ...(body && { 400: { description: 'Broken JSON.' } }),
    ...(path.includes('{') && { 404: { description: 'There is none.' } }),
    ...(method !== 'GET' && { 409: { description: 'Exists already, or not possible in this state.' } }),
    ...((body ?? query) && { 422: { description: 'Not valid: `{"statusCode":422,"detail":[{"loc","type","msg"}]}`' } }),
    ...(limited && { 429: { description: 'Too many calls; `Retry-After` tells the seconds to wait.' } }),
  };
}
