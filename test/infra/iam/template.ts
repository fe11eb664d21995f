import type { RoleRights } from './evaluate.ts';
import { listOf, type PolicyDocument } from './policy.ts';

interface TemplateResource {
  readonly Type: string;
  readonly Condition?: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

/** A synthesized template of CloudFormation. */
export interface Template {
  readonly Parameters?: Readonly<Record<string, { readonly Default?: unknown }>>;
  readonly Conditions?: Readonly<Record<string, unknown>>;
  readonly Resources: Readonly<Record<string, TemplateResource>>;
  readonly Outputs?: Readonly<
    Record<string, { readonly Value: unknown; readonly Export?: { readonly Name: unknown } }>
  >;
}

export interface StackValues {
  readonly stackName: string;
  /** @default - the defaults of the template */
  readonly parameters?: Readonly<Record<string, string>>;
  /** @default - REGION */
  readonly region?: string;
  /** Values of other stacks' exports, by name. @default - the export's name stands for its value */
  readonly exports?: Readonly<Record<string, string>>;
}

export const ACCOUNT = '111122223333';
export const REGION = 'eu-central-1';
const STACK_UUID = '0a0a0a0a-0a0a-0a0a-0a0a-0a0a0a0a0a0a';

const PSEUDO: Readonly<Record<string, string>> = {
  'AWS::AccountId': ACCOUNT,
  'AWS::Partition': 'aws',
  'AWS::URLSuffix': 'amazonaws.com',
};
/** How the ARN of a resource is built from its name, by type. */
const ARNS: Readonly<Record<string, (name: string) => string>> = {
  'AWS::IAM::Role': (name) => `arn:aws:iam::${ACCOUNT}:role/${name}`,
  'AWS::IAM::ManagedPolicy': (name) => `arn:aws:iam::${ACCOUNT}:policy/${name}`,
  'AWS::DynamoDB::Table': (name) => `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${name}`,
  'AWS::SQS::Queue': (name) => `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}`,
  'AWS::Lambda::Function': (name) => `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`,
  'AWS::Events::EventBus': (name) => `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/${name}`,
  'AWS::KMS::Key': (name) => `arn:aws:kms:${REGION}:${ACCOUNT}:key/${name}`,
  'AWS::Logs::LogGroup': (name) => `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:${name}:*`,
  'AWS::Cognito::UserPool': (name) => `arn:aws:cognito-idp:${REGION}:${ACCOUNT}:userpool/${name}`,
  'AWS::S3::Bucket': (name) => `arn:aws:s3:::${name}`,
  'AWS::SNS::Topic': (name) => `arn:aws:sns:${REGION}:${ACCOUNT}:${name}`,
  'AWS::ElasticLoadBalancingV2::ListenerRule': (name) =>
    `arn:aws:elasticloadbalancing:${REGION}:${ACCOUNT}:listener-rule/app/${name}`,
};
/** Types whose `Ref` is their ARN. */
const REF_IS_ARN = new Set(['AWS::IAM::ManagedPolicy', 'AWS::SNS::Topic', 'AWS::ElasticLoadBalancingV2::ListenerRule']);
const NAMES = ['RoleName', 'ManagedPolicyName', 'TableName', 'QueueName', 'FunctionName', 'LogGroupName', 'BucketName'];

/**
 * Reads a template as CloudFormation would with the given parameters. A resource without a name of its own gets
 * `<stack>-<logical id>-0`, as CloudFormation's names begin with the stack and the logical id.
 */
export class DeployedTemplate {
  readonly #template: Template;
  readonly #values: StackValues;

  constructor(template: Template, values: StackValues) {
    this.#template = template;
    this.#values = values;
  }

