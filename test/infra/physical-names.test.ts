import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { readEnvironment } from '../../app-plane/lambda/environment.ts';
import { MAX_ENVIRONMENT_LENGTH } from '../../core/installation/environment-name.ts';
import { Synthesized } from '../support/synthesized.ts';
import { mayCall } from './iam/evaluate.ts';
import { ACCOUNT, DeployedTemplate, type Template } from './iam/template.ts';

jest.setTimeout(120_000);

/** Every name has its longest legal value. Functions of CloudFormation that this reader does not know are not names. */
const ENVIRONMENT = 'e'.repeat(MAX_ENVIRONMENT_LENGTH);
const TENANT = 't'.repeat(26);
const REGION = 'us-isof-south-1';

/**
 * The longest name of each type of resource that gets a name, by property.
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
 */
const LIMITS: Readonly<Record<string, number>> = {
  'AWS::ApiGateway::Authorizer.Name': 128,
  'AWS::ApiGateway::RestApi.Name': 128,
  'AWS::ApiGateway::Stage.StageName': 128,
  'AWS::ApiGateway::UsagePlan.UsagePlanName': 128,
  'AWS::ApiGatewayV2::Api.Name': 128,
  'AWS::ApiGatewayV2::Authorizer.Name': 128,
  'AWS::ApiGatewayV2::Stage.StageName': 128,
  'AWS::ApiGatewayV2::VpcLink.Name': 128,
  'AWS::ApplicationAutoScaling::ScalingPolicy.PolicyName': 256,
  'AWS::CloudFront::OriginAccessControl.Name': 64,
  'AWS::CloudFront::ResponseHeadersPolicy.Name': 128,
  'AWS::CodeBuild::Project.Name': 150,
  'AWS::Cognito::UserPool.UserPoolName': 128,
  'AWS::Cognito::UserPoolClient.ClientName': 128,
  'AWS::Cognito::UserPoolDomain.Domain': 63,
  'AWS::Cognito::UserPoolResourceServer.Name': 256,
  'AWS::DynamoDB::Table.TableName': 255,
  'AWS::ECR::Repository.RepositoryName': 256,
  'AWS::ECS::CapacityProvider.Name': 255,
  'AWS::ECS::Cluster.ClusterName': 255,
  'AWS::Events::EventBus.Name': 256,
  'AWS::IAM::ManagedPolicy.ManagedPolicyName': 128,
  'AWS::IAM::Policy.PolicyName': 128,
  'AWS::IAM::Role.RoleName': 64,
  'AWS::Logs::LogGroup.LogGroupName': 512,
  'AWS::SNS::Topic.TopicName': 256,
  'AWS::SQS::Queue.QueueName': 80,
  'AWS::ServiceDiscovery::HttpNamespace.Name': 1024,
  'AWS::WAFv2::WebACL.Name': 128,
};
/** Where the name is, for types whose name is not a property of the resource itself. */
const NESTED: Readonly<Record<string, string>> = {
  'AWS::CloudFront::OriginAccessControl': 'OriginAccessControlConfig',
  'AWS::CloudFront::ResponseHeadersPolicy': 'ResponseHeadersPolicyConfig',
};
/** Properties that name something else: an existing resource, or a fixed value. */
const REFERENCES = new Set([
  'AWS::CloudFormation::CustomResource.Name',
  'AWS::CloudWatch::Alarm.MetricName',
  'AWS::EC2::EIP.Domain',
  'AWS::EC2::FlowLog.LogGroupName',
  'AWS::EC2::VPCEndpoint.ServiceName',
  'AWS::Events::Rule.EventBusName',
  'AWS::Lambda::EventSourceMapping.FunctionName',
  'AWS::Lambda::Permission.FunctionName',
  'AWS::Logs::MetricFilter.LogGroupName',
]);

const folder = mkdtempSync(join(tmpdir(), 'tierplane-names-'));
afterAll(() => rmSync(folder, { recursive: true }));
const configuration = join(folder, 'aws.json');
writeFileSync(
  configuration,
  JSON.stringify({ shards: 10, tiers: { basic: { capacity: 'ec2' }, premium: { capacity: 'ec2' } } }),
);
const installation = Synthesized.of('bin/cdk.ts', { environment: ENVIRONMENT, configuration, imageBuild: 'codebuild' });

/** All templates with the names of their stacks. */
function templates(): [stackName: string, file: string][] {
  const silos = join(installation.folder, silosFolder());
  const ofPlatform = readdirSync(installation.folder).filter((name) => name.endsWith('.template.json'));
  const ofTenants = readdirSync(silos).filter((name) => /^silo-.*\.json$/.test(name));
  return [
    ...ofPlatform.map(
      (name) => [name.replace('.template.json', ''), join(installation.folder, name)] as [string, string],
    ),
    ...ofTenants.map((name) => [`tierplane-${ENVIRONMENT}-silo-data-${TENANT}`, join(silos, name)] as [string, string]),
  ];
}

