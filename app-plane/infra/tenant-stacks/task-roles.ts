import { Stack } from 'aws-cdk-lib';
import { CfnPolicy, CfnRole } from 'aws-cdk-lib/aws-iam';
import { NagSuppressions } from 'cdk-nag';
import { Construct } from 'constructs';
import { actionsOf } from '../../../infra/allow.ts';
import { dataRolePolicy, dataRoleTrust, type Statement } from '../../../tenant-templates/data-role.ts';
import type { DeploymentProps } from './deployment-props.ts';

/** IAM's limit of a role's name, and the longest that a tenant's id can be. */
const MAX_ROLE_NAME = 64;
const LONGEST_ID = 'x'.repeat(26);

type Props = Pick<
  DeploymentProps,
  'name' | 'tenantId' | 'tables' | 'usersFunctionArn' | 'boundaryArn' | 'repositoryArns'
>;

/**
 * The roles of a deployment's tasks. A task's role reaches no table: it may start sessions of the data roles of its services,
 * with the tag of the tenant, and invoke the function `tenant-users`.
 */
export class TaskRoles extends Construct {
  readonly #props: Props;
  readonly #executionRole: CfnRole;

  /** @param logGroupArn the log of all tasks, as `Arn` of a log group */
  constructor(scope: Construct, id: string, props: Props & { readonly logGroupArn: string }) {
    super(scope, id);
    this.#props = props;
    this.#executionRole = this.role('Execution', 'exec', {
      trust: this.#trustOf('ecs-tasks.amazonaws.com'),
      statements: executionStatements(props),
    });
    NagSuppressions.addResourceSuppressions(this.#executionRole, [
      {
        id: 'AwsSolutions-IAM5',
        reason: 'ecr:GetAuthorizationToken supports no resource.',
        appliesTo: ['Resource::*'],
      },
    ]);
  }

  /** The role with which ECS pulls images and writes logs. */
  get executionRoleArn(): string {
    return this.#executionRole.attrArn;
  }

  /**
   * The role of a task with these services.
   * @returns its ARN, the ARN of the data role of each service that keeps items, and what must exist before the task starts
   */
  taskRole(
    id: string,
    services: readonly string[],
  ): { readonly arn: string; readonly dataRoles: Map<string, string>; readonly policy: CfnPolicy } {
    const { tenantId, tables, usersFunctionArn } = this.#props;
    const task = this.role(`${id}Task`, id.toLowerCase(), { trust: this.#trustOf('ecs-tasks.amazonaws.com') });
    const dataRoles = new Map(
      services.flatMap((service) => {
        const table = tables[service];
        if (table === undefined) return [];
        const tableArn = Stack.of(this).formatArn({ service: 'dynamodb', resource: 'table', resourceName: table });
        const role = this.role(`${id}${service}Data`, `${service}-d`, {
          trust: dataRoleTrust(task.attrArn, tenantId || undefined),
          statements: dataRolePolicy(tableArn),
        });
        return [[service, role.attrArn] as const];
      }),
    );
    const assume = allow(['sts:AssumeRole', 'sts:TagSession'], [...dataRoles.values()]);
    const invoke = allow(['lambda:InvokeFunction'], [usersFunctionArn]);
    // A policy of its own: the data roles' trust needs the task's role first.
    const policy = new CfnPolicy(this, `${id}Policy`, {
      policyName: 'task',
      policyDocument: documentOf(dataRoles.size > 0 ? [assume, invoke] : [invoke]),
      roles: [task.ref],
    });
    return { arn: task.attrArn, dataRoles, policy };
  }

  /** @param suffix of the role's name, unique in the deployment */
  role(
    id: string,
    suffix: string,
    role: { readonly trust: readonly Statement[]; readonly statements?: readonly Statement[] },
  ): CfnRole {
    const { name, tenantId, boundaryArn } = this.#props;
    const roleName = `${name}-${suffix}`;
    requireShortName(tenantId === '' ? roleName : roleName.replace(tenantId, LONGEST_ID));
    return new CfnRole(this, id, {
      roleName,
      assumeRolePolicyDocument: documentOf(role.trust),
      ...(role.statements && { policies: [{ policyName: 'own', policyDocument: documentOf(role.statements) }] }),
      ...(boundaryArn !== undefined && { permissionsBoundary: boundaryArn }),
    });
  }

  /**
   * The trust policy of a role that only ECS of this account may assume.
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
   */
  #trustOf(service: string): readonly Statement[] {
    const { account, partition, region } = Stack.of(this);
    const Condition = {
      StringEquals: { 'aws:SourceAccount': account },
      ArnLike: { 'aws:SourceArn': `arn:${partition}:ecs:${region}:${account}:*` },
    };
    return [{ Effect: 'Allow', Principal: { Service: service }, Action: ['sts:AssumeRole'], Condition }];
  }
}

function executionStatements(props: Pick<Props, 'repositoryArns'> & { readonly logGroupArn: string }): Statement[] {
  const pull = actionsOf('ecr', ['BatchCheckLayerAvailability', 'BatchGetImage', 'GetDownloadUrlForLayer']);
  return [
    allow(['ecr:GetAuthorizationToken'], ['*']),
    allow(pull, props.repositoryArns),
    allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [props.logGroupArn]),
  ];
}

export function allow(Action: readonly string[], Resource: readonly string[]): Statement {
  return { Effect: 'Allow', Action, Resource };
}

function documentOf(Statement: readonly Statement[]) {
  return { Version: '2012-10-17', Statement };
}

function requireShortName(name: string): void {
  if (name.length <= MAX_ROLE_NAME) return;
  throw new Error(`names of roles must have at most ${MAX_ROLE_NAME} characters, got ${name}; shorten the environment`);
}
