import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { type IVpc, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { PoolStack } from '../../../../app-plane/infra/tenant-stacks/pool-stack.ts';
import { SharedClusterStack } from '../../../../app-plane/infra/tenant-stacks/shared-cluster-stack.ts';
import { AWS_CONFIGURATION, type Configuration } from '../../../../infra/configuration.ts';

// biome-ignore lint/suspicious/noExplicitAny: the tests read templates as plain JSON
export type Properties = any;
export interface Resource {
  readonly Type: string;
  readonly Properties: Properties;
  readonly DependsOn?: readonly string[];
  readonly DeletionPolicy?: string;
}

/** A template as plain JSON. */
export interface Parsed {
  readonly Parameters: Readonly<Record<string, { readonly Type: string; readonly AllowedPattern?: string }>>;
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly text: string;
}

export function parse(template: string): Parsed {
  return { ...JSON.parse(template), text: template };
}

/** The resources of a type, by logical id. */
export function all({ Resources }: Parsed, type: string): Record<string, Resource> {
  return Object.fromEntries(Object.entries(Resources).filter(([, { Type }]) => Type === type));
}

/** Every statement of the template's policies. */
export function statementsOf({ Resources }: Parsed): Properties[] {
  return Object.values(Resources).flatMap(({ Properties: own }) => [
    ...(own.PolicyDocument?.Statement ?? []),
    ...(own.Policies ?? []).flatMap((policy: Properties) => policy.PolicyDocument.Statement),
  ]);
}

/** A manifest with a URL for each template. */
export function manifestOf(texts: Readonly<Record<string, string>>) {
  const templates = Object.keys(texts).map((name) => [name, { url: `https://b/${name}`, sha256: '' }] as const);
  return { templates: Object.fromEntries(templates) };
}

/** A configuration in which these keys differ from the defaults. */
export function configurationOf(change: object = {}): Configuration {
  return AWS_CONFIGURATION.parse(change);
}

/** The two stacks of the platform that tenants' services run in, for a network that another stack has. */
export function platformStacks(app: App, configuration: Configuration, shards = 1) {
  const network = new Stack(app, 'network');
  const vpc = new Vpc(network, 'Vpc', {
    subnetConfiguration: [{ name: 'tasks', subnetType: SubnetType.PRIVATE_ISOLATED }],
  }) as IVpc;
  const topic = (id: string) => new Topic(network, id) as ITopic;
  const arn = (service: string, name: string) => `arn:aws:${service}:us-east-1:123456789012:${name}`;
  const infra = {
    vpc,
    taskSubnetIds: vpc.isolatedSubnets.map(({ subnetId }) => subnetId),
    shards: Array.from({ length: shards }, (_, i) => ({
      ...{ number: i + 1, loadBalancerArn: '', dnsName: '', securityGroupId: `sg-0000000${i + 1}` },
      listenerArn: arn('elasticloadbalancing', `listener/app/shard-${i + 1}/a1b2/c3d4`),
    })),
    alarmTopics: { critical: topic('Critical'), warning: topic('Warning') },
    pool: { issuer: 'https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool', clientId: 'client1' },
    functions: {
      tenantUsers: LambdaFunction.fromFunctionArn(network, 'Users', arn('lambda', 'function:tenant-users')),
    },
  };
  const props = { environmentName: 'main', configuration, infra };
  return { pool: new PoolStack(app, { ...props, release: '1.0.0' }), shared: new SharedClusterStack(app, props) };
}

export function platformTemplates(configuration: Configuration, shards?: number): { pool: Parsed; shared: Parsed } {
  const { pool, shared } = platformStacks(new App({ builtinCloudFormationValidation: false }), configuration, shards);
  const textOf = (stack: Stack) => parse(JSON.stringify(Template.fromStack(stack).toJSON()));
  return { pool: textOf(pool), shared: textOf(shared) };
}
