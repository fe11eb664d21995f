import { Stack } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { bundle } from '../../../infra/bundle.ts';
import { platformFunction } from '../../../infra/platform-function.ts';
import { suppressWildcards } from '../../../infra/suppress-wildcards.ts';
import type { SharedInfra } from '../shared-infra/shared-infra.ts';
import { operatorPermissions } from './operator-permissions.ts';
import { type ControlPlaneApi, OperatorRoutes } from './operator-routes.ts';
import type { RequestQueue } from './request-queue.ts';
import type { WorkQueue } from './work-queue.ts';

/** What the operator function uses of the control plane. */
export interface OperatedControlPlane extends ControlPlaneApi {
  readonly table: Table;
  /** SBT's machine client, and the client for scripts. */
  readonly machineClientId: string;
  readonly automationClientId: string;
}

export interface OperatorFunctionProps {
  /** `tierplane-<environment>`. */
  readonly prefix: string;
  readonly infra: Pick<SharedInfra, 'table' | 'passwordKey'>;
  readonly controlPlane: OperatedControlPlane;
  /** The stack of the pooled services, and the names of its tables. */
  readonly pool: { readonly stackName: string; readonly tableNames: readonly string[] };
  readonly requests: RequestQueue;
  readonly work: WorkQueue;
  /** The release that new tenants get. */
  readonly release: string;
  readonly logRetention: RetentionDays;
}

/** The function that serves the operator's routes of the control plane's API. */
export class OperatorFunction extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: OperatorFunctionProps) {
    super(scope, id);
    const { prefix, infra, controlPlane, pool, requests, work, release, logRetention } = props;
    this.function = platformFunction(this, 'Routes', {
      description: "Operators' requests about the application plane",
      code: bundle(this, 'app-plane/lambda/operator'),
      environment: {
        TIERPLANE_TABLE: infra.table.tableName,
        TIERPLANE_CONTROL_PLANE_TABLE: controlPlane.table.tableName,
        ...{ TIERPLANE_PREFIX: prefix, TIERPLANE_RELEASE: release },
        TIERPLANE_PASSWORD_KEY: infra.passwordKey.keyArn,
        TIERPLANE_WORK_QUEUE: work.queue.queueUrl,
        TIERPLANE_POOL_STACK: pool.stackName,
        TIERPLANE_POOLED_TABLES: Stack.of(this).toJsonString(pool.tableNames),
        TIERPLANE_MACHINE_CLIENT: controlPlane.machineClientId,
        TIERPLANE_AUTOMATION_CLIENT: controlPlane.automationClientId,
      },
      statements: operatorPermissions(this, {
        ...{ prefix, pool, table: infra.table, controlPlaneTable: controlPlane.table },
        // CDK declares its classes without exact optional properties, so they do not match its own interfaces.
        ...{ work: work.queue as IQueue, accept: requests.queue as IQueue },
      }),
      logRetention,
    });
    new OperatorRoutes(this, 'Api', controlPlane, this.function);
    suppressWildcards(this.function, {
      reason:
        "Tenants' stacks, services, tasks and user pools do not exist yet: names begin with the environment's prefix, and user pools have its tag. Stacks and tasks can be listed only without a resource.",
    });
  }
}
