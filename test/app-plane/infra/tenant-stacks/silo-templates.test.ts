import { describe, expect, test } from '@jest/globals';
import type { DataTemplate } from '../../../../adapters/aws/runtime/tenant-data.ts';
import { tableShape } from '../../../../adapters/aws/store/table-shape.ts';
import { synthesizeSiloTemplates } from '../../../../app-plane/infra/tenant-stacks/release.ts';
import { siloDataTemplate } from '../../../../app-plane/infra/tenant-stacks/silo-parameters.ts';
import { readAwsEnvironment } from '../../../../services/kit/environment-aws.ts';
import { SERVICES } from '../../../../tenant-templates/tiers.ts';
import { all, configurationOf, manifestOf, type Parsed, type Properties, parse, statementsOf } from './templates.ts';

const TENANT = 'acme0000';
const ISSUER = 'https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Abc';

const withEc2 = configurationOf({ tiers: { premium: { capacity: 'ec2' } } });
const texts = synthesizeSiloTemplates({ environmentName: 'main', configuration: withEc2 });
const templates: Record<string, Parsed> = Object.fromEntries(
  Object.entries(texts).map(([name, text]) => [name, parse(text)]),
);
const { 'silo-data': data, ...deployments } = templates as Record<string, Parsed> & { 'silo-data': Parsed };
const named = (name: string): Parsed => {
  const found = templates[name];
  if (!found) throw new Error(`no template ${name}`);
  return found;
};
const serviceIn = (template: Parsed, id: string): Properties => template.Resources[id]?.Properties;
const containersOf = (template: Parsed): Properties[] =>
  Object.values(all(template, 'AWS::ECS::TaskDefinition')).flatMap(({ Properties: own }) => own.ContainerDefinitions);
const environmentOf = (container: Properties): Record<string, Properties> =>
  Object.fromEntries(container.Environment.map(({ Name, Value }: Properties) => [Name, Value]));

