import * as z from 'zod';
import type { Operation } from './operation.ts';
import { PROBLEM_MEDIA_TYPE } from './problem.ts';

type Schema = Record<string, unknown>;

const Problem = z
  .object({
    type: z.string().describe('Stable: urn:tierplane:problem:<kind>.'),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    errors: z.array(z.object({ path: z.string().describe('As `price.amount`.'), message: z.string() })),
  })
  .meta({ id: 'Problem', description: 'A refusal (RFC 9457).' });

/** Refusals that every operation knows. */
const COMMON_REFUSALS: Readonly<Record<number, string>> = {
  401: 'No valid access token.',
  403: "Not for this caller, or not this tenant's.",
  429: "The tenant's usage plan is exceeded (answered by the gateway).",
};
const BODY_REFUSALS: Readonly<Record<number, string>> = {
  413: 'The body is too large.',
  415: 'The body is not application/json.',
};

const KEY_REUSED = 'The Idempotency-Key came with another body before.';

/** OpenAPI 3.1 of a service, made from the very schemas that check its requests and answers. */
export function describeService(name: string, operations: readonly Operation[]): object {
  const schemas: Record<string, Schema> = {};
  const refer = (schema: z.ZodType, io: 'input' | 'output'): Schema => hoist(z.toJSONSchema(schema, { io }), schemas);
  const problem = refer(Problem, 'output');
  const paths: Record<string, Record<string, object>> = {};
  for (const one of operations) {
    const path = `/${name}${one.path.replace(/:(\w+)/, '{$1}')}`;
    paths[path] = { ...paths[path], [one.method.toLowerCase()]: describeOperation(one, refer, problem) };
  }
  return {
    openapi: '3.1.0',
    info: { title: `Tierplane ${name}`, version: '1' },
    servers: [
      { url: '/api/v1', description: 'Version 1' },
      { url: '/api', description: 'The current version' },
    ],
    security: [{ accessToken: [] }],
    paths,
    components: {
      schemas,
      securitySchemes: { accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  };
}

type Refer = (schema: z.ZodType, io: 'input' | 'output') => Schema;

function describeOperation(one: Operation, refer: Refer, problem: Schema): object {
  return {
    operationId: one.id,
    summary: one.summary,
    parameters: [
      ...parametersOf('path', one.params, refer),
      ...parametersOf('query', one.query, refer),
      ...headersOf(one),
    ],
    ...(one.body && {
      requestBody: { required: true, content: { 'application/json': { schema: refer(one.body, 'input') } } },
    }),
    responses: {
      [one.status]: {
        description: 'Done.',
        ...(one.answer && { content: { 'application/json': { schema: refer(one.answer, 'output') } } }),
        ...(hasTag(one) && { headers: { ETag: { schema: { type: 'string' } } } }),
      },
      ...Object.fromEntries(
        Object.entries(refusalsOf(one)).map(([status, description]) => [
          status,
          { description, content: { [PROBLEM_MEDIA_TYPE.split(';')[0] ?? '']: { schema: problem } } },
        ]),
      ),
    },
  };
}

function refusalsOf(one: Operation): Readonly<Record<number, string>> {
  const creating = one.method === 'POST';
  const changing = one.params !== undefined && one.method !== 'GET';
  return Object.assign(
    { 400: 'Malformed or invalid; `errors` names the fields.' },
    COMMON_REFUSALS,
    one.params && { 404: 'There is none of this id.' },
    changing && { 412: 'If-Match does not name the current entity tag.' },
    one.body && BODY_REFUSALS,
    one.refusals,
    creating && { 409: [one.refusals?.[409], KEY_REUSED].filter(Boolean).join(' ') },
  );
}

function headersOf(one: Operation): object[] {
  const header = (name: string, description: string) => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: { type: 'string' },
  });
  if (one.method === 'POST') {
    return [header('Idempotency-Key', 'Repeated with the same body within a day, it creates nothing again.')];
  }
  if (!one.params) return [];
  return one.method === 'GET'
    ? [header('If-None-Match', 'Answers 304 if this is the current entity tag.')]
    : [header('If-Match', 'Answers 412 unless this is the current entity tag.')];
}

function hasTag(one: Operation): boolean {
  return one.answer !== undefined && (one.params !== undefined || one.method === 'POST');
}

function parametersOf(where: 'path' | 'query', schema: z.ZodType | undefined, refer: Refer): object[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = refer(schema, 'input') as {
    properties?: Record<string, Schema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: where,
    required: required.includes(name),
    ...(description !== undefined && { description }),
    schema: rest,
  }));
}

/** Moves named schemas to `components`, where OpenAPI's readers and generators look for them. */
function hoist(schema: Schema, into: Record<string, Schema>): Schema {
  const moved = JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')) as Schema;
  const { $schema: _, $defs = {}, ...rest } = moved as Schema & { $defs?: Record<string, Schema> };
  Object.assign(into, $defs);
  return rest;
}