  /** The logical ids of the resources of a type, whose conditions hold. */
  idsOf(type: string): string[] {
    const all = Object.entries(this.#template.Resources);
    return all.filter(([, { Type, Condition }]) => Type === type && this.#isMet(Condition)).map(([id]) => id);
  }

  /** The ARN of a resource. @throws Error for an unknown resource or type */
  arnOf(id: string): string {
    const { Type } = this.#resource(id);
    const build = ARNS[Type];
    if (!build) throw new Error(`this reader knows no ARN of ${Type} (${id})`);
    return build(this.#nameOf(id));
  }

  /** The properties of a resource with all functions replaced by their values. */
  propertiesOf(id: string): Readonly<Record<string, unknown>> {
    return this.#valueOf(this.#resource(id).Properties ?? {}) as Readonly<Record<string, unknown>>;
  }

  /** A part of the template with all functions replaced by their values. */
  resolve(part: unknown): unknown {
    return this.#valueOf(part);
  }

  /** What a role may do: its own policies, those of the stack that are attached to it, and its boundary. */
  rightsOf(roleId: string): RoleRights {
    const role = this.propertiesOf(roleId);
    const own = listOf(role.Policies as { PolicyDocument: PolicyDocument }[] | undefined);
    const attached = ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy']
      .flatMap((type) => this.idsOf(type))
      .map((id) => this.propertiesOf(id))
      .filter(({ Roles }) => listOf(Roles as string[]).includes(this.#nameOf(roleId)));
    const boundary = this.#boundaryOf(role.PermissionsBoundary);
    const policies = [...own, ...(attached as { PolicyDocument: PolicyDocument }[])].map((one) => one.PolicyDocument);
    return { policies, ...(boundary && { boundary }) };
  }

  /** The values that other stacks may import, by the name of the export. */
  exports(): Readonly<Record<string, string>> {
    const exported = Object.values(this.#template.Outputs ?? {}).filter(({ Export }) => Export !== undefined);
    const entries = exported.map(({ Value, Export }) => [String(this.#valueOf(Export?.Name)), this.#valueOf(Value)]);
    return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
  }

  /** Who may assume a role. */
  trustOf(roleId: string): PolicyDocument {
    return this.propertiesOf(roleId).AssumeRolePolicyDocument as PolicyDocument;
  }

  /** The boundary, if this template has it. */
  #boundaryOf(arn: unknown): PolicyDocument | undefined {
    const id = this.idsOf('AWS::IAM::ManagedPolicy').find((one) => this.arnOf(one) === arn);
    return id === undefined ? undefined : (this.propertiesOf(id).PolicyDocument as PolicyDocument);
  }

  #resource(id: string): TemplateResource {
    const resource = this.#template.Resources[id];
    if (!resource) throw new Error(`template of ${this.#values.stackName} has no resource ${id}`);
    return resource;
  }

  #nameOf(id: string): string {
    const properties = this.#resource(id).Properties ?? {};
    const key = NAMES.find((name) => properties[name] !== undefined);
    return key === undefined ? `${this.#values.stackName}-${id}-0` : String(this.#valueOf(properties[key]));
  }

  #isMet(condition: string | undefined): boolean {
    return condition === undefined || this.#valueOf(this.#template.Conditions?.[condition]) === true;
  }

  #valueOf(node: unknown): unknown {
    if (Array.isArray(node)) return node.map((one) => this.#valueOf(one)).filter((one) => one !== undefined);
    if (typeof node !== 'object' || node === null) return node;
    const [[key, argument] = ['', undefined], ...others] = Object.entries(node);
    if (others.length === 0 && (key === 'Ref' || key === 'Condition' || key.startsWith('Fn::'))) {
      return this.#call(key, argument);
    }
    const entries = Object.entries(node).map(([name, value]) => [name, this.#valueOf(value)] as const);
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  }

  /** @throws Error for an unknown function */
  #call(name: string, argument: unknown): unknown {
    if (name === 'Ref') return this.#ref(String(argument));
    if (name === 'Condition') return this.#isMet(String(argument));
    if (name === 'Fn::GetAtt') return this.#attribute(listOf(argument as string | string[]));
    if (name === 'Fn::Sub') return this.#substitute(listOf(argument as string | [string, Record<string, unknown>]));
    if (name === 'Fn::If') {
      const [condition, met, otherwise] = argument as [string, unknown, unknown];
      return this.#valueOf(this.#isMet(condition) ? met : otherwise);
    }
    const values = this.#valueOf(argument);
    const compute = FUNCTIONS[name];
    if (name === 'Fn::ImportValue') return this.#values.exports?.[String(values)] ?? String(values);
    if (!compute) throw new Error(`this reader does not know ${name}`);
    return compute(values as readonly unknown[]);
  }

  #ref(name: string): unknown {
    if (name === 'AWS::NoValue') return undefined;
    if (name === 'AWS::StackName') return this.#values.stackName;
    const parameter = this.#template.Parameters?.[name];
    if (parameter) return this.#values.parameters?.[name] ?? parameter.Default ?? name;
    const { stackName, region = REGION } = this.#values;
    if (name === 'AWS::Region') return region;
    if (name === 'AWS::StackId') return `arn:aws:cloudformation:${region}:${ACCOUNT}:stack/${stackName}/${STACK_UUID}`;
    if (PSEUDO[name] !== undefined) return PSEUDO[name];
    return REF_IS_ARN.has(this.#resource(name).Type) ? this.arnOf(name) : this.#nameOf(name);
  }

  #attribute(path: readonly string[]): string {
    const [id = '', attribute = ''] = path.length === 1 ? (path[0] ?? '').split('.') : path;
    const isArn = attribute === 'Arn' && ARNS[this.#resource(id).Type] !== undefined;
    return isArn ? this.arnOf(id) : `${this.#nameOf(id)}.${attribute}`;
  }

  #substitute([text, values = {}]: readonly (string | Record<string, unknown>)[]): string {
    return String(text).replace(/\$\{([^!}][^}]*)\}/g, (_all, name: string) => {
      const given = (values as Record<string, unknown>)[name];
      if (given !== undefined) return String(this.#valueOf(given));
      return String(name.includes('.') && !name.includes('::') ? this.#attribute([name]) : this.#ref(name));
    });
  }
}

const FUNCTIONS: Readonly<Record<string, (values: readonly unknown[]) => unknown>> = {
  'Fn::Join': ([separator, parts]) => (parts as unknown[]).join(String(separator)),
  'Fn::Select': ([index, parts]) => (parts as unknown[])[Number(index)],
  'Fn::Split': ([separator, text]) => String(text).split(String(separator)),
  'Fn::Equals': ([a, b]) => a === b,
  'Fn::Not': ([one]) => one !== true,
  'Fn::And': (all) => all.every((one) => one === true),
  'Fn::Or': (all) => all.includes(true),
};
