import { Duration, Stack } from 'aws-cdk-lib';
import { Alarm, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { FilterPattern, MetricFilter } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { bundle } from '../../../infra/bundle.ts';
import type { Configuration } from '../../../infra/configuration.ts';
import { readItems, writeItems, writeTable } from '../../../infra/permissions.ts';
import { platformFunction } from '../../../infra/platform-function.ts';
import { suppressWildcards } from '../../../infra/suppress-wildcards.ts';
import type { SharedInfra } from '../shared-infra/shared-infra.ts';
import type { Release } from '../tenant-stacks/release.ts';
import type { DeploymentRole } from './deployment-role.ts';
import { reconcilePermissions } from './reconcile-permissions.ts';
import type { RequestQueue } from './request-queue.ts';
import type { SmokeFunction } from './smoke-function.ts';
import type { WorkQueue } from './work-queue.ts';

export interface ProvisionerFunctionsProps {
  /** `tierplane-<environment>`. */
  readonly prefix: string;
  readonly environmentName: string;
  readonly configuration: Configuration;
  readonly infra: SharedInfra;
  readonly requests: RequestQueue;
  readonly work: WorkQueue;
  /** JSON of the network. */
  readonly network: string;
  readonly deploymentRole: DeploymentRole;
  readonly smoke: SmokeFunction;
  readonly release: Release;
  readonly pool: { readonly stackName: string; readonly tableNames: readonly string[] };
}

/** How long an invocation may take. One step of a reconcile pass takes up to 40 s; see PASS_MS of the function. */
export const TIMEOUT_SECONDS = { accept: 20, reconcile: 90, sweep: 50 } as const;
/** How many invocations of a function run at the same time, at most. AWS limits the calls of an account. */
const ACCEPTS = 10;
const PASSES = 10;

/** The functions of the provisioner: accept, dead letters, reconcile and sweep. */
export class ProvisionerFunctions extends Construct {
  readonly all: readonly LambdaFunction[];
  readonly #props: ProvisionerFunctionsProps;

  constructor(scope: Construct, id: string, props: ProvisionerFunctionsProps) {
    super(scope, id);
    this.#props = props;
    // The functions read the manifest when they start.
    this.node.addDependency(props.release);
    this.all = [this.#accept(), this.#deadLetters(), this.#reconcile(), this.#sweep()];
  }

  get #common() {
    const { infra, work, configuration } = this.#props;
    return {
      environment: { TIERPLANE_TABLE: infra.table.tableName, TIERPLANE_WORK_QUEUE: work.queue.queueUrl },
      send: new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [work.queue.queueArn] }),
      logRetention: configuration.logRetentionDays,
    };
  }

  #accept(): LambdaFunction {
    const { environment, send, logRetention } = this.#common;
    const { infra, requests } = this.#props;
    const accept = platformFunction(this, 'Accept', {
      description: "Accepts the control plane's requests",
      code: bundle(this, 'app-plane/lambda/accept'),
      statements: [readItems(infra.table), writeItems(infra.table), send],
      ...{ environment, logRetention, timeoutSeconds: TIMEOUT_SECONDS.accept },
    });
    accept.addEventSource(
      new SqsEventSource(requests.queue as IQueue, {
        ...{ batchSize: 10, maxConcurrency: ACCEPTS, reportBatchItemFailures: true },
      }),
    );
    this.#alarmOnDeadLetters(accept);
    return accept;
  }

  /** The accept function stores most dead letters itself, so no queue shows them. */
  #alarmOnDeadLetters(accept: LambdaFunction): void {
    const filter = new MetricFilter(this, 'StoredDeadLetters', {
      logGroup: accept.logGroup,
      filterPattern: FilterPattern.all(
        FilterPattern.stringValue('$.msg', '=', 'event failed'),
        FilterPattern.booleanValue('$.final', true),
      ),
      ...{ metricNamespace: this.#props.prefix, metricName: 'DeadLetters' },
    });
    new Alarm(this, 'DeadLettersStored', {
      alarmDescription: 'A request became a dead letter; see tierplane events dead-letters',
      metric: filter.metric({ period: Duration.minutes(5), statistic: 'sum' }),
      ...{ threshold: 1, evaluationPeriods: 1, treatMissingData: TreatMissingData.NOT_BREACHING },
    });
  }

  #deadLetters(): LambdaFunction {
    const { infra, requests } = this.#props;
    const { environment, logRetention } = this.#common;
    const deadLetters = platformFunction(this, 'DeadLetters', {
      description: 'Stores requests that could not be accepted as dead letters',
      code: bundle(this, 'app-plane/lambda/dead-letters'),
      environment: { TIERPLANE_TABLE: environment.TIERPLANE_TABLE },
      statements: [readItems(infra.table), writeItems(infra.table)],
      ...{ logRetention, timeoutSeconds: TIMEOUT_SECONDS.accept },
    });
    const batch = { batchSize: 10, maxConcurrency: 2, reportBatchItemFailures: true };
    deadLetters.addEventSource(new SqsEventSource(requests.deadLetters as IQueue, batch));
    return deadLetters;
  }

  #reconcile(): LambdaFunction {
    const { infra, work, prefix, release, smoke, deploymentRole, pool } = this.#props;
    const { send, logRetention } = this.#common;
    const deploymentRoleArn = deploymentRole.arn;
    const reconcile = platformFunction(this, 'Reconcile', {
      description: 'Brings tenants closer to their desired state',
      code: bundle(this, 'app-plane/lambda/reconcile'),
      environment: this.#reconcileEnvironment(),
      statements: [
        send,
        ...reconcilePermissions(this, {
          ...{ prefix, infra, deploymentRoleArn, releases: release.objects },
          ...{ smoke: smoke.function, pooledTables: pool.tableNames },
        }),
      ],
      ...{ logRetention, timeoutSeconds: TIMEOUT_SECONDS.reconcile },
    });
    const batch = { batchSize: 1, maxConcurrency: PASSES, reportBatchItemFailures: true };
    reconcile.addEventSource(new SqsEventSource(work.queue as IQueue, batch));
    suppressWildcards(reconcile, {
      reason:
        "Tenants' stacks, tables, services, user pools and API keys do not exist yet. Names begin with the environment's prefix, user pools have its tag, and API keys are of the account.",
    });
    return reconcile;
  }

  #reconcileEnvironment(): Record<string, string> {
    const { infra, prefix, environmentName, configuration, network, deploymentRole, smoke, release, pool } =
      this.#props;
    const { functions } = infra;
    const json = (value: unknown) => Stack.of(this).toJsonString(value);
    return {
      ...this.#common.environment,
      ...{ TIERPLANE_PREFIX: prefix, TIERPLANE_ENVIRONMENT: environmentName, TIERPLANE_NETWORK: network },
      TIERPLANE_PASSWORD_KEY: infra.passwordKey.keyArn,
      ...{ TIERPLANE_API_URL: infra.restApi.url, TIERPLANE_APP_URL: infra.sites.app.url },
      TIERPLANE_USAGE_PLANS: json(infra.restApi.usagePlanIds),
      TIERPLANE_MANIFEST: release.reference,
      TIERPLANE_DEPLOYMENT_ROLE: deploymentRole.arn,
      TIERPLANE_POOL_STACK: pool.stackName,
      TIERPLANE_POOLED_TABLES: json(pool.tableNames),
      TIERPLANE_SMOKE_FUNCTION: smoke.function.functionArn,
      TIERPLANE_POOL_USER_POOL: infra.pool.userPool.userPoolId,
      TIERPLANE_POOL_CLIENT: infra.pool.clientId,
      TIERPLANE_PRE_TOKEN_FUNCTION: functions.preToken.functionArn,
      TIERPLANE_CUSTOM_MESSAGE_FUNCTION: functions.customMessage.functionArn,
      TIERPLANE_USERS_FUNCTION: functions.tenantUsers.functionArn,
      TIERPLANE_OWN_POOL_MFA: configuration.ownPoolMfa,
      TIERPLANE_CPU_ARCHITECTURE: configuration.cpuArchitecture,
      TIERPLANE_TIERS: json(configuration.tiers),
      TIERPLANE_ALARM_TOPIC: infra.alarmTopics.critical.topicArn,
    };
  }

  #sweep(): LambdaFunction {
    const { infra } = this.#props;
    const { environment, send, logRetention } = this.#common;
    const [read] = writeTable(infra.table);
    const sweep = platformFunction(this, 'Sweep', {
      description: 'Sends tenants whose work is due to the work queue',
      code: bundle(this, 'app-plane/lambda/sweep'),
      statements: [...(read ? [read] : []), send],
      ...{ environment, logRetention, timeoutSeconds: TIMEOUT_SECONDS.sweep },
    });
    new Rule(this, 'EachMinute', {
      description: 'Looks for tenants whose work is due',
      schedule: Schedule.rate(Duration.minutes(1)),
      // The next minute tries again.
      targets: [new LambdaTarget(sweep, { retryAttempts: 0 })],
    });
    return sweep;
  }
}
