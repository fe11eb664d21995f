import type { Stack } from 'aws-cdk-lib';
import type { CfnRole } from 'aws-cdk-lib/aws-iam';
import type { CfnFunction, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { AwsCustomResource } from 'aws-cdk-lib/custom-resources';
import { writeLog } from './permissions.ts';

/**
 * Limits the function that CDK adds for custom resources; SBT reads its client's secret with it during deployment. By
 * default its log never expires and its role may write every log. Here the log has a retention and the role may write
 * only that log.
 * @throws if the stack has no such function
 */
export function boundCdkFunction(stack: Stack, retention: RetentionDays): void {
  const id = `AWS${AwsCustomResource.PROVIDER_FUNCTION_UUID.replaceAll('-', '')}`;
  const one = stack.node.findChild(id) as LambdaFunction;
  const log = new LogGroup(stack, 'CdkFunctionLog', { retention });
  (one.node.defaultChild as CfnFunction).loggingConfig = { logGroup: log.logGroupName };
  (one.role?.node.defaultChild as CfnRole).managedPolicyArns = [];
  one.addToRolePolicy(writeLog(log));
}
