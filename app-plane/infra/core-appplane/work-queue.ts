import { Duration, Stack } from 'aws-cdk-lib';
import { Alarm, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { type EventPattern, Match, Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { asWarning } from '../../../infra/alarms.ts';
import { deadLetterQueue } from '../../../infra/dead-letter-queue.ts';

export interface WorkQueueProps {
  /** `tierplane-<environment>`. */
  readonly prefix: string;
  /** How long a message stays invisible while a function works on it. */
  readonly visibilityTimeout: Duration;
}

const MAX_RECEIVES = 5;
/** Tenants wait too long if a message is older. */
const OLD_MINUTES = 15;

/**
 * The queue of tenants to work on. Besides the functions' own messages it receives events of stacks, deployments and tasks of silo
 * tenants from the account's default bus.
 */
export class WorkQueue extends Construct {
  readonly queue: Queue;

  constructor(scope: Construct, id: string, { prefix, visibilityTimeout }: WorkQueueProps) {
    super(scope, id);
    const queueName = `${prefix}-app-plane-work`;
    const dead = deadLetterQueue(this, 'Dead', 'Tenants could not be worked on; the sweep tries them again', {
      queueName: `${queueName}-dead`,
    });
    this.queue = new Queue(this, 'Queue', {
      ...{ queueName, visibilityTimeout, encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true },
      retentionPeriod: Duration.days(4),
      // CDK declares its classes without exact optional properties, so they do not match its own interfaces.
      deadLetterQueue: { queue: dead as IQueue, maxReceiveCount: MAX_RECEIVES },
    });
    for (const [name, { description, pattern }] of Object.entries(changes(Stack.of(this), prefix))) {
      new Rule(this, name, {
        ...{ description, eventPattern: pattern },
        targets: [new SqsQueue(this.queue as IQueue, { deadLetterQueue: dead as IQueue })],
      });
    }
    asWarning(
      new Alarm(this, 'Old', {
        alarmDescription: `A tenant waits for its work for more than ${OLD_MINUTES} minutes`,
        metric: this.queue.metricApproximateAgeOfOldestMessage({ period: Duration.minutes(5) }),
        ...{ threshold: OLD_MINUTES * 60, evaluationPeriods: 1, treatMissingData: TreatMissingData.NOT_BREACHING },
      }),
    );
  }
}

/** Changes of what belongs to silo tenants of the environment: names begin with `<prefix>-silo-`. */
function changes(
  stack: Stack,
  prefix: string,
): Readonly<Record<string, { readonly description: string; readonly pattern: EventPattern }>> {
  const silo = `${prefix}-silo-`;
  const service = (name: string) => stack.formatArn({ service: 'ecs', resource: 'service', resourceName: name });
  const stackId = stack.formatArn({ service: 'cloudformation', resource: 'stack', resourceName: silo });
  return {
    Stacks: {
      description: 'An operation on a stack of a tenant has ended',
      pattern: {
        ...{ source: ['aws.cloudformation'], detailType: ['CloudFormation Stack Status Change'] },
        detail: {
          'stack-id': Match.prefix(stackId),
          'status-details': { status: Match.anyOf(Match.suffix('_COMPLETE'), Match.suffix('_FAILED')) },
        },
      },
    },
    Deployments: {
      description: 'A deployment of a service of a tenant has ended',
      pattern: {
        ...{ source: ['aws.ecs'], detailType: ['ECS Deployment State Change'] },
        resources: Match.anyOf(Match.prefix(service(`${prefix}-shared/${silo}`)), Match.prefix(service(silo))),
        detail: { eventName: ['SERVICE_DEPLOYMENT_COMPLETED', 'SERVICE_DEPLOYMENT_FAILED'] },
      },
    },
    Tasks: {
      description: 'A task of a tenant runs or has stopped',
      pattern: {
        ...{ source: ['aws.ecs'], detailType: ['ECS Task State Change'] },
        detail: { lastStatus: ['RUNNING', 'STOPPED'], group: Match.prefix(`service:${silo}`) },
      },
    },
  };
}
