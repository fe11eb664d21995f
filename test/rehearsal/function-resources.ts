/**
 * Resources of a template: a function with the logical id `name`, and `Role`, which functions share and which allows nothing.
 * @param code of a CommonJS module
 * @param variables the function's environment. @default - none
 */
export function functionResources(name: string, code: string, variables?: Readonly<Record<string, string>>) {
  const trust = { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' };
  return {
    Role: {
      Type: 'AWS::IAM::Role',
      Properties: { AssumeRolePolicyDocument: { Version: '2012-10-17', Statement: [trust] } },
    },
    [name]: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        ...{ Runtime: 'nodejs24.x', Handler: 'index.handler', Code: { ZipFile: code } },
        Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
        ...(variables && { Environment: { Variables: variables } }),
      },
    },
  };
}
