import { Duration } from 'aws-cdk-lib';
import { Alarm, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { type PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  type AssetCode,
  type FunctionProps,
  Function as LambdaFunction,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

export interface PlatformFunctionProps {
  readonly description: string;
  readonly code: AssetCode;
  readonly environment: Readonly<Record<string, string>>;
  /** Everything that the function's role allows, except writing its own log. */
  readonly statements: readonly PolicyStatement[];
  readonly logRetention: RetentionDays;
  /** @default 29, the longest time that API Gateway waits */
  readonly timeoutSeconds?: number;
  /** Receives asynchronous invocations that failed. @default - they are dropped after Lambda's retries */
  readonly deadLetters?: IQueue;
  /** Where the function runs. @default - outside of every VPC */
  readonly network?: Pick<FunctionProps, 'vpc' | 'vpcSubnets' | 'securityGroups'>;
}

/** A function with a role and a log of its own. `alarmOnErrors` adds an alarm. */
export function platformFunction(scope: Construct, id: string, props: PlatformFunctionProps): LambdaFunction {
  const within = new Construct(scope, id);
  const logGroup = new LogGroup(within, 'Log', { retention: props.logRetention });
  const role = new Role(within, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  logGroup.grantWrite(role);
  for (const statement of props.statements) role.addToPolicy(statement);
  return new LambdaFunction(within, 'Function', {
    description: props.description,
    code: props.code,
    handler: 'index.handler',
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    memorySize: 512,
    timeout: Duration.seconds(props.timeoutSeconds ?? 29),
    environment: props.environment,
    logGroup,
    role,
    ...(props.deadLetters && { deadLetterQueue: props.deadLetters }),
    ...props.network,
  });
}

/** An alarm that fires when an invocation fails. */
export function alarmOnErrors(one: LambdaFunction): Alarm {
  return new Alarm(one, 'Errors', {
    alarmDescription: `${one.node.path} fails`,
    metric: one.metricErrors({ period: Duration.minutes(5) }),
    threshold: 1,
    evaluationPeriods: 1,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
}
