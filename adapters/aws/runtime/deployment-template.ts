import { createHash } from 'node:crypto';
import { DomainError } from '../../../core/errors.ts';
import type { DeploymentSpec } from '../../../core/ports/runtime.ts';

/** An ECS service of the template. */
export interface TemplateService {
  /** Folder under services/. */
  readonly service: string;
  /** The logical id of its `AWS::ECS::Service`. */
  readonly logicalId: string;
  /** The parameter that holds its number of tasks. */
  readonly desiredCount: string;
}

/** A CloudFormation template of a deployment: one stack per deployment. */
export interface DeploymentTemplate {
  /** Its URL in S3, or its text. */
  readonly source: { readonly TemplateURL: string } | { readonly TemplateBody: string };
  readonly services: readonly TemplateService[];
  /** The pattern of each parameter's value, as the template itself has it. Desired counts need none. */
  readonly patterns: Readonly<Record<string, RegExp>>;
  /** The values of all parameters with a pattern. */
  valuesOf(spec: DeploymentSpec): Readonly<Record<string, string>>;
}

/** The checked values of the template's parameters, without desired counts. Throws INVALID with each broken rule. */
export function parametersOf(template: DeploymentTemplate, spec: DeploymentSpec): Readonly<Record<string, string>> {
  const known = template.services.map(({ service }) => service);
  const others = spec.services.filter((service) => !known.includes(service));
  const missing = known.filter((service) => !spec.services.includes(service));
  if (others.length > 0 || missing.length > 0) {
    throw new DomainError('INVALID', `services of deployment ${spec.id} must be ${known}, got ${spec.services}`);
  }
  const values = template.valuesOf(spec);
  const broken = Object.entries(template.patterns).flatMap(([name, pattern]) => {
    const value = values[name];
    if (value !== undefined && pattern.test(value)) return [];
    return [`parameter ${name} must match ${pattern.source}, got '${value ?? ''}'`];
  });
  if (broken.length > 0) throw new DomainError('INVALID', `deployment ${spec.id}: ${broken.join('; ')}`);
  return values;
}

/** Equal for equal templates and parameters. 32 hexadecimal digits. */
export function fingerprintOf({ source }: DeploymentTemplate, parameters: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([source, sorted]))
    .digest('hex')
    .slice(0, 32);
}
