import { Fn, Stack } from 'aws-cdk-lib';
import { type CfnRole, ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { NagSuppressions } from 'cdk-nag';
import { Construct } from 'constructs';
import { type AllowedActions, deploymentActions } from './deployment-actions.ts';

export interface DeploymentRoleProps {
  /** `tierplane-<environment>`. */
  readonly prefix: string;
  readonly environmentName: string;
  readonly listenerArns: readonly string[];
  /** ARN of the permissions boundary of every role of a silo stack. */
  readonly boundaryArn: string;
}

/**
 * The longest policy, in characters without white space. IAM allows 6,144 in a managed policy; the rest is for ARNs, which become
 * longer at deployment.
 */
const MAX_POLICY = 4_200;

/**
 * The role with which CloudFormation deploys silo tenants. It reaches only names and tags of this environment's tenants, and
 * creates no role without the permissions boundary.
 */
export class DeploymentRole extends Construct {
  readonly role: Role;

  constructor(scope: Construct, id: string, props: DeploymentRoleProps) {
    super(scope, id);
    const { partition, region, account } = Stack.of(this);
    this.role = new Role(this, 'Role', {
      description: 'Role with which CloudFormation deploys tenants',
      assumedBy: new ServicePrincipal('cloudformation.amazonaws.com'),
    });
    const listeners = props.listenerArns.map((listenerArn) => ({
      listenerArn,
      ruleArns: `${Fn.join(':listener-rule/', Fn.split(':listener/', listenerArn, 2))}/*`,
    }));
    const actions = deploymentActions({ ...props, partition, region, account, listeners });
    inPolicies(statementsOf(Object.values(actions).flat())).forEach((statements, i) => {
      const policy = new ManagedPolicy(this, `Policy${i + 1}`, {
        description: "Resources of this environment's tenants",
        statements: statements.map((statement) => PolicyStatement.fromJson(statement)),
        roles: [this.role],
      });
      NagSuppressions.addResourceSuppressions(policy, [
        {
          id: 'AwsSolutions-IAM5',
          reason:
            "The tenants' resources do not exist yet. Their names begin with the environment's prefix or have its tag; where neither is possible, the actions only read.",
        },
      ]);
    });
  }

  get arn(): string {
    return (this.role.node.defaultChild as CfnRole).attrArn;
  }
}

interface StatementJson {
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: AllowedActions['conditions'];
}

/** One statement for all actions with the same resources and conditions. */
function statementsOf(allowed: readonly AllowedActions[]): StatementJson[] {
  const keyOf = ({ resources, conditions = {} }: AllowedActions) => JSON.stringify([resources, conditions]);
  return [...Map.groupBy(allowed, keyOf).values()].map(([first, ...others]) => {
    const { resources = [], conditions } = first ?? {};
    const actions = new Set([first, ...others].flatMap((one) => one?.actions ?? []));
    return {
      Effect: 'Allow',
      Action: [...actions].sort(),
      Resource: resources,
      ...(conditions && { Condition: conditions }),
    };
  });
}

/** The statements in as few policies as fit. */
function inPolicies(statements: readonly StatementJson[]): StatementJson[][] {
  const policies: StatementJson[][] = [];
  let room = 0;
  for (const statement of statements) {
    const size = JSON.stringify(statement).length;
    if (size > room) {
      policies.push([]);
      room = MAX_POLICY;
    }
    policies.at(-1)?.push(statement);
    room -= size;
  }
  return policies;
}
