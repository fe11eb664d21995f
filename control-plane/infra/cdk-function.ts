import type { Stack } from 'aws-cdk-lib';
import type { CfnRole } from 'aws-cdk-lib/aws-iam';
import type { CfnFunction, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { AwsCustomResource } from 'aws-cdk-lib/custom-resources';
import { writeLog } from './permissions.ts';

/**
 * CDK's own function, by which the stack reads the secret of SBT's client as it is deployed. CDK leaves its log to Lambda,
 * which keeps one for ever, and lets it write any: it gets one that ends, and may write that one. Throws where CDK has
 * no such function.
 */
export function boundCdkFunction(stack: Stack, retention: RetentionDays): void {
  const id = `AWS${AwsCustomResource.PROVIDER_FUNCTION_UUID.replaceAll('-', '')}`;
  const one = stack.node.findChild(id) as LambdaFunction;
  const log = new LogGroup(stack, 'CdkFunctionLog', { retention });
  (one.node.defaultChild as CfnFunction).loggingConfig = { logGroup: log.logGroupName };
  (one.role?.node.defaultChild as CfnRole).managedPolicyArns = [];
  one.addToRolePolicy(writeLog(log));
}
