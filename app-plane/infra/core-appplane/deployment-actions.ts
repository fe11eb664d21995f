// What CloudFormation needs in order to create, update and delete the resources of silo templates.

/** Where tenants are deployed. Values may be tokens. */
export interface Installation {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
  /** `tierplane-<environment>`. */
  readonly prefix: string;
  readonly environmentName: string;
  /** The listeners that tenants have rules at, and the pattern of the ARNs of each listener's rules. */
  readonly listeners: readonly { readonly listenerArn: string; readonly ruleArns: string }[];
  /** ARN of the permissions boundary of every role. */
  readonly boundaryArn: string;
}

/** What is allowed, as a statement of an IAM policy has it. */
export interface AllowedActions {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}
type ActionsByType = Readonly<Record<string, readonly AllowedActions[]>>;

/** The tag of every resource of the environment's stacks. */
export const ENVIRONMENT_TAG = 'tierplane:environment';

/** For each type of resource, the actions and the names they are allowed on. A type that is not listed cannot be deployed. */
export function deploymentActions(at: Installation): ActionsByType {
  return {
    ...dataActions(at),
    ...clusterActions(at),
    ...serviceActions(at),
    ...routingActions(at),
    ...roleActions(at),
  };
}

function named(service: string, ...names: string[]): string[] {
  return names.map((name) => `${service}:${name}`);
}

function arnOf({ partition, region, account }: Installation, service: string, resource: string): string {
  return `arn:${partition}:${service}:${region}:${account}:${resource}`;
}

/** For resources whose names cannot begin with the prefix: only those that have, or get, the environment's tag. */
function tagged({ environmentName }: Installation) {
  return {
    created: { StringEquals: { [`aws:RequestTag/${ENVIRONMENT_TAG}`]: environmentName } },
    owned: { StringEquals: { [`aws:ResourceTag/${ENVIRONMENT_TAG}`]: environmentName } },
  };
}

function dataActions(at: Installation): ActionsByType {
  const { created, owned } = tagged(at);
  const table = [
    ...named('dynamodb', 'CreateTable', 'DeleteTable', 'DescribeTable', 'UpdateTable', 'DescribeTimeToLive'),
    ...named('dynamodb', 'UpdateTimeToLive', 'DescribeContinuousBackups', 'UpdateContinuousBackups'),
    ...named('dynamodb', 'TagResource', 'UntagResource', 'ListTagsOfResource', 'DescribeContributorInsights'),
    ...named('dynamodb', 'DescribeKinesisStreamingDestination', 'GetResourcePolicy'),
  ];
  const key = [
    ...named('kms', 'DescribeKey', 'GetKeyPolicy', 'PutKeyPolicy', 'EnableKeyRotation', 'GetKeyRotationStatus'),
    ...named('kms', 'ScheduleKeyDeletion', 'ListResourceTags', 'UntagResource', 'UpdateKeyDescription', 'CreateGrant'),
  ];
  return {
    'AWS::DynamoDB::Table': [{ actions: table, resources: [arnOf(at, 'dynamodb', `table/${at.prefix}-silo-*`)] }],
    'AWS::KMS::Key': [
      { actions: named('kms', 'CreateKey', 'TagResource'), resources: ['*'], conditions: created },
      { actions: key, resources: [arnOf(at, 'kms', 'key/*')], conditions: owned },
    ],
    'AWS::Logs::LogGroup': [
      {
        actions: [
          ...named('logs', 'CreateLogGroup', 'DeleteLogGroup', 'PutRetentionPolicy', 'DeleteRetentionPolicy'),
          ...named('logs', 'TagResource', 'UntagResource', 'ListTagsForResource'),
        ],
        resources: [arnOf(at, 'logs', `log-group:${at.prefix}-silo-*`)],
      },
      { actions: named('logs', 'DescribeLogGroups', 'DescribeIndexPolicies'), resources: ['*'] },
    ],
  };
}

