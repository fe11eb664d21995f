import { Stack } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { OUTBOX, REJECTED } from '../../../core/events/outbox-partitions.ts';
import { allow } from '../../../infra/allow.ts';
import { onKeys } from '../../../infra/on-keys.ts';
import { inviteTenantAdmins } from '../../../infra/permissions.ts';

export interface OperatorPermissionsProps {
  /** `tierplane-<environment>`. */
  readonly prefix: string;
  /** The application plane's. */
  readonly table: Table;
  readonly controlPlaneTable: Table;
  /** The stack of the pooled services, and the names of its tables. */
  readonly pool: { readonly stackName: string; readonly tableNames: readonly string[] };
  readonly work: IQueue;
  readonly accept: IQueue;
}

/** Events that an outbox never published. */
const NEVER_PUBLISHED = REJECTED.pk;
const DEAD_LETTERS = 'dead-letters';
/** The records of a user of a tenant. */
const USERS = ['user#*', 'email#*', 'subject#*'];

/**
 * Everything that the operator function may do, besides what its log needs. In the
 * application's data it sees which keys a tenant has in pooled tables, but no item.
 */
export function operatorPermissions(scope: Construct, props: OperatorPermissionsProps): PolicyStatement[] {
  const stack = Stack.of(scope);
  return [
    ...controlPlaneRecords(props.controlPlaneTable),
    ...appPlaneRecords(props.table),
    ...compute(stack, props),
    pooledItems(stack, props),
    inviteTenantAdmins(stack, props.prefix),
    allow(['sqs:SendMessage'], [props.work.queueArn]),
    allow(['sqs:GetQueueUrl', 'sqs:SendMessage'], [props.accept.queueArn]),
  ];
}

/** Reads tenants and the calling operator, and publishes rejected events again. */
function controlPlaneRecords({ tableArn }: Table): PolicyStatement[] {
  const operators = 'subject#admin#*';
  return [
    onKeys(['GetItem'], [tableArn], ['tenant#*', operators, NEVER_PUBLISHED]),
    onKeys(['ConditionCheckItem'], [tableArn], [operators]),
    ...republish(tableArn),
  ];
}

function republish(tableArn: string): PolicyStatement[] {
  return [onKeys(['Query', 'DeleteItem'], [tableArn], [NEVER_PUBLISHED]), onKeys(['PutItem'], [tableArn], [OUTBOX.pk])];
}

/** Reads what a plan compares, invites administrators, requests releases, and replays dead letters. */
function appPlaneRecords({ tableArn }: Table): PolicyStatement[] {
  const records = ['placement#*', 'realm#*', 'route#*', 'api-key#*', 'staged-password#*', ...USERS];
  return [
    onKeys(['GetItem'], [tableArn], [...records, DEAD_LETTERS, NEVER_PUBLISHED]),
    onKeys(['Query'], [`${tableArn}/index/index-g1`], ['user#*#tenant#*']),
    onKeys(['PutItem'], [tableArn], ['placement#*', ...USERS]),
    onKeys(['DeleteItem'], [tableArn], [...USERS, 'staged-password#*']),
    onKeys(['ConditionCheckItem'], [tableArn], ['realm#*', ...USERS]),
    onKeys(['Query', 'DeleteItem'], [tableArn], [DEAD_LETTERS]),
    ...republish(tableArn),
  ];
}

/** Shows whether a tenant has items in pooled tables. The index has the items' keys and nothing else. */
function pooledItems(stack: Stack, { pool }: OperatorPermissionsProps): PolicyStatement {
  const indexes = pool.tableNames.map((name) =>
    stack.formatArn({ service: 'dynamodb', resource: 'table', resourceName: `${name}/index/index-tenant` }),
  );
  return allow(['dynamodb:Query'], indexes);
}

/**
 * Reads the stacks of the pool and of silo tenants, and restarts and scales their services. CloudFormation lists stacks, and ECS
 * lists the tasks of a cluster, without a narrower resource.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudformation.html
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
 */
function compute(stack: Stack, { prefix, pool }: OperatorPermissionsProps): PolicyStatement[] {
  const silo = `${prefix}-silo-*`;
  const clusters = [`${prefix}-pool`, `${prefix}-shared`, silo];
  const arn = (service: string, resource: string, resourceName: string) =>
    stack.formatArn({ service, resource, resourceName });
  const stacks = [pool.stackName, silo].map((name) => arn('cloudformation', 'stack', `${name}/*`));
  const cluster = { 'ecs:cluster': clusters.map((name) => arn('ecs', 'cluster', name)) };
  return [
    allow(['cloudformation:DescribeStacks', 'cloudformation:ListStacks'], ['*']),
    allow(['cloudformation:DescribeStackResources', 'cloudformation:DescribeStackEvents'], stacks),
    allow(
      ['ecs:DescribeServices', 'ecs:UpdateService'],
      clusters.map((name) => arn('ecs', 'service', `${name}/*`)),
    ),
    allow(['ecs:ListTasks'], ['*'], { ArnLike: cluster }),
    allow(
      ['ecs:DescribeTasks'],
      clusters.map((name) => arn('ecs', 'task', `${name}/*`)),
    ),
  ];
}
