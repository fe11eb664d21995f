import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { deploymentActions } from '../../../../app-plane/infra/core-appplane/deployment-actions.ts';
import { mayAssume, mayCall, type RoleRights } from '../../../infra/iam/evaluate.ts';
import { ACCOUNT, DeployedTemplate, REGION, type Template } from '../../../infra/iam/template.ts';
import { Synthesized } from '../../../support/synthesized.ts';

jest.setTimeout(120_000);

const PREFIX = 'tierplane-main';
const SILO = `${PREFIX}-silo-acme0000000000000000000001`;
/** A tenant of another environment whose name begins like this one's. */
const OTHER = 'tierplane-main2-silo-acme0000000000000000000001';
const LISTENER = `arn:aws:elasticloadbalancing:${REGION}:${ACCOUNT}:listener/app/shard/1f/2e`;
const BOUNDARY = `arn:aws:iam::${ACCOUNT}:policy/${PREFIX}-tenant-boundary`;

const arn = (service: string, name: string) => `arn:aws:${service}:${REGION}:${ACCOUNT}:${name}`;
const role = (name: string) => `arn:aws:iam::${ACCOUNT}:role/${name}`;
const created = { 'aws:RequestTag/tierplane:environment': 'main' };
const owned = { 'aws:ResourceTag/tierplane:environment': 'main' };
const bounded = { 'iam:PermissionsBoundary': BOUNDARY };

type Context = Readonly<Record<string, string>>;

/** For each type of resource: a call that its creation or deletion makes, and calls that must be refused. */
const CALLS: Readonly<
  Record<
    string,
    { readonly call: readonly [string, string, Context?]; readonly refused: readonly [string, Context?][] }
  >
