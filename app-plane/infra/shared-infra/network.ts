import { Fn } from 'aws-cdk-lib';
import {
  FlowLogDestination,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpointAwsService,
  IpAddresses,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Configuration } from '../../../infra/configuration.ts';

export interface NetworkProps extends Readonly<Configuration['network']> {
  /** Whether ECS tasks run on instances of ours, too. */
  readonly instances: boolean;
  readonly logRetention: RetentionDays;
}

/** The addresses of the VPC. Each task has one. */
export const ADDRESSES = '10.0.0.0/16';
/** 4,091 addresses in each zone for tasks, and 59 for NAT gateways. */
const TASK_SUBNET_BITS = 20;
const PUBLIC_SUBNET_BITS = 26;

/** The AWS services that tasks call, besides DynamoDB and S3. Cognito is not among them; see docs/decisions/0032. */
const SERVICES_OF_TASKS = {
  Ecr: InterfaceVpcEndpointAwsService.ECR,
  EcrDocker: InterfaceVpcEndpointAwsService.ECR_DOCKER,
  Logs: InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
  Sts: InterfaceVpcEndpointAwsService.STS,
  Lambda: InterfaceVpcEndpointAwsService.LAMBDA,
};
/** What the ECS agent calls on instances. Fargate needs no endpoint for it. */
const SERVICES_OF_INSTANCES = {
  Ecs: InterfaceVpcEndpointAwsService.ECS,
  EcsAgent: InterfaceVpcEndpointAwsService.ECS_AGENT,
  EcsTelemetry: InterfaceVpcEndpointAwsService.ECS_TELEMETRY,
};

/**
 * The VPC of load balancers and tasks. Both are in private subnets, one per availability zone, which nothing outside of the VPC
 * can reach. Public subnets hold the NAT gateways only.
 */
export class Network extends Construct {
  readonly vpc: IVpc;
  /** The range of the VPC's addresses. */
  readonly addresses = ADDRESSES;
  readonly taskSubnetIds: readonly string[];

  constructor(scope: Construct, id: string, props: NetworkProps) {
    super(scope, id);
    const { availabilityZones, egress, natGateways, instances, logRetention } = props;
    const vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr(ADDRESSES),
      // By number, so that one template fits every region.
      availabilityZones: Array.from({ length: availabilityZones }, (_, i) => Fn.select(i, Fn.getAzs())),
      natGateways,
      restrictDefaultSecurityGroup: false,
      subnetConfiguration: [
        { name: 'public', subnetType: SubnetType.PUBLIC, cidrMask: PUBLIC_SUBNET_BITS, mapPublicIpOnLaunch: false },
        { name: 'tasks', subnetType: SubnetType.PRIVATE_WITH_EGRESS, cidrMask: TASK_SUBNET_BITS },
      ],
      gatewayEndpoints: {
        DynamoDb: { service: GatewayVpcEndpointAwsService.DYNAMODB },
        S3: { service: GatewayVpcEndpointAwsService.S3 },
      },
    });
    // CDK declares its classes without exact optional properties, so they do not match its own interfaces.
    this.vpc = vpc as IVpc;
    this.taskSubnetIds = vpc.privateSubnets.map(({ subnetId }) => subnetId);
    vpc.addFlowLog('FlowLog', {
      destination: FlowLogDestination.toCloudWatchLogs(new LogGroup(this, 'FlowLogs', { retention: logRetention })),
    });
    if (egress === 'nat') return;
    this.#addInterfaceEndpoints({ ...SERVICES_OF_TASKS, ...(instances && SERVICES_OF_INSTANCES) });
  }

  #addInterfaceEndpoints(services: Readonly<Record<string, InterfaceVpcEndpointAwsService>>): void {
    const { vpc } = this;
    const group = new SecurityGroup(this, 'EndpointGroup', {
      vpc,
      description: 'Interface endpoints: HTTPS from the VPC',
      allowAllOutbound: false,
    });
    group.addIngressRule(Peer.ipv4(ADDRESSES), Port.HTTPS, 'HTTPS from the VPC');
    for (const [name, service] of Object.entries(services)) {
      vpc.addInterfaceEndpoint(name, { service, securityGroups: [group], open: false, privateDnsEnabled: true });
    }
  }
}
