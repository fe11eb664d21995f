import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec';
import type { PropertyType, ResourceProperties } from '@aws-cdk/service-spec-types';
import type { Template } from './iam/template.ts';

const spec = loadAwsServiceSpecSync();

/** Checks one value. `at` is where it is in the template. */
type Check = (value: unknown, at: string) => string[];

const PRIMITIVES: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => ['string', 'number', 'boolean'].includes(typeof value),
  'date-time': (value) => typeof value === 'string',
  number: isNumber,
  integer: (value) => isNumber(value) && Number.isInteger(Number(value)),
  boolean: (value) => typeof value === 'boolean' || value === 'true' || value === 'false',
  json: () => true,
  tag: isObject,
  null: (value) => value === null,
};

/**
 * What AWS's own description of its resources does not allow in a template: unknown types and properties, missing required
 * properties, and values of another type. CloudFormation's functions stand for any value.
 */
export function schemaErrors({ Resources }: Template): string[] {
  return Object.entries(Resources).flatMap(([id, { Type, Properties = {} }]) => {
    if (Type.startsWith('Custom::') || Type === 'AWS::CloudFormation::CustomResource') return [];
    const [resource] = spec.lookup('resource', 'cloudFormationType', 'equals', Type);
    if (!resource) return [`${id}: unknown type ${Type}`];
    return propertyErrors(resource.properties, Properties, `${id} (${Type})`);
  });
}

function propertyErrors(known: ResourceProperties, given: Readonly<Record<string, unknown>>, at: string): string[] {
  const missing = Object.entries(known).filter(([name, { required }]) => required && given[name] === undefined);
  return [
    ...missing.map(([name]) => `${at}: ${name} is required`),
    ...Object.entries(given).flatMap(([name, value]) => {
      const property = known[name];
      if (!property) return [`${at}: unknown property ${name}`];
      const errors = [property.type, ...(property.previousTypes ?? [])].map((type) =>
        errorsOf(type)(value, `${at}.${name}`),
      );
      return errors.some((one) => one.length === 0) ? [] : (errors[0] ?? []);
    }),
  ];
}

function errorsOf(type: PropertyType): Check {
  return (value, at) => {
    if (isFunction(value)) return [];
    switch (type.type) {
      case 'array': {
        if (!Array.isArray(value)) return [`${at}: must be a list`];
        return value.flatMap((one, i) => errorsOf(type.element)(one, `${at}[${i}]`));
      }
      case 'map': {
        if (!isObject(value)) return [`${at}: must be a map`];
        return Object.entries(value).flatMap(([key, one]) => errorsOf(type.element)(one, `${at}.${key}`));
      }
      case 'ref': {
        if (!isObject(value)) return [`${at}: must be an object`];
        return propertyErrors(spec.get('typeDefinition', type.reference.$ref).properties, value, at);
      }
      case 'union': {
        const errors = type.types.map((one) => errorsOf(one)(value, at));
        return errors.some((one) => one.length === 0) ? [] : (errors[0] ?? []);
      }
      default:
        return PRIMITIVES[type.type]?.(value)
          ? []
          : [`${at}: must be of type ${type.type}, got ${JSON.stringify(value)}`];
    }
  };
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isFunction(value: unknown): boolean {
  if (!isObject(value)) return false;
  const [name = '', ...others] = Object.keys(value);
  return others.length === 0 && (name === 'Ref' || name.startsWith('Fn::'));
}
