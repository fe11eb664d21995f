import * as z from 'zod';
import type { Access } from './access.ts';
import type { JsonSchema, OpenApi, OpenApiOperation, OpenApiResponse, Parameter } from './openapi-document.ts';
import type { Declaration, ResponseSpec } from './operation.ts';

export interface ApiDescription {
  readonly info: OpenApi['info'];
  readonly servers: OpenApi['servers'];
  /** Prefix of the path of every operation. @default '' */
  readonly pathPrefix?: string;
  readonly securitySchemes: { readonly bearer: JsonSchema; readonly internal?: JsonSchema };
  /** Where two have the same method and path, the later one is described. */
  readonly operations: readonly Declaration[];
}

type Refer = (schema: z.ZodType, io: 'input' | 'output') => JsonSchema;

/**
 * Describes an API in OpenAPI 3.1, from the same schemas that check its requests and responses. Schemas with an id
 * (`.meta({ id })`) become components of that name.
 * Throws if two schemas share an id.
 */
export function describeApi({ operations, pathPrefix = '', ...api }: ApiDescription): OpenApi {
  const schemas: Record<string, JsonSchema> = {};
  const refer: Refer = (schema, io) => hoist(toJsonSchema(schema, io), schemas);
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const one of operations) {
    const path = pathPrefix + one.path;
    paths[path] = { ...paths[path], [one.method.toLowerCase()]: describeOperation(one, refer) };
  }
  const tags = [...new Set(operations.flatMap(({ tag }) => tag ?? []))];
  return {
    openapi: '3.1.0',
    info: api.info,
    servers: api.servers,
    tags: tags.map((name) => ({ name })),
    paths,
    components: { schemas, securitySchemes: api.securitySchemes },
  };
}

function describeOperation(one: Declaration, refer: Refer): OpenApiOperation {
  const description = accessNote(one.access);
  return {
    operationId: one.id,
    tags: one.tag === undefined ? [] : [one.tag],
    summary: one.summary,
    ...(description !== undefined && { description }),
    security: securityOf(one.access),
    parameters: [...pathParameters(one.path), ...queryParameters(one.query, refer), ...headerParameters(one.headers)],
    ...(one.body && {
      requestBody: { required: true, content: { 'application/json': { schema: refer(one.body, 'input') } } },
    }),
    responses: Object.fromEntries(
      Object.entries(one.responses).map(([status, spec]) => [status, describeResponse(spec, refer)]),
    ),
  };
}

function accessNote(access: Access): string | undefined {
  if (access.kind === 'public') return undefined;
  if (access.kind === 'machine') return 'For internal callers only.';
  const rules = [access.scope && `the scope \`${access.scope}\``, access.role && `the role ${access.role}`];
  const named = rules.filter(Boolean).join(' and ');
  return named === '' ? undefined : `Requires ${named}.`;
}

function securityOf(access: Access): OpenApiOperation['security'] {
  if (access.kind === 'public') return [];
  if (access.kind === 'machine') return [{ internal: [] }];
  return [{ bearer: access.scope === undefined ? [] : [access.scope] }];
}

function pathParameters(path: string): Parameter[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(query: z.ZodType | undefined, refer: Refer): Parameter[] {
  if (!query) return [];
  const { properties = {}, required = [] } = refer(query, 'input') as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    ...(typeof description === 'string' && { description }),
    schema,
  }));
}

function headerParameters(headers: Declaration['headers'] = {}): Parameter[] {
  return Object.entries(headers).map(([name, description]) => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: { type: 'string' },
  }));
}

function describeResponse(spec: ResponseSpec, refer: Refer): OpenApiResponse {
  const { description, body, mediaType = 'application/json', others = [], headers } = spec;
  const bodies = [...(body ? [{ mediaType, body }] : []), ...others];
  return {
    description,
    ...(headers && {
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, text]) => [name, { description: text, schema: { type: 'string' } }]),
      ),
    }),
    ...(bodies.length > 0 && {
      content: Object.fromEntries(
        bodies.map((one) => [one.mediaType.split(';')[0] ?? '', { schema: refer(one.body, 'output') }]),
      ),
    }),
  };
}

/** Responses may gain keys in later versions, so only strict schemas rule further keys out. */
function toJsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  return z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      const { def } = (zodSchema as z.core.$ZodTypes)._zod;
      if (io === 'output' && def.type === 'object' && !def.catchall) delete jsonSchema.additionalProperties;
    },
  });
}

/** Moves named schemas to `components`, where OpenAPI's readers and generators look for them. */
function hoist(schema: JsonSchema, components: Record<string, JsonSchema>): JsonSchema {
  const moved = JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')) as JsonSchema;
  const { $schema: _, $defs = {}, ...rest } = moved as JsonSchema & { $defs?: Record<string, JsonSchema> };
  for (const [id, definition] of Object.entries($defs)) {
    const known = components[id];
    if (known && JSON.stringify(known) !== JSON.stringify(definition)) {
      throw new Error(`two different schemas have the id ${id}`);
    }
    components[id] = definition;
  }
  return rest;
}
