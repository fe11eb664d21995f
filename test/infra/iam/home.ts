import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RoleRights } from './evaluate.ts';
import type { PolicyDocument } from './policy.ts';
import { DeployedTemplate, type StackValues, type Template } from './template.ts';

/** The silo tenant whose stacks the templates are read for. */
export const SILO_TENANT = 'acme0000000000000000000001';
export const HOME_PREFIX = 'tierplane-main';
/** In the order of their deployment, because later stacks import values of earlier ones. */
const STACKS = [
  ...['registry-stack', 'shared-infra-stack', 'tenant-template-stack-basic', 'tenant-template-stack-advanced'],
  ...['controlplane-stack', 'core-appplane-stack'],
] as const;
const SILO_FOLDER = 'silo-templates';
const HASH = /[0-9A-F]{8}$/;
/** Roles that the pool and each silo template have, with the name that they share. */
const COMMON_ROLES: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^ServicesRoles\w+Data$/, 'tasks/data'],
  [/^ServicesRoles\w+Task$/, 'tasks/task'],
  [/^ServicesRolesExecution$/, 'tasks/execution'],
  [/^ServicesRolesShifting$/, 'tasks/shifting'],
  [/^Ec2Role$/, 'instances/ecs'],
];

/** A template that a test may change. */
export interface ChangeableTemplate {
  // biome-ignore lint/suspicious/noExplicitAny: tests read and change templates as plain JSON
  Resources: Record<string, { Type: string; Properties: any }>;
  Parameters: Record<string, { AllowedPattern?: string }>;
}

/** A role of one template. */
export interface HomeRole {
  /** `<stack>/<logical id without hash>`, or the name of a role that several templates have. */
  readonly name: string;
  /** The name of the template. */
  readonly template: string;
  readonly logicalId: string;
  readonly trust: PolicyDocument;
  readonly rights: RoleRights;
}

/** All templates of the AWS home, with the values that the stacks import from each other. */
export class HomeTemplates {
  /** By name of the stack or of the silo template. */
  readonly all: ReadonlyMap<string, DeployedTemplate>;
  readonly #sources = new Map<string, readonly [Template, StackValues]>();
  readonly #boundary: PolicyDocument;

  /** @param folder the output of the CDK app */
  constructor(folder: string) {
    const all = new Map<string, DeployedTemplate>();
    this.all = all;
    const add = (name: string, file: string, values: StackValues): DeployedTemplate => {
      const source = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Template;
      this.#sources.set(name, [source, values]);
      const deployed = new DeployedTemplate(source, values);
      all.set(name, deployed);
      return deployed;
    };
    const exports: Record<string, string> = {};
    for (const stackName of STACKS) {
      Object.assign(exports, add(stackName, `${stackName}.template.json`, { stackName, exports }).exports());
    }
    const UsersFunctionArn = this.arnOf('shared-infra-stack', 'AWS::Lambda::Function', 'UserFunctionstenantusers');
    for (const file of readdirSync(join(folder, SILO_FOLDER)).filter((name) => /^silo-.*\.json$/.test(name))) {
      const name = file.replace('.json', '');
      const stackName = `${HOME_PREFIX}-${name === 'silo-data' ? name : 'silo'}-${SILO_TENANT}`;
      add(name, join(SILO_FOLDER, file), { stackName, parameters: { TenantId: SILO_TENANT, UsersFunctionArn } });
    }
    const core = this.stack('core-appplane-stack');
    const [boundaryId = ''] = core.idsOf('AWS::IAM::ManagedPolicy').filter((id) => id.startsWith('TenantBoundary'));
    this.#boundary = core.propertiesOf(boundaryId).PolicyDocument as PolicyDocument;
  }

  /** @throws Error for an unknown name */
  stack(name: string): DeployedTemplate {
    const found = this.all.get(name);
    if (!found) throw new Error(`there is no template ${name}`);
    return found;
  }

  /** A copy of a template as it was synthesized. @throws Error for an unknown name */
  copyOf(name: string): ChangeableTemplate {
    return structuredClone(this.#sourceOf(name)[0]) as ChangeableTemplate;
  }

  /** A copy of a template with a change. @throws Error if it changes nothing */
  changed(name: string, change: (template: ChangeableTemplate) => void): DeployedTemplate {
    const [source, values] = this.#sourceOf(name);
    const copy = this.copyOf(name);
    change(copy);
    if (JSON.stringify(copy) === JSON.stringify(source)) throw new Error(`the change of ${name} changes nothing`);
    return new DeployedTemplate(copy as Template, values);
  }

  #sourceOf(name: string): readonly [Template, StackValues] {
    const found = this.#sources.get(name);
    if (!found) throw new Error(`there is no template ${name}`);
    return found;
  }

  /** The ARN of the resource of a stack whose logical id begins with `id`. @throws Error if there is none, or several */
  arnOf(stackName: string, type: string, id: string): string {
    const stack = this.stack(stackName);
    const [found, ...others] = stack.idsOf(type).filter((one) => one.startsWith(id));
    if (found === undefined || others.length > 0) throw new Error(`${stackName} must have one ${type} ${id}`);
    return stack.arnOf(found);
  }

  /** Every role of every template. */
  roles(): HomeRole[] {
    return [...this.all].flatMap(([template, deployed]) =>
      deployed.idsOf('AWS::IAM::Role').map((logicalId) => {
        const rights = deployed.rightsOf(logicalId);
        const isBounded = deployed.propertiesOf(logicalId).PermissionsBoundary !== undefined;
        return {
          ...{ name: roleName(template, logicalId), template, logicalId, trust: deployed.trustOf(logicalId) },
          // The boundary of silo tenants' roles is in another stack.
          rights: { ...rights, ...(isBounded && { boundary: this.#boundary }) },
        };
      }),
    );
  }
}

export function roleName(template: string, logicalId: string): string {
  const id = logicalId.replace(HASH, '');
  const [, name] = COMMON_ROLES.find(([pattern]) => pattern.test(id)) ?? [];
  return name ?? `${template.replace(/^silo-.*/, 'silo')}/${id}`;
}
