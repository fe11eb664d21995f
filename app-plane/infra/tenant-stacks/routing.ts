import { Fn, Stack } from 'aws-cdk-lib';
import { CfnAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import type { CfnService } from 'aws-cdk-lib/aws-ecs';
import { CfnListenerRule, CfnTargetGroup } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { CfnRole } from 'aws-cdk-lib/aws-iam';
import { NagSuppressions } from 'cdk-nag';
import { Construct } from 'constructs';
import { type Balancer, type DeploymentProps, PORT } from './deployment-props.ts';
import { allow, type TaskRoles } from './task-roles.ts';

type Props = Pick<DeploymentProps, 'rollout' | 'vpcId' | 'balancers' | 'priority' | 'tenantPath' | 'alarmTopicArn'>;

/** The header by which a rule finds the deployment of a request. */
const PATH_HEADER = 'tenantPath';
const PROTOCOL = 'HTTP';
/** How many seconds the requests of a removed task have to end. */
const DEREGISTRATION_DELAY = 10;
/** 5xx responses within a minute that fire an alarm. */
const ERRORS_A_MINUTE = 10;

interface Route {
  readonly balancer: Balancer;
  readonly blue: CfnTargetGroup;
  /** Where a new revision's tasks are while both run. */
  readonly green: CfnTargetGroup | undefined;
  readonly rule: CfnListenerRule;
}

/** At each load balancer: target groups and a rule, and what a canary deployment needs. */
export class Routing extends Construct {
  /** The attachments of the service that receives the requests. */
  readonly loadBalancers: CfnService.LoadBalancerProperty[];
  /** Fire on errors of the services: one for each target group. */
  readonly errors: readonly CfnAlarm[];
  /** The service must be created after these. */
  readonly rules: readonly CfnListenerRule[];

  constructor(scope: Construct, id: string, props: Props, roles: TaskRoles) {
    super(scope, id);
    const routes = props.balancers.map((balancer, index) => this.#route(balancer, index, props));
    const role = props.rollout === 'canary' ? shiftingRole(roles, routes) : undefined;
    this.rules = routes.map(({ rule }) => rule);
    this.loadBalancers = routes.map(({ blue, green, rule }) => ({
      ...{ containerName: 'ingress', containerPort: PORT, targetGroupArn: blue.ref },
      ...(green &&
        role && {
          advancedConfiguration: {
            ...{ alternateTargetGroupArn: green.ref, productionListenerRule: rule.ref, roleArn: role.attrArn },
          },
        }),
    }));
    this.errors = routes.flatMap(({ balancer, blue, green }) =>
      [blue, green].flatMap((group) => (group ? [this.#alarm(group, balancer, props)] : [])),
    );
  }

  #route(balancer: Balancer, index: number, props: Props): Route {
    const number = index === 0 ? '' : String(index + 1);
    const blue = this.#targetGroup(`Targets${number}`, props);
    const green = props.rollout === 'canary' ? this.#targetGroup(`NewTargets${number}`, props) : undefined;
    const weighted = [
      { targetGroupArn: blue.ref, weight: 100 },
      ...(green ? [{ targetGroupArn: green.ref, weight: 0 }] : []),
    ];
    const rule = new CfnListenerRule(this, `Rule${number}`, {
      ...{ listenerArn: balancer.listenerArn, priority: props.priority },
      conditions: [
        { field: 'http-header', httpHeaderConfig: { httpHeaderName: PATH_HEADER, values: [props.tenantPath] } },
      ],
      actions: [{ type: 'forward', forwardConfig: { targetGroups: weighted } }],
    });
    return { balancer, blue, green, rule };
  }

  #targetGroup(id: string, { vpcId }: Props): CfnTargetGroup {
    return new CfnTargetGroup(this, id, {
      ...{ vpcId, port: PORT, protocol: PROTOCOL, targetType: 'ip' },
      ...{ healthCheckPath: '/healthz', healthCheckIntervalSeconds: 5, healthCheckTimeoutSeconds: 2 },
      ...{ healthyThresholdCount: 2, unhealthyThresholdCount: 2, matcher: { httpCode: '200' } },
      targetGroupAttributes: [
        { key: 'deregistration_delay.timeout_seconds', value: String(DEREGISTRATION_DELAY) },
        { key: 'load_balancing.algorithm.type', value: 'least_outstanding_requests' },
      ],
    });
  }

  #alarm(group: CfnTargetGroup, { listenerArn }: Balancer, { alarmTopicArn }: Props): CfnAlarm {
    return new CfnAlarm(this, `${group.node.id}Errors`, {
      alarmDescription: 'Services respond with errors (5xx)',
      ...{ namespace: 'AWS/ApplicationELB', metricName: 'HTTPCode_Target_5XX_Count', statistic: 'Sum', period: 60 },
      dimensions: [
        { name: 'LoadBalancer', value: loadBalancerName(listenerArn) },
        { name: 'TargetGroup', value: group.attrTargetGroupFullName },
      ],
      ...{ threshold: ERRORS_A_MINUTE, comparisonOperator: 'GreaterThanOrEqualToThreshold' },
      ...{ evaluationPeriods: 1, treatMissingData: 'notBreaching' },
      ...(alarmTopicArn !== undefined && { alarmActions: [alarmTopicArn], okActions: [alarmTopicArn] }),
    });
  }
}

/** `app/<name>/<id>`, as CloudWatch names a load balancer, of `arn:...:listener/app/<name>/<id>/<id of the listener>`. */
function loadBalancerName(listenerArn: string): string {
  return Fn.join(
    '/',
    [1, 2, 3].map((index) => Fn.select(index, Fn.split('/', listenerArn))),
  );
}

/**
 * The role with which ECS shifts requests to another revision.
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/AmazonECSInfrastructureRolePolicyForLoadBalancers.html
 */
function shiftingRole(roles: TaskRoles, routes: readonly Route[]): CfnRole {
  const groups = routes.flatMap(({ blue, green }) => [blue.ref, ...(green ? [green.ref] : [])]);
  const describe = ['Listeners', 'Rules', 'TargetGroups', 'TargetHealth'];
  const StringEquals = { 'aws:SourceAccount': Stack.of(roles).account };
  const role = roles.role('Shifting', 'shift', {
    trust: [
      {
        ...{ Effect: 'Allow', Principal: { Service: 'ecs.amazonaws.com' }, Action: ['sts:AssumeRole'] },
        Condition: { StringEquals },
      },
    ],
    statements: [
      allow(
        describe.map((name) => `elasticloadbalancing:Describe${name}`),
        ['*'],
      ),
      allow(
        ['elasticloadbalancing:ModifyRule'],
        routes.map(({ rule }) => rule.ref),
      ),
      allow(['elasticloadbalancing:RegisterTargets', 'elasticloadbalancing:DeregisterTargets'], groups),
    ],
  });
  NagSuppressions.addResourceSuppressions(role, [
    {
      id: 'AwsSolutions-IAM5',
      reason: 'The Describe actions of Elastic Load Balancing support no resource.',
      appliesTo: ['Resource::*'],
    },
  ]);
  return role;
}
