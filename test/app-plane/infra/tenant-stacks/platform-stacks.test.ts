import { describe, expect, test } from '@jest/globals';
import { App, Aspects } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { pooledTableShape } from '../../../../adapters/aws/store/table-shape.ts';
import { addSiloStacks } from '../../../../app-plane/infra/tenant-stacks/release.ts';
import { SERVICES } from '../../../../tenant-templates/tiers.ts';
import { all, configurationOf, platformStacks, platformTemplates, statementsOf } from './templates.ts';

const EC2 = { tiers: { basic: { capacity: 'ec2' } } };

describe("the pool's stack", () => {
  const { pool, shared } = platformTemplates(configurationOf());

  test('has the pooled tables in the shape that the adapter reads, with an index of keys by tenant, and retains them', () => {
    const tables = Object.values(all(pool, 'AWS::DynamoDB::Table'));
    expect(tables.map(({ Properties }) => Properties.TableName).sort()).toEqual([
      'tierplane-main-pool-orders',
      'tierplane-main-pool-products',
    ]);
    const { KeySchema, GlobalSecondaryIndexes, AttributeDefinitions } = pooledTableShape('any');
    for (const { Properties, DeletionPolicy } of tables) {
      expect(DeletionPolicy).toBe('Retain');
      expect(Properties).toMatchObject({ KeySchema, GlobalSecondaryIndexes, DeletionProtectionEnabled: true });
      expect(Properties.AttributeDefinitions).toHaveLength(AttributeDefinitions?.length ?? 0);
    }
  });

  test('SE-1.13: lets sessions of the data roles have the tag of any tenant, and no other tag', () => {
    const trusts = Object.entries(all(pool, 'AWS::IAM::Role'))
      .filter(([id]) => id.includes('Data'))
      .map(([, { Properties }]) => Properties.AssumeRolePolicyDocument.Statement[0].Condition);
    expect(trusts).toHaveLength(2);
    for (const condition of trusts) {
      expect(condition).toEqual({
        'ForAllValues:StringEquals': { 'aws:TagKeys': ['tenantId'] },
        Null: { 'aws:RequestTag/tenantId': 'false' },
      });
    }
  });

  test('runs two tasks of each service and of ingress, on a cluster with Container Insights', () => {
    const services = Object.values(all(pool, 'AWS::ECS::Service'));
    expect(services.map(({ Properties }) => Properties.DesiredCount)).toEqual([2, 2, 2, 2]);
    expect(services).toHaveLength(SERVICES.length + 1);
    for (const template of [pool, shared]) {
      const [cluster] = Object.values(all(template, 'AWS::ECS::Cluster'));
      expect(cluster?.Properties.ClusterSettings).toEqual([{ Name: 'containerInsights', Value: 'enabled' }]);
    }
  });

  test('has a rule with the first priority at every load balancer, and target groups for the old and the new revision', () => {
    const { pool: sharded } = platformTemplates(configurationOf(), 2);
    const rules = Object.values(all(sharded, 'AWS::ElasticLoadBalancingV2::ListenerRule'));
    expect(rules.map(({ Properties }) => Properties.Priority)).toEqual([1, 1]);
    for (const { Properties } of rules) {
      expect(Properties.Conditions[0].HttpHeaderConfig).toEqual({ HttpHeaderName: 'tenantPath', Values: ['pool'] });
      const { TargetGroups } = Properties.Actions[0].ForwardConfig;
      expect(TargetGroups.map(({ Weight }: { Weight: number }) => Weight)).toEqual([100, 0]);
    }
    expect(sharded.Resources.IngressService?.Properties.LoadBalancers).toHaveLength(2);
    const alarms = Object.values(all(sharded, 'AWS::CloudWatch::Alarm'));
    expect(alarms).toHaveLength(4);
    for (const { Properties } of alarms) {
      expect(Properties).toMatchObject({ MetricName: 'HTTPCode_Target_5XX_Count', Threshold: 10, Period: 60 });
      expect(Properties.AlarmActions).toHaveLength(1);
    }
  });

  test('tells StackRuntime by its tags what it is', () => {
    const stacks = platformStacks(new App({ builtinCloudFormationValidation: false }), configurationOf());
    expect(stacks.pool.tags.tagValues()).toMatchObject({
      ...{ 'tierplane:deployment': 'pool', 'tierplane:cluster': 'pool', 'tierplane:release': '1.0.0' },
      ...{ 'tierplane:max-tasks': '4', Tier: 'basic' },
    });
    expect(stacks.pool.stackName).toBe('tenant-template-stack-basic');
    expect(stacks.shared.stackName).toBe('tenant-template-stack-advanced');
  });

  test('SE-2: allows no wildcard action', () => {
    const actions = statementsOf(pool).flatMap(({ Action }) => Action);
    expect(actions.length).toBeGreaterThan(20);
    expect(actions.filter((action: string) => action.includes('*'))).toEqual([]);
  });
});

describe('EC2 capacity', () => {
  const { pool, shared } = platformTemplates(configurationOf(EC2));

  test('starts with no instance, and turns on the account setting for network interfaces of tasks', () => {
    for (const template of [pool, shared]) {
      const [group] = Object.values(all(template, 'AWS::AutoScaling::AutoScalingGroup'));
      expect(group?.Properties).toMatchObject({ MinSize: '0', MaxSize: '4', NewInstancesProtectedFromScaleIn: true });
      const [launch] = Object.values(all(template, 'AWS::EC2::LaunchTemplate'));
      expect(launch?.Properties.LaunchTemplateData.MetadataOptions).toEqual({
        ...{ HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
      });
    }
    expect(shared.text).toContain('awsvpcTrunking');
    const calls = statementsOf(shared).flatMap(({ Action }) => Action);
    expect(calls).toContain('ecs:PutAccountSettingDefault');
  });

  test('is what the tasks of the pool run on', () => {
    for (const { Properties } of Object.values(all(pool, 'AWS::ECS::Service'))) {
      expect(Properties.CapacityProviderStrategy).toEqual([{ CapacityProvider: 'tierplane-main-pool-ec2', Weight: 1 }]);
    }
    for (const { Properties } of Object.values(all(pool, 'AWS::ECS::TaskDefinition'))) {
      expect(Properties).toMatchObject({ RequiresCompatibilities: ['EC2'], NetworkMode: 'awsvpc' });
    }
  });

  test('is not there unless a tier is configured for it', () => {
    const plain = platformTemplates(configurationOf());
    for (const template of [plain.pool, plain.shared]) expect(template.text).not.toMatch(/AutoScalingGroup|Trunking/);
  });
});

test('no stack of the pool, of the shared cluster or of a silo tenant breaks a rule of cdk-nag', () => {
  const app = new App({ builtinCloudFormationValidation: false });
  const configuration = configurationOf(EC2);
  const { pool, shared } = platformStacks(app, configuration);
  addSiloStacks(app, { environmentName: 'main', configuration });
  Aspects.of(app).add(new AwsSolutionsChecks());
  const stacks = [pool, shared, ...app.node.children.filter(({ node }) => node.id.startsWith('silo-'))];
  expect(stacks.length).toBe(11);
  for (const stack of stacks as (typeof pool)[]) {
    const found = Annotations.fromStack(stack);
    const all = [
      ...found.findError('*', Match.anyValue()),
      ...found.findWarning('*', Match.stringLikeRegexp('AwsSolutions')),
    ];
    expect(all.map(({ id, entry }) => `${id}: ${JSON.stringify(entry.data)}`.slice(0, 300))).toEqual([]);
  }
});
