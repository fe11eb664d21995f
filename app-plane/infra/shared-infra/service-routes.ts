import { Stack } from 'aws-cdk-lib';
import {
  AuthorizationType,
  type CfnMethod,
  ConnectionType,
  type IAuthorizer,
  Integration,
  IntegrationType,
  type IResource,
  type IVpcLink,
  type RestApi,
} from 'aws-cdk-lib/aws-apigateway';
import { CfnVpcLink } from 'aws-cdk-lib/aws-apigatewayv2';
import { type IVpc, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { NagSuppressions } from 'cdk-nag';
import { Construct } from 'constructs';
import { SERVICES } from '../../../tenant-templates/tiers.ts';
import type { ShardLoadBalancer } from './shard-load-balancer.ts';

export interface ServiceRoutesProps {
  readonly api: RestApi;
  readonly authorizer: IAuthorizer;
  /** `tierplane-<environment>`. */
  readonly prefix: string;
  readonly vpc: IVpc;
  readonly shards: readonly ShardLoadBalancer[];
  /** Host name of the load balancers' certificate. @default - they speak plain HTTP */
  readonly certificateHost?: string;
}

/** The version that may precede a service in a path. */
const VERSION = 'v1';
/** All paths below a resource. */
const BELOW = '{proxy+}';

/**
 * The request headers that services and load balancers trust, and where their values come from. They replace what a client
 * sends, in any case of letters and any number. The load balancer drops other spellings, such as `x_tierplane_tenant`.
 */
const TRUSTED_HEADERS = {
  tenantPath: 'context.authorizer.tenantPath',
  'x-tierplane-tenant': 'context.authorizer.tenantId',
  'x-tierplane-tier': 'context.authorizer.tier',
  // No role: services ask the function tenant-users.
  'x-tierplane-role': "'none'",
};

/** The paths `/s<shard>[/v1]/<service>` and everything below them, through one VPC link to the load balancer of the shard. */
export class ServiceRoutes extends Construct {
  readonly #props: ServiceRoutesProps;
  readonly #vpcLink: IVpcLink;

  constructor(scope: Construct, id: string, props: ServiceRoutesProps) {
    super(scope, id);
    this.#props = props;
    this.#vpcLink = vpcLink(this, props);
    for (const shard of props.shards) {
      const root = props.api.root.addResource(`s${shard.number}`);
      for (const service of SERVICES) {
        const resource = root.addResource(service);
        this.#addMethod(resource, shard, `/${service}`);
        this.#addMethod(resource.addResource(BELOW), shard, `/${service}/{proxy}`, true);
      }
      // One resource, because a template has at most 500.
      this.#addMethod(root.addResource(VERSION).addResource(BELOW), shard, `/${VERSION}/{proxy}`, true);
    }
  }

  /** @param path what the ingress receives. It has no shard, because the pool's ingress serves all shards. */
  #addMethod(resource: IResource, shard: ShardLoadBalancer, path: string, proxy = false): void {
    const { authorizer, api } = this.#props;
    const method = resource.addMethod('ANY', this.#integration(shard, path, proxy), {
      authorizer,
      authorizationType: AuthorizationType.CUSTOM,
      apiKeyRequired: true,
      ...(proxy && { requestParameters: { 'method.request.path.proxy': true } }),
    });
    // CDK has no property for it. Without it, API Gateway assumes a link of version 1.
    const definition = method.node.defaultChild as CfnMethod;
    definition.addPropertyOverride('Integration.IntegrationTarget', shard.loadBalancerArn);
    // Without this, CDK would not notice a change of the override, and would create no new deployment.
    api.latestDeployment?.addToLogicalId({ path, target: Stack.of(this).resolve(shard.loadBalancerArn) });
    NagSuppressions.addResourceSuppressions(method, [
      {
        id: 'AwsSolutions-COG4',
        reason: 'A Lambda authorizer checks the token: some tenants have a user pool of their own.',
      },
    ]);
  }

  #integration({ dnsName }: ShardLoadBalancer, path: string, proxy: boolean): Integration {
    const { certificateHost } = this.#props;
    const base = certificateHost === undefined ? `http://${dnsName}` : `https://${certificateHost}`;
    const headers = Object.entries(TRUSTED_HEADERS).map(([name, from]) => [`integration.request.header.${name}`, from]);
    return new Integration({
      type: IntegrationType.HTTP_PROXY,
      integrationHttpMethod: 'ANY',
      uri: `${base}${path}`,
      options: {
        connectionType: ConnectionType.VPC_LINK,
        vpcLink: this.#vpcLink,
        requestParameters: {
          ...Object.fromEntries(headers),
          ...(proxy && { 'integration.request.path.proxy': 'method.request.path.proxy' }),
        },
      },
    });
  }
}

/** A link of version 2, which reaches the load balancers and nothing else. */
function vpcLink(scope: Construct, { vpc, prefix, shards }: ServiceRoutesProps): IVpcLink {
  const group = new SecurityGroup(scope, 'LinkGroup', {
    vpc,
    description: 'API Gateway: requests to the load balancers',
    allowAllOutbound: false,
  });
  for (const { securityGroup, port } of shards) {
    group.addEgressRule(securityGroup, port, 'Load balancer');
    securityGroup.addIngressRule(group, port, 'API Gateway');
  }
  const link = new CfnVpcLink(scope, 'Link', {
    name: `${prefix}-tenants`,
    subnetIds: vpc.privateSubnets.map(({ subnetId }) => subnetId),
    securityGroupIds: [group.securityGroupId],
  });
  // CDK's REST APIs know links of version 1 only, of which they read the id.
  return { vpcLinkId: link.ref } as IVpcLink;
}
