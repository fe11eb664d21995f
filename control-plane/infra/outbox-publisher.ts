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
  /** Takes notice of what could not be published. */
  readonly deadLetters: IQueue;
  readonly logRetention: RetentionDays;
}

/** Moves events from the table's outbox to the bus: at once, by the table's stream, and each minute in case that failed. */
export class OutboxPublisher extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: OutboxPublisherProps) {
    super(scope, id);
    const logGroup = new LogGroup(this, 'Log', { retention: props.logRetention });
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);
    for (const statement of props.statements) role.addToPolicy(statement);

    this.function = new LambdaFunction(this, 'Function', {
      description: "Publishes the outbox's events",
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
    this.function.addEventSource(
      // CDK declares its classes without exact optional properties, so they do not match its own interfaces.
      new DynamoEventSource(props.table as ITable, {
        startingPosition: StartingPosition.TRIM_HORIZON,
        // Whatever it is woken for, it drains all there is.
        batchSize: 100,
        retryAttempts: 10,
        onFailure: new SqsDlq(props.deadLetters),
        filters: [
          FilterCriteria.filter({
            eventName: FilterRule.isEqual('INSERT'),
            dynamodb: { Keys: { pk: { S: FilterRule.isEqual('outbox') } } },
          }),
        ],
      }),
    );
    NagSuppressions.addResourceSuppressions(role.node.findChild('DefaultPolicy'), [
      {
        id: 'AwsSolutions-IAM5',
        reason: 'dynamodb:ListStreams, which reading a stream needs, names no resource.',
        appliesTo: ['Resource::*'],
      },
    ]);
    new Rule(this, 'EachMinute', {
      description: 'Publishes what the stream did not wake anyone for',
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaTarget(this.function, { deadLetterQueue: props.deadLetters })],
    });
  }
}
