import { functionResources } from '../function-resources.ts';

/** Values of the API keys, by tenant. */
export const KEYS = { t1: 'key-of-t1-0123456789abcdef', t2: 'key-of-t2-0123456789abcdef' } as const;
/** Requests that t1 may send at once. Its bucket does not fill up again during a test. */
export const BURST_OF_T1 = 3;

/** Takes the tenant's id for its token. */
const AUTHORIZER = `exports.handler = async ({ authorizationToken: tenantId, methodArn }) => ({
  principalId: tenantId,
  policyDocument: { Version: '2012-10-17', Statement: [
    { Action: 'execute-api:Invoke', Effect: 'Allow', Resource: methodArn.split('/').slice(0, 2).join('/') + '/*' },
  ] },
  context: { tenantId },
  usageIdentifierKey: (${JSON.stringify(KEYS)})[tenantId],
});`;

const REQUEST_PARAMETERS = {
  'integration.request.path.proxy': 'method.request.path.proxy',
  'integration.request.querystring.page': 'method.request.querystring.p',
  'integration.request.header.x-tenant': 'context.authorizer.tenantId',
  'integration.request.header.x-absent': 'context.authorizer.absent',
  'integration.request.header.x-fixed': "'fixed'",
};

/** A REST API in front of an internal load balancer, as JSON. /direct has no VPC link, and /hasty waits 200 ms for
 * the service, which takes longer. Its output is ApiId. */
export function apiTemplate(dnsName: string, loadBalancerArn: string): string {
  const linked = { ConnectionType: 'VPC_LINK', ConnectionId: { Ref: 'Link' }, IntegrationTarget: loadBalancerArn };
  const Resources = {
    ...authorizer(),
    ...plan('t1', { RateLimit: 0.001, BurstLimit: BURST_OF_T1 }),
    ...plan('t2', { RateLimit: 1000, BurstLimit: 1000 }),
    Link: { Type: 'AWS::ApiGatewayV2::VpcLink', Properties: { Name: 'link', SubnetIds: ['subnet-1'] } },
    Api: { Type: 'AWS::ApiGateway::RestApi', Properties: { Name: 'api', ApiKeySourceType: 'AUTHORIZER' } },
    Proxy: resource('{proxy+}'),
    Direct: resource('direct'),
    Hasty: resource('hasty'),
    ProxyMethod: method('Proxy', {
      ...linked,
      Uri: `http://${dnsName}/{proxy}`,
      RequestParameters: REQUEST_PARAMETERS,
    }),
    DirectMethod: method('Direct', { Uri: `http://${dnsName}/direct` }),
    HastyMethod: method('Hasty', { ...linked, Uri: `http://${dnsName}/slow`, TimeoutInMillis: 200 }),
    Deployment: {
      Type: 'AWS::ApiGateway::Deployment',
      DependsOn: ['ProxyMethod', 'DirectMethod', 'HastyMethod'],
      Properties: { RestApiId: { Ref: 'Api' } },
    },
    Stage: {
      Type: 'AWS::ApiGateway::Stage',
      Properties: { RestApiId: { Ref: 'Api' }, DeploymentId: { Ref: 'Deployment' }, StageName: 'prod' },
    },
  };
  return JSON.stringify({ Resources, Outputs: { ApiId: { Value: { Ref: 'Api' } } } });
}

function authorizer() {
  const path = 'arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions';
  return {
    ...functionResources('Function', AUTHORIZER),
    Authorizer: {
      Type: 'AWS::ApiGateway::Authorizer',
      Properties: {
        ...{ Name: 'authorizer', Type: 'TOKEN', RestApiId: { Ref: 'Api' }, AuthorizerResultTtlInSeconds: 60 },
        IdentitySource: 'method.request.header.Authorization',
        AuthorizerUri: { 'Fn::Join': ['', [`${path}/`, { 'Fn::GetAtt': ['Function', 'Arn'] }, '/invocations']] },
      },
    },
  };
}

function plan(tenant: keyof typeof KEYS, Throttle: { readonly RateLimit: number; readonly BurstLimit: number }) {
  return {
    [`Plan${tenant}`]: {
      Type: 'AWS::ApiGateway::UsagePlan',
      DependsOn: 'Stage',
      Properties: { UsagePlanName: tenant, Throttle, ApiStages: [{ ApiId: { Ref: 'Api' }, Stage: 'prod' }] },
    },
    [`Key${tenant}`]: {
      Type: 'AWS::ApiGateway::ApiKey',
      Properties: { Name: tenant, Enabled: true, Value: KEYS[tenant] },
    },
    [`PlanKey${tenant}`]: {
      Type: 'AWS::ApiGateway::UsagePlanKey',
      Properties: { KeyId: { Ref: `Key${tenant}` }, KeyType: 'API_KEY', UsagePlanId: { Ref: `Plan${tenant}` } },
    },
  };
}

function resource(PathPart: string) {
  return {
    Type: 'AWS::ApiGateway::Resource',
    Properties: { RestApiId: { Ref: 'Api' }, ParentId: { 'Fn::GetAtt': ['Api', 'RootResourceId'] }, PathPart },
  };
}

function method(ofResource: string, integration: Readonly<Record<string, unknown>>) {
  return {
    Type: 'AWS::ApiGateway::Method',
    Properties: {
      ...{ RestApiId: { Ref: 'Api' }, ResourceId: { Ref: ofResource }, HttpMethod: 'ANY' },
      ...{ AuthorizationType: 'CUSTOM', AuthorizerId: { Ref: 'Authorizer' }, ApiKeyRequired: true },
      RequestParameters: { 'method.request.path.proxy': true, 'method.request.querystring.p': false },
      Integration: { Type: 'HTTP_PROXY', IntegrationHttpMethod: 'ANY', ...integration },
    },
  };
}
