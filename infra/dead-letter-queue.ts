import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

/**
 * A queue that keeps undelivered messages for 14 days, with an alarm that fires as soon as it contains one.
 * @param more of the queue's properties. @default - a generated name
 */
export function deadLetterQueue(
  scope: Construct,
  id: string,
  description: string,
  more: Pick<QueueProps, 'queueName' | 'visibilityTimeout'> = {},
): Queue {
  const queue = new Queue(scope, id, {
    ...more,
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
  });
  new Alarm(scope, `${id}Alarm`, {
    alarmDescription: description,
    metric: queue.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(1), statistic: 'max' }),
    threshold: 0,
    comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
    evaluationPeriods: 1,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
  return queue;
}