function silosFolder(): string {
  return readdirSync(installation.folder).find((name) => name === 'silo-templates') ?? '';
}

interface Name {
  readonly of: string;
  readonly name: string;
}

function namesIn(stackName: string, template: Template): Name[] {
  const deployed = new DeployedTemplate(template, { stackName, region: REGION, parameters: { TenantId: TENANT } });
  return Object.values(template.Resources).flatMap(({ Type, Properties = {} }) => {
    if (Type.startsWith('Custom::')) return [];
    const at = (NESTED[Type] === undefined ? Properties : Properties[NESTED[Type]]) as Readonly<
      Record<string, unknown>
    >;
    const keys = Object.keys(at).filter((key) => /(Name|^Domain)$/.test(key) && !REFERENCES.has(`${Type}.${key}`));
    return keys.map((key) => ({ of: `${Type}.${key}`, name: String(deployed.resolve(at[key])) }));
  });
}

describe(`an environment whose name has ${MAX_ENVIRONMENT_LENGTH} letters`, () => {
  const files = templates();
  const names = files.flatMap(([stackName, file]) => namesIn(stackName, JSON.parse(readFileSync(file, 'utf8'))));

  test('has stacks of the platform and of tenants with names', () => {
    expect(files.filter(([, file]) => file.includes('silo-templates')).length).toBeGreaterThan(4);
    expect(new Set(names.map(({ of }) => of)).size).toBeGreaterThan(20);
    expect(names.filter(({ name }) => name.includes(TENANT)).length).toBeGreaterThan(20);
  });

  test('has no name that is longer than AWS allows, and no resource whose limit is not known', () => {
    const wrong = names.filter(({ of, name }) => !(name.length <= (LIMITS[of] ?? 0)));
    expect(wrong).toEqual([]);
    for (const [stackName] of files) expect(stackName.length).toBeLessThanOrEqual(128);
  });

  test('could not have one letter more', () => {
    const longest = Math.max(
      ...names.filter(({ of }) => of === 'AWS::IAM::Role.RoleName').map(({ name }) => name.length),
    );
    expect(longest).toBe(LIMITS['AWS::IAM::Role.RoleName']);
  });

  test('SE-2: has a smoke function that may not change network interfaces, also if CloudFormation shortens its name', () => {
    const stackName = `core-appplane-stack-${ENVIRONMENT}`;
    const deployed = new DeployedTemplate(installation.template(stackName), { stackName, region: REGION });
    const [role = ''] = deployed.idsOf('AWS::IAM::Role').filter((id) => id.startsWith('SmokeRequests'));
    const action = 'ec2:CreateNetworkInterface';
    const rights = deployed.rightsOf(role);
    expect(mayCall(rights, { action, resource: '*' })).toBe(true);
    for (const name of [`${stackName}-Smoke-1`, `${stackName.slice(0, 24)}-SmokeRequestsFunction12-1`]) {
      const source = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`;
      const context = { 'lambda:SourceFunctionArn': source };
      expect(mayCall(rights, { action, resource: '*', context })).toBe(false);
    }
  });

  test('has functions whose environment is at most 4 KB, with ten load balancers', () => {
    const stackName = `core-appplane-stack-${ENVIRONMENT}`;
    const template: Template = installation.template(stackName);
    const exports = new Proxy({}, { get: (_target, name) => exported(String(name)) });
    const deployed = new DeployedTemplate(template, { stackName, region: REGION, exports });
    const environments = deployed.idsOf('AWS::Lambda::Function').map((id) => {
      const { Environment } = template.Resources[id]?.Properties ?? {};
      const { Variables } = (deployed.resolve(Environment ?? {}) ?? {}) as { Variables?: Record<string, string> };
      return { id, variables: Variables ?? {} };
    });
    for (const { id, variables } of environments) {
      const bytes = Object.entries(variables).flat().join('').length;
      expect([id, bytes > 4096 ? bytes : 'fits']).toEqual([id, 'fits']);
    }
    const reconcile = environments.find(({ id }) => id.startsWith('ProvisionerReconcile'))?.variables ?? {};
    const { TIERPLANE_NETWORK: network } = readEnvironment(reconcile, ['TIERPLANE_NETWORK']);
    expect(network.shards.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(new Set(network.shards.map(({ listenerArn }) => listenerArn))).toEqual(new Set([LISTENER]));
  });
});

const LISTENER = `arn:aws:elasticloadbalancing:${REGION}:${ACCOUNT}:listener/app/${'l'.repeat(32)}/${'f'.repeat(16)}/${'f'.repeat(16)}`;

/** The value of an export of another stack, as long as such a value is. */
function exported(name: string): string {
  if (/Listener/.test(name)) return LISTENER;
  if (/Arn/.test(name)) return `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${'f'.repeat(64)}`;
  if (/SecurityGroup|Group.*GroupId/.test(name)) return `sg-${'f'.repeat(17)}`;
  if (/Subnet/.test(name)) return `subnet-${'f'.repeat(17)}`;
  return 'v'.repeat(64);
}
