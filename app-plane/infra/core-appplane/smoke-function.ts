import { Stack } from 'aws-cdk-lib';
import { CfnSecurityGroupIngress, Port, SecurityGroup, Subnet } from 'aws-cdk-lib/aws-ec2';
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { bundle } from '../../../infra/bundle.ts';
import { platformFunction } from '../../../infra/platform-function.ts';
import { suppressWildcards } from '../../../infra/suppress-wildcards.ts';
import type { SharedInfra } from '../shared-infra/shared-infra.ts';

export interface SmokeFunctionProps {
  readonly infra: Pick<SharedInfra, 'vpc' | 'taskSubnetIds' | 'shards'>;
  /** The host name in the load balancers' certificate. @default - they take plain HTTP */
  readonly tlsHost?: string;
  readonly logRetention: RetentionDays;
}

/** What Lambda needs in order to run a function in a VPC. It supports no narrower resource. */
const INTERFACES = [
  ...['CreateNetworkInterface', 'DeleteNetworkInterface', 'DescribeNetworkInterfaces', 'DescribeSubnets'],
  ...['AssignPrivateIpAddresses', 'UnassignPrivateIpAddresses'],
].map((name) => `ec2:${name}`);
/** A request per service, each with a time limit of 5 s. */
const TIMEOUT_SECONDS = 30;

/** The function that sends smoke requests through the load balancers, which can be reached only inside the VPC. */
export class SmokeFunction extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, { infra, tlsHost, logRetention }: SmokeFunctionProps) {
    super(scope, id);
    const group = new SecurityGroup(this, 'Group', {
      vpc: infra.vpc,
      description: 'Smoke requests: to the load balancers only',
      allowAllOutbound: false,
    });
    for (const shard of infra.shards) this.#open(group, shard);
    const subnets = infra.taskSubnetIds.map((subnetId, i) => Subnet.fromSubnetId(this, `Subnet${i + 1}`, subnetId));
    const balancers = infra.shards.map(({ number, dnsName }) => ({ number, dnsName }));
    this.function = platformFunction(this, 'Requests', {
      description: "Sends smoke requests to a tenant's services",
      code: bundle(this, 'app-plane/lambda/smoke'),
      environment: { TIERPLANE_LOAD_BALANCERS: Stack.of(this).toJsonString({ balancers, tlsHost }) },
      statements: interfaces(Stack.of(this)),
      ...{ logRetention, timeoutSeconds: TIMEOUT_SECONDS },
      network: { vpc: infra.vpc, vpcSubnets: { subnets }, securityGroups: [group] },
    });
    suppressWildcards(this.function, {
      reason: "Lambda creates the function's network interfaces, whose ids are not known; the function itself may not.",
      appliesTo: ['Resource::*'],
    });
  }

  #open(group: SecurityGroup, { number, securityGroupId }: SharedInfra['shards'][number]): void {
    const balancer = SecurityGroup.fromSecurityGroupId(this, `LoadBalancer${number}`, securityGroupId, {
      mutable: false,
    });
    for (const port of [80, 443]) {
      group.addEgressRule(balancer, Port.tcp(port), `Load balancer ${number}`);
      new CfnSecurityGroupIngress(this, `LoadBalancer${number}From${port}`, {
        ...{ groupId: securityGroupId, sourceSecurityGroupId: group.securityGroupId },
        ...{ ipProtocol: 'tcp', fromPort: port, toPort: port, description: 'Smoke requests' },
      });
    }
  }
}

/**
 * Lambda itself may create the function's network interfaces, and the function's code may not.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
 */
function interfaces(stack: Stack): PolicyStatement[] {
  // CloudFormation makes the function's name from the stack's, of which it may use the beginning only.
  const own = stack.formatArn({ service: 'lambda', resource: 'function:core-appplane-*' });
  return [
    new PolicyStatement({ actions: INTERFACES, resources: ['*'] }),
    new PolicyStatement({
      ...{ effect: Effect.DENY, actions: INTERFACES, resources: ['*'] },
      conditions: { ArnLike: { 'lambda:SourceFunctionArn': own } },
    }),
  ];
}
