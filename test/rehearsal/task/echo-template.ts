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
  const trust = { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' };
  const Resources = Object.assign(
    {
      Role: {
        Type: 'AWS::IAM::Role',
        Properties: { AssumeRolePolicyDocument: { Version: '2012-10-17', Statement: [trust] } },
      },
    },
    ...tenantPaths.map((tenantPath, i) => deployment(tenantPath, i + 1)),
  );
  return JSON.stringify({ Parameters: { ListenerArn: { Type: 'String' } }, Resources });
}

function deployment(tenantPath: string, number: number) {
  return {
    [`Function${number}`]: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        ...{ Runtime: 'nodejs24.x', Handler: 'index.handler', Code: { ZipFile: ECHO } },
        Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
        Environment: { Variables: { TENANT_PATH: tenantPath } },
      },
    },
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
