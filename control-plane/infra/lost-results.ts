import type { ControlPlane } from '@cdklabs/sbt-aws';
import type { Stack } from 'aws-cdk-lib';
import { CfnRule } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { NagSuppressions } from 'cdk-nag';
import { deadLetterQueue } from '../../infra/dead-letter-queue.ts';

/**
 * Adds a dead-letter queue to SBT's rules, which deliver the results of the application plane to the API. Without it, a
 * result that the API never accepts would be lost.
 */
export function keepLostResults(scope: Stack, controlPlane: ControlPlane): void {
  const queue = deadLetterQueue(
    scope,
    'LostResults',
    'Results of the application plane did not reach the control plane',
  );
  const rules = controlPlane.node.findAll().filter((one) => one instanceof CfnRule);
  for (const rule of rules) rule.addPropertyOverride('Targets.0.DeadLetterConfig', { Arn: queue.queueArn });
  NagSuppressions.addResourceSuppressions(queue, [
    { id: 'AwsSolutions-SQS3', reason: "This is the dead-letter queue of SBT's rules, set by a property override." },
  ]);
  queue.addToResourcePolicy(
    new PolicyStatement({
      actions: ['sqs:SendMessage'],
      principals: [new ServicePrincipal('events.amazonaws.com')],
      resources: [queue.queueArn],
      conditions: { ArnEquals: { 'aws:SourceArn': rules.map((rule) => rule.attrArn) } },
    }),
  );
}
