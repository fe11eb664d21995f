import { type App, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  ClientAttributes,
  FeaturePlan,
  LambdaVersion,
  OAuthScope,
  StringAttribute,
  UserPool,
  type UserPoolClient,
  UserPoolOperation,
} from 'aws-cdk-lib/aws-cognito';
import { IpAddresses, type IVpc, Peer, Port, SecurityGroup, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { ApplicationLoadBalancer, ListenerAction } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';

/** What the services of all tenants share, as far as one service needs it. Each is the key of an output. */
export interface SharedOutputs {
  readonly VpcId: string;
  /** Ids with commas between them. */
  readonly SubnetIds: string;
  readonly LoadBalancerGroupId: string;
  readonly ListenerArn: string;
  readonly DnsName: string;
  readonly UserPoolId: string;
  readonly ClientId: string;
  /** URL of the user pool's managed login. */
  readonly SignInUrl: string;
}

export const SHARED_STACK = 'task-shared';
const NETWORK = '10.0.0.0/16';
/** Where a sign-in ends; nothing listens there. */
export const CALLBACK_URL = 'http://localhost';

/** Copies tenant, tier and role of a user, which only administrators write, into the user's tokens. */
const PRE_TOKEN = `exports.handler = async (event) => {
  const { 'custom:tenantId': tenantId, 'custom:tier': tier, 'custom:role': role } = event.request.userAttributes;
  const claims = { claimsToAddOrOverride: { tenantId, tier, role } };
  event.response = { claimsAndScopeOverrideDetails: { accessTokenGeneration: claims, idTokenGeneration: claims } };
  return event;
};`;

/** Network, internal load balancer with the default action 404, and the user pool of pooled tenants. */
export class SharedStack extends Stack {
  constructor(app: App) {
    super(app, SHARED_STACK, { description: 'What the services of the task rehearsal share' });
    const vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr(NETWORK),
      ...{ maxAzs: 2, natGateways: 0, restrictDefaultSecurityGroup: false },
      subnetConfiguration: [{ name: 'tasks', subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 20 }],
    }) as IVpc;
    const group = new SecurityGroup(this, 'LoadBalancerGroup', { vpc });
    group.addIngressRule(Peer.ipv4(NETWORK), Port.tcp(80));
    const vpcSubnets = { subnetType: SubnetType.PRIVATE_ISOLATED };
    const balancer = new ApplicationLoadBalancer(this, 'LoadBalancer', {
      ...{ vpc, vpcSubnets, internetFacing: false, securityGroup: group },
    });
    const notFound = { contentType: 'application/json', messageBody: '{"message":"Not Found"}' };
    const listener = balancer.addListener('Listener', {
      ...{ port: 80, open: false, defaultAction: ListenerAction.fixedResponse(404, notFound) },
    });
    const { pool, client, signInUrl } = this.#users();
    const outputs: SharedOutputs = {
      VpcId: vpc.vpcId,
      SubnetIds: vpc.isolatedSubnets.map(({ subnetId }) => subnetId).join(','),
      LoadBalancerGroupId: group.securityGroupId,
      ListenerArn: listener.listenerArn,
      DnsName: balancer.loadBalancerDnsName,
      UserPoolId: pool.userPoolId,
      ClientId: client.userPoolClientId,
      SignInUrl: signInUrl,
    };
    for (const [key, value] of Object.entries(outputs)) new CfnOutput(this, key, { value });
  }

  #users(): { readonly pool: UserPool; readonly client: UserPoolClient; readonly signInUrl: string } {
    const preToken = new LambdaFunction(this, 'PreToken', {
      ...{ runtime: Runtime.NODEJS_24_X, handler: 'index.handler', code: Code.fromInline(PRE_TOKEN) },
    });
    preToken.addPermission('Cognito', {
      principal: new ServicePrincipal('cognito-idp.amazonaws.com'),
      sourceAccount: this.account,
    });
    const text = () => new StringAttribute({ mutable: true });
    const pool = new UserPool(this, 'Users', {
      ...{ selfSignUpEnabled: false, signInCaseSensitive: false, featurePlan: FeaturePlan.ESSENTIALS },
      customAttributes: { tenantId: text(), tier: text(), role: text() },
      removalPolicy: RemovalPolicy.DESTROY,
    });
    pool.addTrigger(UserPoolOperation.PRE_TOKEN_GENERATION_CONFIG, preToken, LambdaVersion.V2_0);
    const client = pool.addClient('App', {
      ...{ generateSecret: false, preventUserExistenceErrors: true, accessTokenValidity: Duration.minutes(10) },
      oAuth: { flows: { authorizationCodeGrant: true }, scopes: [OAuthScope.OPENID], callbackUrls: [CALLBACK_URL] },
      writeAttributes: new ClientAttributes().withStandardAttributes({ fullname: true }),
    });
    const domainPrefix = 'tierplane-task';
    pool.addDomain('Domain', { cognitoDomain: { domainPrefix } });
    const signInUrl = `https://${domainPrefix}.auth.${this.region}.amazoncognito.com`;
    return { pool, client, signInUrl };
  }
}
