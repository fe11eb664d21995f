import { Duration } from 'aws-cdk-lib';
import type { ITable, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import {
  type AssetCode,
  FilterCriteria,
  FilterRule,
  type Function as LambdaFunction,
  StartingPosition,
} from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource, SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { platformFunction } from './platform-function.ts';
import { suppressWildcards } from './suppress-wildcards.ts';

export interface OutboxPublisherProps {
  readonly table: Table;
  readonly code: AssetCode;
  readonly environment: Readonly<Record<string, string>>;
  readonly statements: readonly PolicyStatement[];
  /** Receives a record of each event that could not be published. */
  readonly deadLetters: IQueue;
  readonly logRetention: RetentionDays;
}

/** Publishes events from the table's outbox: at once when the table's stream reports one, and every minute as a fallback. */
export class OutboxPublisher extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: OutboxPublisherProps) {
    super(scope, id);
    this.function = platformFunction(this, 'Publish', {
      description: 'Publishes the events in the outbox',
      ...props,
      timeoutSeconds: 60,
    });
    this.function.addEventSource(newEventsOf(props));
    new Rule(this, 'EachMinute', {
      description: 'Publishes events that the stream did not trigger',
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaTarget(this.function, { deadLetterQueue: props.deadLetters })],
    });
    suppressWildcards(this.function, {
      reason: 'dynamodb:ListStreams, which is needed to read a stream, supports no resource.',
      appliesTo: ['Resource::*'],
    });
  }
}

/** The table's stream, reduced to events that were added to the outbox. */
function newEventsOf({ table, deadLetters }: OutboxPublisherProps): DynamoEventSource {
  // CDK declares its classes without exact optional properties, so they do not match its own interfaces.
  return new DynamoEventSource(table as ITable, {
    startingPosition: StartingPosition.TRIM_HORIZON,
    // Each invocation publishes everything in the outbox, so one per batch is enough.
    batchSize: 100,
    retryAttempts: 10,
    onFailure: new SqsDlq(deadLetters),
    filters: [
      FilterCriteria.filter({
        eventName: FilterRule.isEqual('INSERT'),
        dynamodb: { Keys: { pk: { S: FilterRule.isEqual('outbox') } } },
      }),
    ],
  });
}