> = {
  'AWS::DynamoDB::Table': {
    call: ['dynamodb:CreateTable', arn('dynamodb', `table/${SILO}-orders`)],
    refused: [
      [arn('dynamodb', `table/${PREFIX}-pool-orders`)],
      [arn('dynamodb', `table/${OTHER}-orders`)],
      [arn('dynamodb', 'table/shared-infra-stack-Table-1')],
    ],
  },
  'AWS::KMS::Key': {
    call: ['kms:ScheduleKeyDeletion', arn('kms', 'key/1'), owned],
    refused: [[arn('kms', 'key/1')], [arn('kms', 'key/1'), { 'aws:ResourceTag/tierplane:environment': 'test' }]],
  },
  'AWS::Logs::LogGroup': {
    call: ['logs:CreateLogGroup', arn('logs', `log-group:${SILO}-Log-1`)],
    refused: [[arn('logs', 'log-group:/aws/lambda/core-appplane-stack-1')], [arn('logs', `log-group:${OTHER}-Log-1`)]],
  },
  'AWS::ECS::Cluster': {
    call: ['ecs:DeleteCluster', arn('ecs', `cluster/${SILO}`)],
    refused: [[arn('ecs', `cluster/${PREFIX}-shared`)], [arn('ecs', `cluster/${PREFIX}-pool`)]],
  },
  'AWS::ECS::TaskDefinition': {
    call: ['ecs:RegisterTaskDefinition', arn('ecs', 'task-definition/orders'), created],
    refused: [[arn('ecs', 'task-definition/orders')]],
  },
  'AWS::ECS::Service': {
    call: ['ecs:CreateService', arn('ecs', `service/${PREFIX}-shared/${SILO}-OrdersService-1`)],
    refused: [
      [arn('ecs', `service/${PREFIX}-pool/tenant-template-stack-basic-OrdersService-1`)],
      [arn('ecs', `service/tierplane-main2-shared/${OTHER}-OrdersService-1`)],
    ],
  },
  'AWS::ServiceDiscovery::HttpNamespace': {
    call: ['servicediscovery:DeleteNamespace', arn('servicediscovery', 'namespace/ns-1'), owned],
    refused: [[arn('servicediscovery', 'namespace/ns-1')]],
  },
  'AWS::ApplicationAutoScaling::ScalableTarget': {
    call: [
      'application-autoscaling:RegisterScalableTarget',
      arn('application-autoscaling', 'scalable-target/1'),
      { 'application-autoscaling:service-namespace': 'ecs' },
    ],
    refused: [
      [
        arn('application-autoscaling', 'scalable-target/1'),
        { 'application-autoscaling:service-namespace': 'dynamodb' },
      ],
    ],
  },
  'AWS::ApplicationAutoScaling::ScalingPolicy': {
    call: [
      'application-autoscaling:PutScalingPolicy',
      arn('application-autoscaling', 'scalable-target/1'),
      { 'application-autoscaling:service-namespace': 'ecs' },
    ],
    refused: [[arn('application-autoscaling', 'scalable-target/1')]],
  },
  'AWS::CloudWatch::Alarm': {
    call: ['cloudwatch:PutMetricAlarm', arn('cloudwatch', `alarm:${SILO}-Errors-1`)],
    refused: [
      [arn('cloudwatch', 'alarm:core-appplane-stack-Errors-1')],
      [arn('cloudwatch', `alarm:${OTHER}-Errors-1`)],
    ],
  },
  'AWS::EC2::SecurityGroup': {
    call: ['ec2:DeleteSecurityGroup', arn('ec2', 'security-group/sg-1'), owned],
    refused: [[arn('ec2', 'security-group/sg-1')]],
  },
  'AWS::EC2::SecurityGroupIngress': {
    call: ['ec2:AuthorizeSecurityGroupIngress', arn('ec2', 'security-group/sg-1'), owned],
    refused: [[arn('ec2', 'security-group/sg-1')]],
  },
  'AWS::ElasticLoadBalancingV2::TargetGroup': {
    call: ['elasticloadbalancing:DeleteTargetGroup', arn('elasticloadbalancing', 'targetgroup/tp/1'), owned],
    refused: [[arn('elasticloadbalancing', 'targetgroup/tp/1')]],
  },
  'AWS::ElasticLoadBalancingV2::ListenerRule': {
    call: ['elasticloadbalancing:CreateRule', LISTENER],
    refused: [[LISTENER.replace('/app/shard/', '/app/other/')]],
  },
  'AWS::IAM::Role': {
    call: ['iam:CreateRole', role(`${SILO}-orders`), bounded],
    refused: [
      [role(`${SILO}-orders`)],
      [role(`${SILO}-orders`), { 'iam:PermissionsBoundary': `arn:aws:iam::aws:policy/AdministratorAccess` }],
      [role('core-appplane-stack-ProvisionerReconcileRole-1'), bounded],
      [role(`${OTHER}-orders`), bounded],
    ],
  },
  'AWS::IAM::Policy': {
    call: ['iam:PutRolePolicy', role(`${SILO}-orders`), bounded],
    refused: [[role(`${SILO}-orders`)], [role('cdk-hnb659fds-cfn-exec-role'), bounded]],
  },
};

