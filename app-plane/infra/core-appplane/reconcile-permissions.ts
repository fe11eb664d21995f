import { Stack } from 'aws-cdk-lib';
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { USER_POOL_TAG } from '../../../core/identity/issuers.ts';
import { actionsOf, allow } from '../../../infra/allow.ts';
import { openPasswords, writeTable } from '../../../infra/permissions.ts';
import type { SharedInfra } from '../shared-infra/shared-infra.ts';

export interface ReconcilePermissionsProps {
  /** `tierplane-<environment>`. */
  readonly prefix: string;
  readonly infra: Pick<SharedInfra, 'table' | 'passwordKey' | 'pool' | 'restApi'>;
  /** The ARN of the releases' manifests and templates. CloudFormation reads templates with the caller's rights. */
  readonly releases: string;
  readonly deploymentRoleArn: string;
  readonly smoke: IFunction;
  /** Names of the pooled tables. */
  readonly pooledTables: readonly string[];
}

/** Everything that the reconcile function may do, besides what its queues and its log need. */
export function reconcilePermissions(scope: Construct, props: ReconcilePermissionsProps): PolicyStatement[] {
  const stack = Stack.of(scope);
  return [
    ...writeTable(props.infra.table),
    openPasswords(props.infra.passwordKey),
    ...pooledItems(stack, props),
    ...stacks(stack, props),
    ...userPools(stack, props),
    ...apiKeys(stack, props),
    allow(['lambda:InvokeFunction'], [props.smoke.functionArn]),
  ];
}

/** Finds and deletes a tenant's items in pooled tables, marks the tenant as closed there, and deletes its own tables. */
function pooledItems(stack: Stack, { prefix, pooledTables }: ReconcilePermissionsProps): PolicyStatement[] {
  const table = (name: string) => stack.formatArn({ service: 'dynamodb', resource: 'table', resourceName: name });
  const pooled = pooledTables.map(table);
  return [
    allow(['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:DeleteItem'], pooled),
    allow(
      ['dynamodb:Query'],
      pooled.map((arn) => `${arn}/index/index-tenant`),
    ),
    allow(['dynamodb:DeleteTable'], [table(`${prefix}-silo-*`)]),
  ];
}

/** Deploys tenants' stacks with the deployment role only, from the templates of installed releases only. */
function stacks(stack: Stack, { prefix, releases, deploymentRoleArn }: ReconcilePermissionsProps): PolicyStatement[] {
  const silo = `${prefix}-silo-*`;
  const arns = [stack.formatArn({ service: 'cloudformation', resource: 'stack', resourceName: `${silo}/*` })];
  const verbs = (...names: string[]) => actionsOf('cloudformation', names);
  const service = (cluster: string, name: string) =>
    stack.formatArn({ service: 'ecs', resource: 'service', resourceName: `${cluster}/${name}` });
  return [
    allow(verbs('CreateStack', 'UpdateStack'), arns, { StringEquals: { 'cloudformation:RoleArn': deploymentRoleArn } }),
    allow(
      [
        ...verbs('DeleteStack', 'UpdateTerminationProtection', 'TagResource'),
        ...verbs('DescribeStacks', 'DescribeStackEvents', 'DescribeStackResources'),
      ],
      arns,
    ),
    allow(['iam:PassRole'], [deploymentRoleArn], {
      StringEquals: { 'iam:PassedToService': 'cloudformation.amazonaws.com' },
    }),
    allow(['s3:GetObject'], [releases]),
    allow(['ecs:DescribeServices'], [service(`${prefix}-shared`, silo), service(silo, '*')]),
  ];
}

/** The environment's user pools have its tag. The pooled one, which the platform needs, cannot be deleted. */
function userPools(stack: Stack, { prefix, infra }: ReconcilePermissionsProps): PolicyStatement[] {
  const pools = [stack.formatArn({ service: 'cognito-idp', resource: 'userpool', resourceName: '*' })];
  const verbs = (...names: string[]) => actionsOf('cognito-idp', names);
  return [
    allow(verbs('CreateUserPool', 'TagResource'), ['*'], {
      StringEquals: { [`aws:RequestTag/${USER_POOL_TAG}`]: prefix },
    }),
    allow(verbs('ListUserPools', 'DescribeUserPoolDomain'), ['*']),
    allow(
      [
        ...verbs('DescribeUserPool', 'UpdateUserPool', 'DeleteUserPool', 'CreateUserPoolClient', 'ListUserPoolClients'),
        ...verbs('UpdateUserPoolClient', 'DescribeUserPoolClient', 'CreateUserPoolDomain', 'DeleteUserPoolDomain'),
        ...verbs('SetUserPoolMfaConfig', 'AdminCreateUser', 'AdminDeleteUser', 'AdminGetUser', 'AdminSetUserPassword'),
      ],
      pools,
      { StringEquals: { [`aws:ResourceTag/${USER_POOL_TAG}`]: prefix } },
    ),
    new PolicyStatement({
      effect: Effect.DENY,
      actions: verbs('DeleteUserPool', 'UpdateUserPool', 'DeleteUserPoolDomain', 'SetUserPoolMfaConfig'),
      resources: [infra.pool.userPool.userPoolArn],
    }),
  ];
}

/** @see https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-iam-policy-examples.html */
function apiKeys({ partition, region }: Stack, { infra }: ReconcilePermissionsProps): PolicyStatement[] {
  const arn = (path: string) => `arn:${partition}:apigateway:${region}::${path}`;
  const plans = Object.values(infra.restApi.usagePlanIds).map((id) => arn(`/usageplans/${id}/keys`));
  return [
    allow(['apigateway:GET', 'apigateway:POST'], [arn('/apikeys'), ...plans]),
    allow(['apigateway:GET', 'apigateway:DELETE'], [arn('/apikeys/*'), ...plans.map((plan) => `${plan}/*`)]),
    allow(['apigateway:PUT'], [arn('/tags/*')]),
  ];
}
