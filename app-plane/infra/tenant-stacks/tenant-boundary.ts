import { Stack } from 'aws-cdk-lib';
import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { NagSuppressions } from 'cdk-nag';
import type { Construct } from 'constructs';
import { actionsOf, allow } from '../../../infra/allow.ts';
import { repositoryArns } from './images.ts';
import { boundaryName } from './silo-parameters.ts';

const ITEMS = ['GetItem', 'Query', 'PutItem', 'DeleteItem', 'ConditionCheckItem'];
/** Actions that support no resource. */
const ON_ANYTHING = ['ecr:GetAuthorizationToken', 'ecs:DiscoverPollEndpoint', 'ec2:DescribeTags'];
const BALANCING = ['DescribeListeners', 'DescribeRules', 'DescribeTargetGroups', 'DescribeTargetHealth'];

/**
 * What the agent of ECS does on an instance of a tenant's own cluster.
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/instance_IAM_role.html
 */
const AGENT = [
  ...['RegisterContainerInstance', 'DeregisterContainerInstance', 'UpdateContainerInstancesState', 'Poll'],
  ...['StartTelemetrySession', 'SubmitTaskStateChange', 'SubmitContainerStateChange', 'SubmitAttachmentStateChanges'],
];

/**
 * The most that a role in a silo tenant's stack can be allowed, whatever its own policy says. Every role that the deployment
 * role of CloudFormation creates must have it.
 *
 * @param usersFunctionArn ARN of the function `tenant-users`
 */
export function tenantBoundary(scope: Construct, prefix: string, usersFunctionArn: string): ManagedPolicy {
  const { account, region, partition } = Stack.of(scope);
  const arn = (service: string, name: string) => `arn:${partition}:${service}:${region}:${account}:${name}`;
  const role = `arn:${partition}:iam::${account}:role/${prefix}-silo-*`;
  const balancing = ['targetgroup/*', 'listener-rule/app/*'].map((name) => arn('elasticloadbalancing', name));
  const shift = ['ModifyRule', 'RegisterTargets', 'DeregisterTargets'];
  const policy = new ManagedPolicy(scope, 'TenantBoundary', {
    managedPolicyName: boundaryName(prefix),
    description: 'The most that roles of tenants with services of their own may do',
    statements: [
      allow(['sts:AssumeRole', 'sts:TagSession'], [role]),
      allow(actionsOf('dynamodb', ITEMS), [arn('dynamodb', `table/${prefix}-silo-*`)]),
      allow(
        actionsOf('kms', ['Encrypt', 'Decrypt', 'ReEncryptFrom', 'ReEncryptTo', 'GenerateDataKey', 'DescribeKey']),
        ['*'],
        {
          StringEquals: { 'kms:ViaService': `dynamodb.${region}.${Stack.of(scope).urlSuffix}` },
        },
      ),
      allow(['lambda:InvokeFunction'], [usersFunctionArn]),
      allow(
        actionsOf('ecs', AGENT),
        ['cluster/', 'container-instance/'].map((kind) => arn('ecs', `${kind}${prefix}-silo-*`)),
      ),
      allow([...ON_ANYTHING, ...actionsOf('elasticloadbalancing', BALANCING)], ['*']),
      allow(
        actionsOf('ecr', ['BatchCheckLayerAvailability', 'BatchGetImage', 'GetDownloadUrlForLayer']),
        repositoryArns(scope, prefix),
      ),
      allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [arn('logs', `log-group:${prefix}-silo-*`)]),
      allow(actionsOf('elasticloadbalancing', shift), balancing),
    ],
  });
  NagSuppressions.addResourceSuppressions(policy, [
    {
      id: 'AwsSolutions-IAM5',
      reason: 'A boundary allows nothing by itself. It covers the names of all silo tenants.',
    },
  ]);
  return policy;
}