describe('the role with which CloudFormation deploys tenants', () => {
  const synthesized = Synthesized.of('bin/cdk.ts');
  let rights: RoleRights;
  let deployed: DeployedTemplate;
  let roleId: string;
  beforeAll(() => {
    const template: Template = synthesized.template('core-appplane-stack');
    const listener =
      JSON.stringify(template).match(/shared-infra-stack:ExportsOutputRefShard1\w*Listener\w+/)?.[0] ?? '';
    deployed = new DeployedTemplate(template, { stackName: 'core-appplane-stack', exports: { [listener]: LISTENER } });
    [roleId = ''] = deployed.idsOf('AWS::IAM::Role').filter((id) => id.startsWith('DeploymentRole'));
    rights = deployed.rightsOf(roleId);
  });

  test('can be assumed by CloudFormation only', () => {
    const trust = deployed.trustOf(roleId);
    expect(mayAssume(trust, { service: 'cloudformation.amazonaws.com' }, 'sts:AssumeRole')).toBe(true);
    expect(mayAssume(trust, { service: 'lambda.amazonaws.com' }, 'sts:AssumeRole')).toBe(false);
    expect(mayAssume(trust, { arn: role('x') }, 'sts:AssumeRole')).toBe(false);
  });

  test('has rights for every type of resource of the silo templates, and the table of calls has each type', () => {
    const at = { partition: 'aws', region: REGION, account: ACCOUNT, prefix: PREFIX, environmentName: 'main' };
    const known = Object.keys(deploymentActions({ ...at, listeners: [], boundaryArn: BOUNDARY }));
    const folder = join(synthesized.folder, 'silo-templates');
    const templates = readdirSync(folder).filter((name) => name.startsWith('silo-'));
    expect(templates.length).toBeGreaterThan(1);
    const types = templates.flatMap((name) => {
      const { Resources } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Template;
      return Object.values(Resources).map(({ Type }) => Type);
    });
    expect([...new Set(types)].filter((type) => !known.includes(type))).toEqual([]);
    expect([...new Set(types)].filter((type) => CALLS[type] === undefined)).toEqual([]);
  });

  test.each(Object.entries(CALLS))('SE-2: deploys %s of a tenant, and of nothing else', (_type, { call, refused }) => {
    const [action, resource, context = {}] = call;
    expect(mayCall(rights, { action, resource, context })).toBe(true);
    for (const [other, otherContext = {}] of refused) {
      expect([other, mayCall(rights, { action, resource: other, context: otherContext })]).toEqual([other, false]);
    }
  });

  test('SE-2: gives roles of the tenant to ECS only, and never its own', () => {
    const mayPass = (resource: string, service: string) =>
      mayCall(rights, {
        ...{ action: 'iam:PassRole', resource },
        context: { 'iam:PassedToService': `${service}.amazonaws.com` },
      });
    expect([mayPass(role(`${SILO}-orders`), 'ecs-tasks'), mayPass(role(`${SILO}-orders`), 'ecs')]).toEqual([
      true,
      true,
    ]);
    expect(mayPass(role(`${SILO}-orders`), 'lambda')).toBe(false);
    expect(mayPass(deployed.arnOf(roleId), 'ecs-tasks')).toBe(false);
    expect(mayPass(role(`${OTHER}-orders`), 'ecs-tasks')).toBe(false);
  });

  test.each([
    ['iam:DeleteRolePermissionsBoundary', role(`${SILO}-orders`)],
    ['iam:PutRolePermissionsBoundary', role(`${SILO}-orders`)],
    ['iam:AttachRolePolicy', role(`${SILO}-orders`)],
    ['iam:CreatePolicyVersion', BOUNDARY],
    ['iam:CreateUser', `arn:aws:iam::${ACCOUNT}:user/x`],
    ['sts:AssumeRole', role(`${SILO}-orders-d`)],
    ['dynamodb:GetItem', arn('dynamodb', `table/${SILO}-orders`)],
    ['dynamodb:Scan', arn('dynamodb', `table/${SILO}-orders`)],
    ['elasticloadbalancing:DeleteListener', LISTENER],
    ['elasticloadbalancing:DeleteRule', `${LISTENER.replace('listener/', 'listener-rule/')}/9`],
    ['cloudformation:DeleteStack', arn('cloudformation', 'stack/shared-infra-stack/1')],
    ['lambda:InvokeFunction', arn('lambda', 'function:any')],
    ['kms:Decrypt', arn('kms', 'key/1')],
  ])('SE-2: may not call %s', (action, resource) => {
    const context = { ...created, ...bounded };
    expect(mayCall(rights, { action, resource, context })).toBe(false);
  });

  test('has no wildcard in an action', () => {
    const actions = rights.policies
      .flatMap(({ Statement }) => [Statement].flat())
      .flatMap(({ Action = [] }) => [Action].flat());
    expect(actions.length).toBeGreaterThan(50);
    expect(actions.filter((action) => action.includes('*'))).toEqual([]);
  });
});
