import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ECSClient } from '@aws-sdk/client-ecs';
import { KMSClient } from '@aws-sdk/client-kms';
import { SQSClient } from '@aws-sdk/client-sqs';
import { openDeadLetters } from '../../adapters/aws/events/replay.ts';
import { openTenantQueue } from '../../adapters/aws/events/tenant-queue.ts';
import { openIdentity } from '../../adapters/aws/identity/identity.ts';
import { openPasswordVault } from '../../adapters/aws/identity/password-vault.ts';
import { openUserPools } from '../../adapters/aws/identity/user-pool.ts';
import { hasData } from '../../adapters/aws/runtime/data-presence.ts';
import { DeployedStacks } from '../../adapters/aws/runtime/deployed-stacks.ts';
import { openStackWork, type StackWork } from '../../adapters/aws/runtime/stack-work.ts';
import { Stacks } from '../../adapters/aws/runtime/stacks.ts';
import { openTable } from '../../adapters/aws/store/table.ts';
import type { AppPlaneDeps, ComputeDeps, TenantDeps } from '../../control-plane/api/http/deps.ts';
import { isDomainError } from '../../core/errors.ts';
import { createMailLimits } from '../../core/identity/users/mail-limits.ts';
import type { Clock, RandomBytes } from '../../core/ports/clock.ts';
import { askedOnly, type Guard } from '../../core/ports/guard.ts';
import type { Identity } from '../../core/ports/identity.ts';
import type { Log } from '../../core/ports/log.ts';
import type { Table } from '../../core/ports/table.ts';
import { guardedTable } from '../../core/retry/guarded-table.ts';
import { shapeOf } from '../../tenant-templates/shape.ts';
import { SERVICES, TIERS } from '../../tenant-templates/tiers.ts';
import { DEPLOYED_SERVICES } from '../infra/tenant-stacks/silo-parameters.ts';
import { createDeploymentObserver } from '../provisioner/drivers/deployment.ts';
import { createIdentityObserver } from '../provisioner/drivers/identity.ts';
import { createRoutingObserver } from '../provisioner/drivers/routing.ts';
import { liveSteps } from '../provisioner/live-steps.ts';
import { loadPlacement } from '../provisioner/placement.ts';
import { createReleases } from '../provisioner/release.ts';
import { planOf } from '../provisioner/verdict.ts';
import type { Environment } from './environment.ts';

/** The environment variables that `openOperator` reads. */
export const OPERATOR_VARIABLES = [
  ...(['AWS_REGION', 'TIERPLANE_TABLE', 'TIERPLANE_CONTROL_PLANE_TABLE', 'TIERPLANE_PREFIX'] as const),
  ...(['TIERPLANE_PASSWORD_KEY', 'TIERPLANE_WORK_QUEUE', 'TIERPLANE_RELEASE', 'TIERPLANE_POOL_STACK'] as const),
  ...(['TIERPLANE_POOLED_TABLES'] as const),
] as const;
type Variables = Pick<Environment, (typeof OPERATOR_VARIABLES)[number]>;

export interface ProcessParts {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
}

export interface Operator {
  /** The control plane's table, which also holds the records of operators. */
  readonly table: Table;
  /**
   * What the operations need.
   * @param guard permits each change. @default - every change is permitted
   */
  depsFor(guard?: Guard): AppPlaneDeps;
}

/** The consumer that the application plane's list of dead letters shows for events that were never published. */
const OUTBOX_NAME = 'app-plane-outbox';
/** The SDK waits between its attempts by itself, longer while a service throttles. */
const PATIENT = { maxAttempts: 4, retryMode: 'adaptive' } as const;

