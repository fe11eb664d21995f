import { Duration } from 'aws-cdk-lib';
import { type EventBus, type IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { CONTROL_PLANE_SOURCE } from '../../../core/events/events.ts';
import { deadLetterQueue } from '../../../infra/dead-letter-queue.ts';

export interface RequestQueueProps {
  /** `<prefix>-<consumer>`; its dead-letter queue ends with `-dead`. adapters/aws/events/event-bus.ts finds it by this name. */
  readonly queueName: string;
  readonly bus: IEventBus;
  readonly detailTypes: readonly string[];
  /** How long a message stays invisible while a function handles it. */
  readonly visibilityTimeout: Duration;
}

/** The function makes a dead letter of a message before the queue does. See `deliver`. */
const MAX_RECEIVES = 11;

/** A consumer's queue, which receives the control plane's requests from SBT's bus. */
export class RequestQueue extends Construct {
  readonly queue: Queue;
  /** Receives messages that ended the function in every attempt, and events that could not be delivered. */
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, props: RequestQueueProps) {
    super(scope, id);
    const { queueName, bus, detailTypes, visibilityTimeout } = props;
    this.deadLetters = deadLetterQueue(this, 'Dead', `Requests in ${queueName}-dead were not stored as dead letters`, {
      queueName: `${queueName}-dead`,
      visibilityTimeout,
    });
    this.queue = new Queue(this, 'Queue', {
      ...{ queueName, visibilityTimeout, encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true },
      retentionPeriod: Duration.days(14),
      // CDK declares its classes without exact optional properties, so they do not match its own interfaces.
      deadLetterQueue: { queue: this.deadLetters as IQueue, maxReceiveCount: MAX_RECEIVES },
    });
    new Rule(this, 'Requests', {
      description: "The control plane's requests to the application plane",
      eventBus: bus as EventBus,
      eventPattern: { source: [CONTROL_PLANE_SOURCE], detailType: [...detailTypes] },
      targets: [new SqsQueue(this.queue as IQueue, { deadLetterQueue: this.deadLetters as IQueue })],
    });
  }
}