function clusterActions(at: Installation): ActionsByType {
  const { created, owned } = tagged(at);
  const clusters = [arnOf(at, 'ecs', `cluster/${at.prefix}-silo-*`)];
  const settings = named('ecs', 'UpdateCluster', 'UpdateClusterSettings', 'PutClusterCapacityProviders');
  const providers = [arnOf(at, 'ecs', `capacity-provider/${at.prefix}-silo-*`)];
  const groups = [arnOf(at, 'autoscaling', `autoScalingGroup:*:autoScalingGroupName/${at.prefix}-silo-*`)];
  const launch = [arnOf(at, 'ec2', 'launch-template/*')];
  const groupChanges = named(
    'autoscaling',
    'CreateAutoScalingGroup',
    'UpdateAutoScalingGroup',
    'DeleteAutoScalingGroup',
  );
  return {
    'AWS::ECS::Cluster': [
      { actions: named('ecs', 'CreateCluster'), resources: ['*'], conditions: created },
      {
        actions: [...named('ecs', 'DeleteCluster', 'DescribeClusters', 'TagResource'), ...settings],
        resources: clusters,
      },
    ],
    'AWS::ECS::CapacityProvider': [
      { actions: named('ecs', 'CreateCapacityProvider'), resources: ['*'], conditions: created },
      {
        actions: named('ecs', 'UpdateCapacityProvider', 'DeleteCapacityProvider', 'TagResource'),
        resources: providers,
      },
      { actions: named('ecs', 'DescribeCapacityProviders'), resources: ['*'] },
    ],
    'AWS::ECS::ClusterCapacityProviderAssociations': [{ actions: settings, resources: clusters }],
    'AWS::AutoScaling::AutoScalingGroup': [
      { actions: [...groupChanges, ...named('autoscaling', 'CreateOrUpdateTags')], resources: groups },
      {
        actions: named('autoscaling', 'DescribeAutoScalingGroups', 'DescribeScalingActivities', 'DescribeTags'),
        resources: ['*'],
      },
    ],
    'AWS::EC2::LaunchTemplate': [
      { actions: named('ec2', 'CreateLaunchTemplate'), resources: launch, conditions: created },
      {
        actions: named(
          'ec2',
          'DeleteLaunchTemplate',
          'CreateLaunchTemplateVersion',
          'ModifyLaunchTemplate',
          'RunInstances',
        ),
        resources: launch,
        conditions: owned,
      },
      {
        actions: named('ec2', 'DescribeLaunchTemplates', 'DescribeLaunchTemplateVersions'),
        resources: ['*'],
      },
    ],
  };
}

function serviceActions(at: Installation): ActionsByType {
  const { created, owned } = tagged(at);
  const silo = `${at.prefix}-silo-`;
  const services = [arnOf(at, 'ecs', `service/${at.prefix}-shared/${silo}*`), arnOf(at, 'ecs', `service/${silo}*`)];
  const deployments = [
    arnOf(at, 'ecs', `service-deployment/${at.prefix}-shared/${silo}*`),
    arnOf(at, 'ecs', `service-deployment/${silo}*`),
  ];
  const ofEcs = { StringEquals: { 'application-autoscaling:service-namespace': 'ecs' } };
  const scaling = [
    ...named('application-autoscaling', 'RegisterScalableTarget', 'DeregisterScalableTarget', 'PutScalingPolicy'),
    ...named('application-autoscaling', 'DeleteScalingPolicy', 'TagResource', 'UntagResource', 'ListTagsForResource'),
  ];
  return {
    'AWS::ECS::TaskDefinition': [
      {
        actions: named('ecs', 'RegisterTaskDefinition', 'TagResource'),
        resources: [arnOf(at, 'ecs', 'task-definition/*')],
        conditions: created,
      },
      { actions: named('ecs', 'DeregisterTaskDefinition', 'DescribeTaskDefinition'), resources: ['*'] },
    ],
    'AWS::ECS::Service': [
      {
        actions: named('ecs', 'CreateService', 'UpdateService', 'DeleteService', 'DescribeServices', 'TagResource'),
        resources: services,
      },
      { actions: named('ecs', 'ListServiceDeployments'), resources: services },
      { actions: named('ecs', 'DescribeServiceDeployments', 'StopServiceDeployment'), resources: deployments },
    ],
    'AWS::ServiceDiscovery::HttpNamespace': [
      {
        actions: named('servicediscovery', 'CreateHttpNamespace', 'TagResource'),
        resources: ['*'],
        conditions: created,
      },
      {
        actions: named('servicediscovery', 'DeleteNamespace', 'UpdateHttpNamespace', 'UntagResource'),
        resources: [arnOf(at, 'servicediscovery', 'namespace/*')],
        conditions: owned,
      },
      {
        actions: named('servicediscovery', 'GetNamespace', 'ListNamespaces', 'GetOperation', 'ListTagsForResource'),
        resources: ['*'],
      },
    ],
    'AWS::ApplicationAutoScaling::ScalableTarget': [
      { actions: scaling, resources: [arnOf(at, 'application-autoscaling', 'scalable-target/*')], conditions: ofEcs },
      { actions: named('application-autoscaling', 'DescribeScalableTargets'), resources: ['*'] },
    ],
    'AWS::ApplicationAutoScaling::ScalingPolicy': [
      { actions: scaling, resources: [arnOf(at, 'application-autoscaling', 'scalable-target/*')], conditions: ofEcs },
      { actions: named('application-autoscaling', 'DescribeScalingPolicies'), resources: ['*'] },
    ],
    'AWS::CloudWatch::Alarm': [
      {
        actions: named(
          'cloudwatch',
          'PutMetricAlarm',
          'DeleteAlarms',
          'TagResource',
          'UntagResource',
          'ListTagsForResource',
        ),
        resources: [arnOf(at, 'cloudwatch', `alarm:${silo}*`)],
      },
      { actions: named('cloudwatch', 'DescribeAlarms'), resources: ['*'] },
    ],
  };
}

