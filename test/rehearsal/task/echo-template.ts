import { functionResources } from '../function-resources.ts';

/** Returns what the load balancer passes on. */
const ECHO = `exports.handler = async ({ path, queryStringParameters: query, headers }) => ({
  statusCode: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ tenantPath: process.env.TENANT_PATH, path, query, headers }),
});`;

/**
 * Stands in for the ingress of deployments, as JSON: for each value of the header `tenantPath` a rule of the listener in the
 * parameter ListenerArn, which leads to a function that returns the request.
 */
export function echoTemplate(tenantPaths: readonly string[]): string {
  const Resources = Object.assign({}, ...tenantPaths.map((tenantPath, i) => deployment(tenantPath, i + 1)));
  return JSON.stringify({ Parameters: { ListenerArn: { Type: 'String' } }, Resources });
}

function deployment(tenantPath: string, number: number) {
  return {
    ...functionResources(`Function${number}`, ECHO, { TENANT_PATH: tenantPath }),
    [`Permission${number}`]: {
      Type: 'AWS::Lambda::Permission',
      Properties: {
        ...{ Action: 'lambda:InvokeFunction', Principal: 'elasticloadbalancing.amazonaws.com' },
        FunctionName: { 'Fn::GetAtt': [`Function${number}`, 'Arn'] },
      },
    },
    [`Group${number}`]: {
      Type: 'AWS::ElasticLoadBalancingV2::TargetGroup',
      DependsOn: `Permission${number}`,
      Properties: { TargetType: 'lambda', Targets: [{ Id: { 'Fn::GetAtt': [`Function${number}`, 'Arn'] } }] },
    },
    [`Rule${number}`]: {
      Type: 'AWS::ElasticLoadBalancingV2::ListenerRule',
      Properties: {
        ...{ ListenerArn: { Ref: 'ListenerArn' }, Priority: number },
        Conditions: [
          { Field: 'http-header', HttpHeaderConfig: { HttpHeaderName: 'tenantPath', Values: [tenantPath] } },
        ],
        Actions: [{ Type: 'forward', TargetGroupArn: { Ref: `Group${number}` } }],
      },
    },
  };
}