/** The operator's view of the application plane: its stacks, services, users, placements and dead letters. */
export function openOperator(variables: Variables, parts: ProcessParts): Operator {
  const { clock, random, log } = parts;
  const dynamo = new DynamoDBClient();
  const open = (tableName: string) => openTable({ client: dynamo, tableName, clock, random });
  const table = open(variables.TIERPLANE_CONTROL_PLANE_TABLE);
  const appPlane = open(variables.TIERPLANE_TABLE);
  const identity = identityOf(variables, appPlane, parts);
  const { runtime, work, planDeps } = computeOf(variables, { table: appPlane, dynamo, identity });
  const sqs = new SQSClient();
  const queue = openTenantQueue(sqs, variables.TIERPLANE_WORK_QUEUE);
  return {
    table,
    depsFor(guard) {
      const own = guard ? guardedTable(appPlane, askedOnly(guard)) : appPlane;
      const operator: TenantDeps['operator'] = {
        bus: openDeadLetters({ table: own, sqs, queuePrefix: `${variables.TIERPLANE_PREFIX}-` }),
        outboxes: [{ name: OUTBOX_NAME, table: own }],
        tiers: TIERS,
        progress: (tenantId) => progressOf(tenantId, { table: appPlane, work, log }),
      };
      const compute: ComputeDeps = {
        runtime,
        plan: (tenantId) => planOf(tenantId, planDeps),
        releases: createReleases({
          ...{ table: own, clock, release: variables.TIERPLANE_RELEASE, keepsReleases: true },
          queue: (tenantId) => queue.send([{ tenantId }]),
        }),
      };
      return {
        table: guard ? guardedTable(table, guard) : table,
        identity: guard ? identity.guardedBy(guard) : identity,
        ...{ clock, random, log, operator, compute },
      };
    },
  };
}

/** The tenants' users. The records that guards read are in the control plane's table. */
function identityOf(variables: Variables, table: Table, { clock, random }: ProcessParts): Identity {
  return guardedFromElsewhere(
    openIdentity({
      ...{ table, clock, region: variables.AWS_REGION },
      // Of this instance of the function; Cognito has limits of the whole account.
      mailLimits: createMailLimits(clock),
      pools: openUserPools(new CognitoIdentityProviderClient(), { prefix: variables.TIERPLANE_PREFIX, random }),
      vault: openPasswordVault(new KMSClient(), variables.TIERPLANE_PASSWORD_KEY),
    }),
  );
}

function guardedFromElsewhere(identity: Identity): Identity {
  return { ...identity, guardedBy: (guard) => guardedFromElsewhere(identity.guardedBy(askedOnly(guard))) };
}

interface ComputeParts {
  readonly table: Table;
  readonly dynamo: DynamoDBClient;
  readonly identity: Identity;
}

function computeOf(variables: Variables, { table, dynamo, identity }: ComputeParts) {
  const { TIERPLANE_PREFIX: prefix, TIERPLANE_POOL_STACK: poolStack } = variables;
  const { TIERPLANE_POOLED_TABLES: pooledTables, TIERPLANE_RELEASE: currentRelease } = variables;
  const stacks = new Stacks(new CloudFormationClient(PATIENT));
  const services = DEPLOYED_SERVICES;
  const runtime = new DeployedStacks({ stacks, ecs: new ECSClient(PATIENT), services, prefix, poolStack });
  const data = { has: (tenantId: string) => hasData(tenantId, { stacks, dynamo, prefix, pooledTables }) };
  const drivers = [
    createIdentityObserver({ identity }),
    createDeploymentObserver({ runtime, data, services: SERVICES, keepsReleases: true }),
    createRoutingObserver({ table, meteringKeys: { keptIn: 'service' } }),
  ];
  return {
    runtime,
    work: openStackWork({ stacks, services, prefix }),
    planDeps: {
      ...{ table, drivers, currentRelease, maxTenants: {}, noDelete: false },
      shapeOf: (...[spec, version]: Parameters<Parameters<typeof planOf>[1]['shapeOf']>) =>
        shapeOf(spec, TIERS, SERVICES, version),
    },
  };
}

/** The steps of a tenant's placement with what its stacks do at the moment, if CloudFormation responds. */
async function progressOf(
  tenantId: string,
  { table, work, log }: { readonly table: Table; readonly work: StackWork; readonly log: Log },
) {
  const steps = (await loadPlacement(table, tenantId))?.data.steps ?? [];
  try {
    return await liveSteps(steps, tenantId, work);
  } catch (error) {
    if (!isDomainError(error, 'UNAVAILABLE')) throw error;
    log.warn({ tenantId, err: error }, 'the events of the stacks cannot be read');
    return steps;
  }
}
