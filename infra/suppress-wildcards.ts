import type { Policy } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { NagSuppressions } from 'cdk-nag';

/**
 * Accepts wildcards in the policy of a function's role, which cdk-nag reports otherwise.
 * @param appliesTo the findings, as cdk-nag writes them. @default - every wildcard of the policy
 */
export function suppressWildcards(
  { role }: LambdaFunction,
  { reason, appliesTo }: { readonly reason: string; readonly appliesTo?: string[] },
): void {
  NagSuppressions.addResourceSuppressions(role?.node.findChild('DefaultPolicy') as Policy, [
    { id: 'AwsSolutions-IAM5', reason, ...(appliesTo && { appliesTo }) },
  ]);
}
