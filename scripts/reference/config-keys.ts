import * as z from 'zod';
import { CONFIG_FILE } from '../../embedded/config.ts';
import { code, table } from './markdown.ts';

/** The part of JSON Schema that our configuration uses. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: string | number;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
}

/** Every key of `config.json`, with nested keys as dotted paths. */
export function configKeys(): string {
  const schema = z.toJSONSchema(CONFIG_FILE, { unrepresentable: 'any' }) as Schema;
  return table(['Key', 'Value', 'Default', 'Meaning'], rowsOf(schema, ''));
}

function rowsOf(schema: Schema, prefix: string): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const path = `${prefix}${name}`;
    const required = prefix !== '' && schema.required?.includes(name);
    const fallback = child.default === undefined ? (required ? 'required' : '-') : valueOrProse(String(child.default));
    return [[code(path), typeOf(child), fallback, child.description ?? ''], ...nestedRows(child, path)];
  });
}

/** Values as code, prose as it is. */
function valueOrProse(text: string): string {
  return text.includes(' ') || text === 'none' ? text : code(text);
}

function nestedRows(schema: Schema, path: string): string[][] {
  if (schema.items?.properties) return rowsOf(schema.items, `${path}[].`);
  // A record, as `tiers` is: one row for all its names.
  if (typeof schema.additionalProperties === 'object') {
    return rowsOf(schema.additionalProperties, `${path}.<${path.replace(/s$/, '')}>.`);
  }
  return rowsOf(schema, `${path}.`);
}

function typeOf(schema: Schema): string {
  if (schema.enum) return schema.enum.map((value) => code(value)).join(', ');
  if (schema.type === 'array') return `list of ${schema.items?.properties ? 'objects' : `${nameOf(schema.items)}s`}`;
  return `${nameOf(schema)}${boundsOf(schema)}`;
}

function nameOf(schema: Schema = {}): string {
  if (schema.format === 'uri') return 'URL';
  if (schema.format === 'email') return 'email address';
  return schema.type ?? 'object';
}

function boundsOf({ minimum, exclusiveMinimum, maximum }: Schema): string {
  if (maximum === undefined) return '';
  const most = maximum.toLocaleString('en-US');
  return exclusiveMinimum === undefined ? `, ${minimum} to ${most}` : `, above ${exclusiveMinimum}, at most ${most}`;
}