function routingActions(at: Installation): ActionsByType {
  const { created, owned } = tagged(at);
  const groups = [arnOf(at, 'ec2', 'security-group/*')];
  const targets = [arnOf(at, 'elasticloadbalancing', 'targetgroup/*')];
  const rules = [
    ...named('ec2', 'AuthorizeSecurityGroupIngress', 'AuthorizeSecurityGroupEgress', 'RevokeSecurityGroupIngress'),
    ...named('ec2', 'RevokeSecurityGroupEgress'),
  ];
  const describe = ['TargetGroups', 'TargetGroupAttributes', 'TargetHealth', 'Tags', 'Rules'].map(
    (what) => `Describe${what}`,
  );
  return {
    'AWS::EC2::SecurityGroup': [
      { actions: named('ec2', 'CreateSecurityGroup', 'CreateTags'), resources: groups, conditions: created },
      { actions: named('ec2', 'CreateSecurityGroup'), resources: [arnOf(at, 'ec2', 'vpc/*')] },
      { actions: [...named('ec2', 'DeleteSecurityGroup'), ...rules], resources: groups, conditions: owned },
      {
        actions: named('ec2', 'DescribeSecurityGroups', 'DescribeSecurityGroupRules', 'DescribeVpcs'),
        resources: ['*'],
      },
    ],
    'AWS::EC2::SecurityGroupIngress': [{ actions: rules, resources: groups, conditions: owned }],
    'AWS::EC2::SecurityGroupEgress': [{ actions: rules, resources: groups, conditions: owned }],
    'AWS::ElasticLoadBalancingV2::TargetGroup': [
      {
        actions: named('elasticloadbalancing', 'CreateTargetGroup', 'AddTags'),
        resources: targets,
        conditions: created,
      },
      {
        actions: named('elasticloadbalancing', 'DeleteTargetGroup', 'ModifyTargetGroup', 'ModifyTargetGroupAttributes'),
        resources: targets,
        conditions: owned,
      },
      { actions: named('elasticloadbalancing', ...describe), resources: ['*'] },
    ],
    'AWS::ElasticLoadBalancingV2::ListenerRule': [
      {
        actions: named('elasticloadbalancing', 'CreateRule'),
        resources: at.listeners.map(({ listenerArn }) => listenerArn),
      },
      {
        actions: named(
          'elasticloadbalancing',
          'ModifyRule',
          'DeleteRule',
          'SetRulePriorities',
          'AddTags',
          'RemoveTags',
        ),
        resources: at.listeners.map(({ ruleArns }) => ruleArns),
        conditions: owned,
      },
      { actions: named('elasticloadbalancing', ...describe), resources: ['*'] },
    ],
  };
}

/** A role can be created, and get rights, only with the permissions boundary, and only ECS can be given one. */
function roleActions({ partition, account, prefix, boundaryArn }: Installation): ActionsByType {
  const roles = [`arn:${partition}:iam::${account}:role/${prefix}-silo-*`];
  const profiles = [`arn:${partition}:iam::${account}:instance-profile/${prefix}-silo-*`];
  const bounded = { StringEquals: { 'iam:PermissionsBoundary': boundaryArn } };
  const policies = {
    actions: named('iam', 'PutRolePolicy', 'DeleteRolePolicy'),
    resources: roles,
    conditions: bounded,
  };
  const read = named('iam', 'GetRole', 'GetRolePolicy', 'ListRolePolicies', 'ListAttachedRolePolicies');
  const passTo = (...services: string[]): readonly AllowedActions[] =>
    services.map((service) => ({
      actions: named('iam', 'PassRole'),
      resources: roles,
      conditions: { StringEquals: { 'iam:PassedToService': `${service}.amazonaws.com` } },
    }));
  return {
    'AWS::IAM::Role': [
      { actions: named('iam', 'CreateRole'), resources: roles, conditions: bounded },
      policies,
      {
        actions: [
          ...named('iam', 'DeleteRole', 'UpdateAssumeRolePolicy', 'UpdateRole', 'TagRole', 'UntagRole', 'ListRoleTags'),
          ...read,
        ],
        resources: roles,
      },
      ...passTo('ecs-tasks', 'ecs', 'ec2'),
    ],
    'AWS::IAM::Policy': [policies, { actions: read, resources: roles }],
    'AWS::IAM::InstanceProfile': [
      {
        actions: [
          ...named('iam', 'CreateInstanceProfile', 'DeleteInstanceProfile', 'GetInstanceProfile', 'TagInstanceProfile'),
          ...named('iam', 'AddRoleToInstanceProfile', 'RemoveRoleFromInstanceProfile'),
        ],
        resources: profiles,
      },
    ],
  };
}