describe('the silo templates of a release', () => {
  test('are one for each kind of deployment, and one with the tables', () => {
    expect(Object.keys(texts).sort()).toEqual([
      ...['silo-cluster-one-task', 'silo-cluster-one-task-ec2'],
      ...['silo-cluster-per-service', 'silo-cluster-per-service-ec2', 'silo-data'],
      ...['silo-service-one-task', 'silo-service-one-task-ec2'],
      ...['silo-service-per-service', 'silo-service-per-service-ec2'],
    ]);
    const without = synthesizeSiloTemplates({ environmentName: 'blue', configuration: configurationOf() });
    expect(Object.keys(without).filter((name) => name.endsWith('ec2'))).toEqual([]);
    expect(Object.values(without).join()).not.toContain('tierplane-main');
  });

  test('are small enough for CloudFormation to take them without S3', () => {
    for (const [name, text] of Object.entries(texts)) expect([name, text.length < 51_200]).toEqual([name, true]);
  });

  test.each(Object.keys(texts))('SE-1.11: %s takes only text parameters with an anchored pattern', (name) => {
    const { Parameters, text } = named(name);
    const texts = Object.values(Parameters).filter(({ Type }) => Type === 'String');
    expect(texts.length).toBeGreaterThan(2);
    for (const { AllowedPattern = '' } of texts) expect(AllowedPattern).toMatch(/^\^.*\$$/);
    const others = Object.values(Parameters).map(({ Type }) => Type);
    expect(others.filter((type) => type !== 'String' && type !== 'Number')).toEqual([]);
    expect(text).not.toContain('Fn::ImportValue');
    expect(text).not.toContain('BootstrapVersion');
  });

  test.each(Object.keys(texts))('SE-2: %s allows no wildcard action, and bounds every role', (name) => {
    const template = named(name);
    const actions = statementsOf(template).flatMap(({ Action }) => Action);
    expect(actions.filter((action: string) => action.includes('*'))).toEqual([]);
    for (const { Properties: own } of Object.values(all(template, 'AWS::IAM::Role'))) {
      expect(JSON.stringify(own.PermissionsBoundary)).toContain(':policy/tierplane-main-tenant-boundary');
      expect(JSON.stringify(own.RoleName)).toMatch(/^{"Fn::Join":\["",\["tierplane-main-silo-",{"Ref":"TenantId"},"-/);
    }
  });
});

describe.each(Object.keys(deployments))('the template %s', (name) => {
  const template = named(name);

  test('runs containers without root, capabilities, a writable root or a shell for operators, in their region', () => {
    const containers = containersOf(template);
    expect(containers).toHaveLength(SERVICES.length + 1);
    for (const container of containers) {
      expect(container).toMatchObject({
        ...{ User: '65532:65532', ReadonlyRootFilesystem: true, Privileged: false, Essential: true },
        LinuxParameters: { Capabilities: { Drop: ['ALL'] } },
        VersionConsistency: 'disabled',
        HealthCheck: { Interval: 5, Timeout: 2 },
      });
      expect(environmentOf(container).AWS_REGION).toEqual({ Ref: 'AWS::Region' });
    }
    for (const { Properties: own } of Object.values(all(template, 'AWS::ECS::Service'))) {
      expect(own).toMatchObject({ EnableExecuteCommand: false, PropagateTags: 'SERVICE' });
    }
  });

  test('registers tasks within seconds, and takes them off the load balancer soon', () => {
    for (const { Properties: own } of Object.values(all(template, 'AWS::ElasticLoadBalancingV2::TargetGroup'))) {
      expect(own).toMatchObject({ HealthCheckIntervalSeconds: 5, HealthyThresholdCount: 2, TargetType: 'ip' });
      const attributes = { Key: 'deregistration_delay.timeout_seconds', Value: '10' };
      expect(own.TargetGroupAttributes).toContainEqual(attributes);
    }
  });

  test('gives every ECS service a number of tasks that follows its CPU, within bounds', () => {
    const services = Object.keys(all(template, 'AWS::ECS::Service'));
    const targets = Object.values(all(template, 'AWS::ApplicationAutoScaling::ScalableTarget'));
    expect(targets).toHaveLength(services.length);
    for (const { Properties: own } of targets) {
      expect(own).toMatchObject({ MinCapacity: { Ref: 'MinTasks' }, MaxCapacity: { Ref: 'MaxTasks' } });
    }
    for (const { Properties: own } of Object.values(all(template, 'AWS::ApplicationAutoScaling::ScalingPolicy'))) {
      expect(own.TargetTrackingScalingPolicyConfiguration.TargetValue).toBe(60);
    }
  });

  test('rolls failed revisions back, and shifts requests step by step where the tenant has its cluster', () => {
    const isCanary = name.includes('cluster');
    for (const { Properties: own } of Object.values(all(template, 'AWS::ECS::Service'))) {
      const { DeploymentConfiguration: deployment } = own;
      expect(deployment.DeploymentCircuitBreaker).toEqual({ Enable: true, Rollback: true });
      expect(deployment.MinimumHealthyPercent).toBe(100);
      if (isCanary) {
        expect(deployment).toMatchObject({
          ...{ Strategy: 'CANARY', BakeTimeInMinutes: 2 },
          CanaryConfiguration: { CanaryPercent: 10, CanaryBakeTimeInMinutes: 3 },
          Alarms: {
            Enable: true,
            Rollback: true,
            AlarmNames: ['Targets', 'NewTargets'].map((name) => ({
              Ref: expect.stringContaining(`Routing${name}Errors`),
            })),
          },
        });
      } else expect(deployment.Strategy).toBeUndefined();
    }
    const attached = Object.values(all(template, 'AWS::ECS::Service')).flatMap(
      ({ Properties: own }) => own.LoadBalancers ?? [],
    );
    expect(attached).toHaveLength(1);
    expect(attached[0].AdvancedConfiguration !== undefined).toBe(isCanary);
  });

  test('serves requests with the path of its tenant, from the load balancer only', () => {
    const [rule, ...others] = Object.values(all(template, 'AWS::ElasticLoadBalancingV2::ListenerRule'));
    expect(others).toEqual([]);
    expect(rule?.Properties.Conditions).toEqual([
      { Field: 'http-header', HttpHeaderConfig: { HttpHeaderName: 'tenantPath', Values: [{ Ref: 'TenantId' }] } },
    ]);
    const groups = Object.entries(all(template, 'AWS::EC2::SecurityGroup')).filter(([id]) =>
      id.includes('IngressGroup'),
    );
    expect(groups).toHaveLength(1);
    expect(groups[0]?.[1].Properties.SecurityGroupIngress).toMatchObject([
      { FromPort: 8080, ToPort: 8080, SourceSecurityGroupId: { Ref: 'LoadBalancerGroupId' } },
    ]);
    expect(template.text).not.toContain('0.0.0.0/0"},"IpProtocol":"tcp"');
  });

  test('SE-1.6: lets a task start sessions of the data roles of its services only, and with the tag of its tenant', () => {
    const roles = all(template, 'AWS::IAM::Role');
    const dataRoles = Object.entries(roles).filter(([id]) => id.includes('Data'));
    expect(dataRoles).toHaveLength(2);
    for (const [, { Properties: own }] of dataRoles) {
      const [trust] = own.AssumeRolePolicyDocument.Statement;
      expect(trust.Condition.StringEquals).toEqual({ 'aws:RequestTag/tenantId': { Ref: 'TenantId' } });
      expect(JSON.stringify(trust.Principal.AWS)).toContain('Task');
      const [items] = own.Policies[0].PolicyDocument.Statement;
      expect(items.Condition).toMatchObject({ Null: { 'dynamodb:LeadingKeys': 'false' } });
    }
    const policies = Object.values(all(template, 'AWS::IAM::Policy')).map(
      ({ Properties: own }) => own.PolicyDocument.Statement,
    );
    for (const statements of policies) {
      const actions = statements.flatMap(({ Action }: Properties) => Action);
      expect(
        actions.filter((action: string) => !/^(sts:(AssumeRole|TagSession)|lambda:InvokeFunction)$/.test(action)),
      ).toEqual([]);
      const invoke = statements.find(({ Action }: Properties) => [Action].flat().includes('lambda:InvokeFunction'));
      expect([invoke.Resource].flat()).toEqual([{ Ref: 'UsersFunctionArn' }]);
    }
    const taskTrust = Object.entries(roles).filter(([id]) => /Task[0-9A-F]{8}$/.test(id));
    for (const [, { Properties: own }] of taskTrust) {
      const [trust] = own.AssumeRolePolicyDocument.Statement;
      expect(trust.Condition).toMatchObject({ StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } });
    }
  });
});

describe('packing', () => {
  test('per service: each has a task, a role and a name that others reach it by; ingress has no role', () => {
    const template = named('silo-service-per-service');
    for (const service of SERVICES) {
      const id = `${service.charAt(0).toUpperCase()}${service.slice(1)}Service`;
      expect(serviceIn(template, id).ServiceConnectConfiguration.Services).toEqual([
        { PortName: service, DiscoveryName: service, ClientAliases: [{ DnsName: service, Port: 8080 }] },
      ]);
    }
    expect(template.Resources.OrdersService?.DependsOn).toContain('ProductsService');
    expect(template.Resources.IngressService?.DependsOn).toEqual(
      expect.arrayContaining(['OrdersService', 'ProductsService', 'UsersService']),
    );
    const ingress = Object.values(all(template, 'AWS::ECS::TaskDefinition')).find(
      ({ Properties: own }) => own.ContainerDefinitions[0].Name === 'ingress',
    );
    expect(ingress?.Properties.TaskRoleArn).toBeUndefined();
    const users = containersOf(template).find(({ Name }) => Name === 'users');
    expect(Object.keys(environmentOf(users))).not.toContain('TIERPLANE_TABLE');
  });

  test('in one task: each container has its port, and all reach each other on the loopback', () => {
    const template = named('silo-cluster-one-task');
    const containers = containersOf(template);
    const ports = containers.map(({ Name, PortMappings }) => [Name, PortMappings[0].ContainerPort]);
    expect(Object.fromEntries(ports)).toEqual({ ingress: 8080, orders: 8081, products: 8082, users: 8083 });
    expect(containers[0].Name).toBe('ingress');
    expect(JSON.parse(environmentOf(containers[0]).TIERPLANE_SERVICES)).toEqual({
      orders: ['http://127.0.0.1:8081'],
      products: ['http://127.0.0.1:8082'],
      users: ['http://127.0.0.1:8083'],
    });
    expect(containers[0].DependsOn).toHaveLength(3);
    expect(template.text).not.toContain('ServiceConnectConfiguration');
  });

  test.each(['silo-service-per-service', 'silo-cluster-one-task'])('%s: services accept their environment', (name) => {
    const values: Record<string, string> = {
      ...{
        Realm: 'pool',
        Issuer: ISSUER,
        TenantId: TENANT,
        UsersFunctionArn: 'tenant-users',
        'AWS::Region': 'us-east-1',
      },
    };
    const resolve = (value: Properties): string => {
      if (typeof value === 'string') return value;
      if (value.Ref) return values[value.Ref] ?? value.Ref;
      if (value['Fn::GetAtt']) return 'arn:aws:iam::123456789012:role/data';
      const [separator, parts] = value['Fn::Join'];
      return Array.isArray(parts) ? parts.map(resolve).join(separator) : 'c1","c2';
    };
    for (const container of containersOf(named(name)).filter(({ Name }) => Name !== 'ingress')) {
      const environment = Object.entries(environmentOf(container)).map(([key, value]) => [key, resolve(value)]);
      const read = readAwsEnvironment(Object.fromEntries(environment), container.Name !== 'users');
      expect(read).toMatchObject({
        ...{ TIERPLANE_SERVICE: container.Name, TIERPLANE_TENANT: TENANT },
        TIERPLANE_ISSUERS: [{ issuer: ISSUER, realm: 'pool', clientIds: ['c1', 'c2'] }],
      });
    }
  });
});

describe('the tables of a silo tenant', () => {
  test('have the shape that the adapter reads, can be restored, and remain when their stack is deleted', () => {
    const tables = Object.values(all(data, 'AWS::DynamoDB::Table'));
    expect(tables).toHaveLength(2);
    const { KeySchema, GlobalSecondaryIndexes, AttributeDefinitions, BillingMode } = tableShape('any');
    for (const { Properties: own, DeletionPolicy } of tables) {
      expect(DeletionPolicy).toBe('RetainExceptOnCreate');
      expect(own).toMatchObject({
        ...{ KeySchema, GlobalSecondaryIndexes, BillingMode },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
      });
      expect(own.AttributeDefinitions).toHaveLength(AttributeDefinitions?.length ?? 0);
    }
  });

  test('are encrypted with a key of the tenant if it has a cluster of its own, which only its data roles use', () => {
    const [key] = Object.values(all(data, 'AWS::KMS::Key'));
    const use = key?.Properties.KeyPolicy.Statement.find(({ Principal }: Properties) => Principal.AWS === '*');
    expect(use.Condition.StringEquals['kms:CallerAccount']).toEqual({ Ref: 'AWS::AccountId' });
    expect(JSON.stringify(use.Condition.ArnLike)).toContain('"-*-d"');
    const template: DataTemplate = siloDataTemplate(manifestOf(texts));
    expect(template.valuesOf(TENANT, 'premium')).toEqual({ TenantId: TENANT, Tier: 'premium', EncryptionKey: 'own' });
    expect(template.valuesOf(TENANT, 'advanced')).toMatchObject({ EncryptionKey: 'shared' });
    expect(Object.keys(data.Parameters).sort()).toEqual(Object.keys(template.valuesOf(TENANT, 'premium')).sort());
  });
});
