import { type IVpc, Peer, Port, SecurityGroup, SubnetType } from 'aws-cdk-lib/aws-ec2';
import {
  type ApplicationListener,
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ListenerAction,
  ListenerCertificate,
  SslPolicy,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Construct } from 'constructs';
import { CORS } from '../../../core/http/cors.ts';
import type { AccessLogs } from './access-logs.ts';
import type { Shard } from './shared-infra.ts';

export interface ShardLoadBalancerProps {
  /** From 1. */
  readonly number: number;
  readonly vpc: IVpc;
  /** The range of the VPC's addresses. */
  readonly addresses: string;
  readonly accessLogs: AccessLogs;
  /** The only origin whose pages may read responses. */
  readonly appUrl: string;
  /** @default - the load balancer speaks plain HTTP within the VPC */
  readonly certificateArn?: string;
}

/** The port that ingress tasks listen on. */
const TASK_PORT = 8080;
/** For requests without a rule: of no tenant, or of a tenant of another shard. */
const NOT_FOUND = ListenerAction.fixedResponse(404, {
  contentType: 'application/json',
  messageBody: '{"message":"Not Found"}',
});

/** The internal load balancer of a shard. Tenants' stacks add a rule for the header `tenantPath`. */
export class ShardLoadBalancer extends Construct implements Shard {
  readonly number: number;
  readonly loadBalancer: ApplicationLoadBalancer;
  readonly loadBalancerArn: string;
  readonly dnsName: string;
  readonly listenerArn: string;
  readonly securityGroupId: string;
  readonly securityGroup: SecurityGroup;
  /** The port that clients of the load balancer connect to. */
  readonly port: Port;

  constructor(scope: Construct, id: string, props: ShardLoadBalancerProps) {
    super(scope, id);
    const { number, vpc, addresses, accessLogs } = props;
    this.number = number;
    this.securityGroup = groupOf(this, vpc, addresses);
    this.loadBalancer = new ApplicationLoadBalancer(this, 'LoadBalancer', {
      vpc,
      internetFacing: false,
      vpcSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS },
      securityGroup: this.securityGroup,
      // Headers such as `x_tierplane_tenant`, which some servers read as `x-tierplane-tenant`.
      dropInvalidHeaderFields: true,
    });
    accessLogs.ofLoadBalancer(this.loadBalancer, `load-balancer-${number}`);
    const listener = addListener(this.loadBalancer, props.certificateArn);
    allowOrigin(listener, props.appUrl);
    this.port = props.certificateArn === undefined ? Port.HTTP : Port.HTTPS;
    this.loadBalancerArn = this.loadBalancer.loadBalancerArn;
    this.dnsName = this.loadBalancer.loadBalancerDnsName;
    this.listenerArn = listener.listenerArn;
    this.securityGroupId = this.securityGroup.securityGroupId;
  }
}

/** Stacks that connect to the load balancer add their own rules for incoming requests. */
function groupOf(scope: Construct, vpc: IVpc, addresses: string): SecurityGroup {
  const group = new SecurityGroup(scope, 'Group', {
    vpc,
    description: 'Load balancer: requests to tasks in the VPC',
    allowAllOutbound: false,
  });
  group.addEgressRule(Peer.ipv4(addresses), Port.tcp(TASK_PORT), 'Ingress tasks');
  return group;
}

function addListener(loadBalancer: ApplicationLoadBalancer, certificateArn: string | undefined): ApplicationListener {
  if (certificateArn === undefined) {
    return loadBalancer.addListener('Listener', {
      protocol: ApplicationProtocol.HTTP,
      open: false,
      defaultAction: NOT_FOUND,
    });
  }
  return loadBalancer.addListener('Listener', {
    protocol: ApplicationProtocol.HTTPS,
    certificates: [ListenerCertificate.fromArn(certificateArn)],
    sslPolicy: SslPolicy.TLS13_RES,
    open: false,
    defaultAction: NOT_FOUND,
  });
}

/**
 * Lets pages of the app site read responses. API Gateway passes responses of an HTTP proxy integration on as they are and can
 * add no header to them; the load balancer can.
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/header-modification.html
 */
function allowOrigin(listener: ApplicationListener, origin: string): void {
  listener.setAttribute('routing.http.response.access_control_allow_origin.header_value', origin);
  listener.setAttribute(
    'routing.http.response.access_control_expose_headers.header_value',
    CORS.responseHeaders.join(', '),
  );
  listener.setAttribute('routing.http.response.server.enabled', 'false');
}
