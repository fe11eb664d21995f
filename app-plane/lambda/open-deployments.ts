import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ECSClient } from '@aws-sdk/client-ecs';
import { LambdaClient } from '@aws-sdk/client-lambda';
import type { DeploymentTemplate } from '../../adapters/aws/runtime/deployment-template.ts';
import { StackRuntime } from '../../adapters/aws/runtime/runtime.ts';
import { openSmokeInvocation } from '../../adapters/aws/runtime/smoke-invocation.ts';
import { StackTenantData } from '../../adapters/aws/runtime/tenant-data.ts';
import { DomainError } from '../../core/errors.ts';
import { deploymentIdOf } from '../../core/plan/deployment.ts';
import { placeOf } from '../../core/plan/place.ts';
import type { Clock, RandomBytes } from '../../core/ports/clock.ts';
import type { Identity } from '../../core/ports/identity.ts';
import type { Manifests, PublishedRelease } from '../../core/ports/manifests.ts';
import type { Places } from '../../core/ports/places.ts';
import type { Table } from '../../core/ports/table.ts';
import { createCallLimiter } from '../../core/usage/call-limiter.ts';
import { SERVICES, TIERS } from '../../tenant-templates/tiers.ts';
import { type SiloTemplateOptions, siloDataTemplate, siloTemplate } from '../infra/tenant-stacks/silo-parameters.ts';
import { createCheckedRuntime } from '../provisioner/checked-runtime.ts';
import { createDeploymentDriver, type EnvironmentOf } from '../provisioner/drivers/deployment.ts';
import type { Environment } from './environment.ts';

/** The environment variables that `openDeploymentDriver` reads. */
export const DEPLOYMENT_VARIABLES = [
  ...(['TIERPLANE_PREFIX', 'TIERPLANE_ENVIRONMENT', 'TIERPLANE_DEPLOYMENT_ROLE'] as const),
  ...(['TIERPLANE_POOL_STACK', 'TIERPLANE_POOLED_TABLES', 'TIERPLANE_NETWORK', 'TIERPLANE_SMOKE_FUNCTION'] as const),
  ...(['TIERPLANE_USERS_FUNCTION', 'TIERPLANE_CPU_ARCHITECTURE', 'TIERPLANE_TIERS'] as const),
  ...(['TIERPLANE_ALARM_TOPIC'] as const),
] as const;
type Variables = Pick<Environment, (typeof DEPLOYMENT_VARIABLES)[number]>;

export interface DeploymentParts {
  readonly manifests: Manifests;
  /** That of the release that new tenants get. */
  readonly current: PublishedRelease;
  readonly table: Table;
  readonly dynamo: DynamoDBClient;
  readonly identity: Identity;
  readonly places: Places;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** The SDK waits between its attempts by itself, longer while a service throttles. */
export const PATIENT = { maxAttempts: 6, retryMode: 'adaptive' } as const;
/** ECS registers one task definition per second, and a deployment has up to four. */
const DEPLOYMENTS = { rate: 0.25, burst: 5 };
/** CloudFormation creates about five stacks per second, also those of deployments. */
const DATA_STACKS = { rate: 3, burst: 5 };

/** The driver of what silo tenants have to themselves, over CloudFormation stacks. Each tenant keeps its release. */
export function openDeploymentDriver(variables: Variables, parts: DeploymentParts) {
  const { table, clock, random, places, current } = parts;
  const cloudFormation = new CloudFormationClient(PATIENT);
  const runtime = runtimeOf(variables, parts, cloudFormation);
  const data = new StackTenantData({
    ...{ cloudFormation, dynamo: parts.dynamo, clock, random },
    ...commonOf(variables),
    template: siloDataTemplate(current),
    pooledTables: variables.TIERPLANE_POOLED_TABLES,
    hasServices: async (tenantId) => (await runtime.deployment(deploymentIdOf(tenantId))).state !== 'absent',
    limiter: createCallLimiter({ name: 'data-stacks', limit: DATA_STACKS, table, clock }),
  });
  const smoke = openSmokeInvocation(new LambdaClient(), variables.TIERPLANE_SMOKE_FUNCTION);
  return createDeploymentDriver({
    runtime: createCheckedRuntime({ runtime, smoke, table, clock, random }),
    ...{ data, places, services: SERVICES, release: current.release, keepsReleases: true },
    environmentOf: issuersOf(parts.identity),
  });
}

/** What both kinds of stack of a tenant have in common. */
function commonOf({ TIERPLANE_PREFIX: prefix, TIERPLANE_DEPLOYMENT_ROLE: roleArn, ...variables }: Variables) {
  return { prefix, roleArn, environmentName: variables.TIERPLANE_ENVIRONMENT };
}

function runtimeOf(
  variables: Variables,
  { table, clock, manifests, current }: DeploymentParts,
  cloudFormation: CloudFormationClient,
): StackRuntime {
  return new StackRuntime({
    ...{ cloudFormation, ecs: new ECSClient(PATIENT), clock, ...commonOf(variables) },
    template: releasesTemplate(current, manifests, {
      network: variables.TIERPLANE_NETWORK,
      cpuArchitecture: variables.TIERPLANE_CPU_ARCHITECTURE,
      usersFunctionArn: variables.TIERPLANE_USERS_FUNCTION,
      alarmTopicArn: variables.TIERPLANE_ALARM_TOPIC,
      tiers: variables.TIERPLANE_TIERS,
    }),
    poolStack: variables.TIERPLANE_POOL_STACK,
    limiter: createCallLimiter({ name: 'deployments', limit: DEPLOYMENTS, table, clock }),
  });
}

/** The templates with which each release was installed. Only they differ between releases. */
export function releasesTemplate(
  current: PublishedRelease,
  manifests: Manifests,
  options: Omit<SiloTemplateOptions, 'manifest'>,
): DeploymentTemplate {
  const templateOf = (manifest: PublishedRelease) => siloTemplate({ ...options, manifest });
  return {
    ...templateOf(current),
    variantOf: async (spec) => templateOf(await manifests.of(spec.release)).variantOf(spec),
  };
}

/** The user pool whose tokens the tenant's services accept, in the format that they read on AWS. */
function issuersOf(identity: Identity): EnvironmentOf {
  return async (_cluster, tenantId, tier) => {
    const { realm } = placeOf(tenantId ?? '', TIERS[tier]);
    const config = await identity.realm(realm);
    if (!config) throw new DomainError('UNAVAILABLE', `realm ${realm} must exist before the services of its tenant`);
    const { issuer, clientId } = config;
    return { TIERPLANE_ISSUERS: JSON.stringify([{ issuer, realm, clientIds: [clientId] }]) };
  };
}
