import { Duration } from 'aws-cdk-lib';
import type { ITable, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import { type PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  type AssetCode,
  FilterCriteria,
  FilterRule,
  Function as LambdaFunction,
  Runtime,
  StartingPosition,
} from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource, SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { NagSuppressions } from 'cdk-nag';
import { Construct } from 'constructs';

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
    this.function = createFunction(this, props);
    this.function.addEventSource(newEventsOf(props));
    new Rule(this, 'EachMinute', {
      description: 'Publishes events that the stream did not trigger',
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaTarget(this.function, { deadLetterQueue: props.deadLetters })],
    });
    NagSuppressions.addResourceSuppressions(this.node.findChild('Role').node.findChild('DefaultPolicy'), [
      {
        id: 'AwsSolutions-IAM5',
        reason: 'dynamodb:ListStreams, which is needed to read a stream, supports no resource.',
        appliesTo: ['Resource::*'],
      },
    ]);
  }
}

function createFunction(scope: Construct, props: OutboxPublisherProps): LambdaFunction {
  const logGroup = new LogGroup(scope, 'Log', { retention: props.logRetention });
  const role = new Role(scope, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  logGroup.grantWrite(role);
  for (const statement of props.statements) role.addToPolicy(statement);
  return new LambdaFunction(scope, 'Function', {
    description: 'Publishes the events in the outbox',
    code: props.code,
    handler: 'index.handler',
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    memorySize: 512,
    timeout: Duration.seconds(60),
    environment: props.environment,
    logGroup,
    role,
    deadLetterQueue: props.deadLetters,
  });
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
