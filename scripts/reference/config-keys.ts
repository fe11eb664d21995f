import * as z from 'zod';
import { CONFIG_FILE } from '../../embedded/config.ts';
import { AWS_CONFIGURATION } from '../../infra/configuration.ts';
import { code, table } from './markdown.ts';

/** The part of JSON Schema that our configuration uses. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly (string | number)[];
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
  return keysOf(CONFIG_FILE);
}

/** Every key of `aws.json`, with nested keys as dotted paths. */
export function awsConfigKeys(): string {
  return keysOf(AWS_CONFIGURATION);
}

function keysOf(file: z.ZodType): string {
  const schema = z.toJSONSchema(file, { unrepresentable: 'any', io: 'input' }) as Schema;
  return table(['Key', 'Value', 'Default', 'Meaning'], rowsOf(schema, ''));
}

function rowsOf(schema: Schema, prefix: string): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const path = `${prefix}${name}`;
    const required = prefix !== '' && schema.required?.includes(name);
    const fallback = defaultOf(child) ?? (required ? 'required' : '-');
    return [[code(path), typeOf(child), fallback, child.description ?? ''], ...nestedRows(child, path)];
  });
}

/** The default as text. An object has none: its keys have. */
function defaultOf({ default: value }: Schema): string | undefined {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map((one) => code(String(one))).join(', ');
  return value === undefined || typeof value === 'object' ? undefined : valueOrProse(String(value));
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
  if (schema.enum) return schema.enum.map((value) => code(String(value))).join(', ');
  if (schema.type === 'array')
    return `list of ${schema.items?.properties ? 'objects' : pluralOf(nameOf(schema.items))}`;
  return `${nameOf(schema)}${boundsOf(schema)}`;
}

function nameOf(schema: Schema = {}): string {
  if (schema.format === 'uri') return 'URL';
  if (schema.format === 'email') return 'email address';
  return schema.type ?? 'object';
}

function pluralOf(name: string): string {
  return name.endsWith('s') ? `${name}es` : `${name}s`;
}

function boundsOf({ minimum, exclusiveMinimum, maximum }: Schema): string {
  if (maximum === undefined) return '';
  const most = maximum.toLocaleString('en-US');
  return exclusiveMinimum === undefined ? `, ${minimum} to ${most}` : `, above ${exclusiveMinimum}, at most ${most}`;
}
