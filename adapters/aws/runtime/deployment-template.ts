import { createHash } from 'node:crypto';
import { DomainError } from '../../../core/errors.ts';
import type { DeploymentSpec } from '../../../core/ports/runtime.ts';

/** A service of the deployments of a template. */
export interface TemplateService {
  /** Folder under services/. */
  readonly service: string;
  /**
   * The logical ids that its `AWS::ECS::Service` may have; a stack has one of them. Services that run in one task have the
   * same.
   */
  readonly logicalIds: readonly string[];
}

/** The CloudFormation template of one deployment. */
export interface TemplateVariant {
  /** Its URL in S3, or its text. */
  readonly source: { readonly TemplateURL: string } | { readonly TemplateBody: string };
  /** The pattern of each parameter's value, as the template itself has it. Desired counts need none. */
  readonly patterns: Readonly<Record<string, RegExp>>;
  /** By service: the parameter that holds its number of tasks. Services that run in one task have the same. */
  readonly desiredCounts: Readonly<Record<string, string>>;
}

/** How deployments become stacks: one stack per deployment. */
export interface DeploymentTemplate {
  readonly services: readonly TemplateService[];
  /** The least number of tasks of a service that is created. @default - the number of the spec's size */
  readonly minTasks?: number;
  /** The template of the spec's release for a deployment. Throws INVALID if there is none. */
  variantOf(spec: DeploymentSpec): TemplateVariant | Promise<TemplateVariant>;
  /** The values of all parameters with a pattern, at least. */
  valuesOf(spec: DeploymentSpec): Readonly<Record<string, string>>;
}

/** The checked values of the template's parameters, without desired counts. Throws INVALID with each broken rule. */
export function parametersOf(
  template: DeploymentTemplate,
  { patterns }: Pick<TemplateVariant, 'patterns'>,
  spec: DeploymentSpec,
): Readonly<Record<string, string>> {
  const known = template.services.map(({ service }) => service);
  const others = spec.services.filter((service) => !known.includes(service));
  const missing = known.filter((service) => !spec.services.includes(service));
  if (others.length > 0 || missing.length > 0) {
    throw new DomainError('INVALID', `services of deployment ${spec.id} must be ${known}, got ${spec.services}`);
  }
  const values = template.valuesOf(spec);
  const broken = Object.entries(patterns).flatMap(([name, pattern]) => {
    const value = values[name];
    if (value !== undefined && pattern.test(value)) return [];
    return [`parameter ${name} must match ${pattern.source}, got '${value ?? ''}'`];
  });
  if (broken.length > 0) throw new DomainError('INVALID', `deployment ${spec.id}: ${broken.join('; ')}`);
  return Object.fromEntries(Object.keys(patterns).map((name) => [name, values[name] ?? '']));
}

/** Equal for equal templates and parameters. 32 hexadecimal digits. */
export function fingerprintOf({ source }: TemplateVariant, parameters: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([source, sorted]))
    .digest('hex')
    .slice(0, 32);
}

/** The beginning of the ClientRequestTokens of all attempts at one request. */
export function tokenPrefix({ request = 'first' }: Pick<DeploymentSpec, 'request'>, fingerprint: string): string {
  return `${fingerprint}-${request}-`;
}
