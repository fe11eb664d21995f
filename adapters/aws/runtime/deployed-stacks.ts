import type { Stack, StackResource } from '@aws-sdk/client-cloudformation';
import type { ECSClient, Service } from '@aws-sdk/client-ecs';
import { batchesOf } from '../../../core/collections/batches.ts';
import { DomainError } from '../../../core/errors.ts';
import { deploymentIdOf, tenantOf } from '../../../core/plan/deployment.ts';
import type { ClusterId } from '../../../core/ports/places.ts';
import type {
  DeploymentId,
  DeploymentStatus,
  Part,
  Runtime,
  ServiceKey,
  ServiceStatus,
} from '../../../core/ports/runtime.ts';
import { TENANT_ID } from '../../../core/tenant/ids.ts';
import type { TemplateService } from './deployment-template.ts';
import { EcsServices, isSteady } from './ecs-services.ts';
import { phaseOf, waitingFor } from './stack-phase.ts';
import { clusterOf, idOf, isDeployment, TAG, tagOf } from './stack-tags.ts';
import type { Stacks } from './stacks.ts';

export interface DeployedStacksOptions {
  readonly stacks: Stacks;
  readonly ecs: ECSClient;
  /** The services that deployments have. */
  readonly services: readonly TemplateService[];
  /** Stacks are called `<prefix>-silo-<tenant id>`. No stack of the platform itself may begin with `<prefix>-silo-`. */
  readonly prefix: string;
  /** The stack of the pooled services. */
  readonly poolStack: string;
}

/** What the account has of one service of a deployment. */
interface Found {
  readonly service: string;
  readonly resource: StackResource | undefined;
  readonly ecs: Service | undefined;
}

/** Stacks that are looked at together. Each takes up to eight calls, and CloudFormation and ECS limit them. */
const STACKS_AT_ONCE = 5;

/**
 * The stacks of the deployments as they are, and their services, which can be restarted and scaled. It creates, updates and
 * deletes no stack. Services that run in one task are restarted and scaled together.
 */
export class DeployedStacks implements Pick<Runtime, 'deployment' | 'services' | 'restartService' | 'scaleService'> {
  readonly #options: DeployedStacksOptions;
  readonly #ecs: EcsServices;

  constructor(options: DeployedStacksOptions) {
    this.#options = options;
    this.#ecs = new EcsServices(options.ecs);
  }

  async deployment(id: DeploymentId): Promise<DeploymentStatus> {
    const stack = await this.#options.stacks.find(this.nameOf(id));
    return stack ? await this.statusOf(stack) : { state: 'absent', parts: [] };
  }

  async services(filter: { cluster?: ClusterId; tenantId?: string } = {}): Promise<readonly ServiceStatus[]> {
    const statuses: ServiceStatus[] = [];
    for (const some of batchesOf(await this.#stacksOf(filter), STACKS_AT_ONCE)) {
      statuses.push(...(await Promise.all(some.map((stack) => this.#servicesOf(stack)))).flat());
    }
    return statuses.sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
  }

  async restartService(key: ServiceKey): Promise<void> {
    const { arn } = await this.#require(key);
    await this.#ecs.restart(arn);
  }

  async scaleService(key: ServiceKey, desired: number): Promise<void> {
    const { arn, max } = await this.#require(key);
    if (!Number.isInteger(desired) || desired < 0 || desired > max) {
      const msg = `must be a whole number from 0 to ${max}, got ${desired}`;
      throw new DomainError('INVALID', `desired ${msg}`, {
        issues: [{ loc: ['body', 'desired'], type: 'int_range', msg }],
      });
    }
    await this.#ecs.scale(arn, desired);
  }

  /** The name of a deployment's stack. Throws INVALID. */
  nameOf(id: DeploymentId): string {
    const tenantId = tenantOf(id);
    return tenantId === null ? this.#options.poolStack : `${this.#options.prefix}-silo-${tenantId}`;
  }

  async statusOf(stack: Stack): Promise<DeploymentStatus> {
    const phase = phaseOf(stack);
    const serving = await this.servingStatus(stack);
    if (phase === 'created') return serving;
    if (phase === 'working') return { ...serving, state: 'changing', reason: waitingFor(stack, true) };
    const { reason = stack.StackStatusReason } = await this.#options.stacks.lastOperation(stack.StackId ?? '');
    const parts = phase === 'creation failed' ? serving.parts.map((part) => failedPart(part, reason)) : serving.parts;
    return { ...serving, state: 'failed', parts, ...(reason !== undefined && { reason }) };
  }

  /** The status of a stack that no operation changes: ready as soon as all its tasks are healthy. */
  async servingStatus(stack: Stack): Promise<DeploymentStatus> {
    const parts = (await this.#find(stack)).map((one) => partOf(one, stack));
    const release = tagOf(stack, TAG.release);
    const waiting = parts.find(({ status }) => status !== 'done');
    return {
      state: waiting ? 'changing' : 'ready',
      cluster: clusterOf(stack),
      ...(release !== undefined && { release }),
      ...(waiting?.reason !== undefined && { reason: waiting.reason }),
      parts,
    };
  }

  /** The desired number of tasks of each service of the stack; undefined for a service that does not exist. */
  async taskCounts(stack: Stack): Promise<ReadonlyMap<string, number | undefined>> {
    return new Map((await this.#find(stack)).map(({ service, ecs }) => [service, ecs?.desiredCount]));
  }

  async #find(stack: Stack): Promise<Found[]> {
    const resources = await this.#options.stacks.resources(stack.StackId ?? stack.StackName ?? '');
    const existing = resources.filter(({ ResourceStatus }) => ResourceStatus !== 'DELETE_COMPLETE');
    const services = this.#options.services.map(({ service, logicalIds }) => {
      const resource = existing.find(({ LogicalResourceId = '' }) => logicalIds.includes(LogicalResourceId));
      return { service, resource };
    });
    const arns = new Set(services.flatMap(({ resource }) => resource?.PhysicalResourceId ?? []));
    const ecs = arns.size > 0 ? await this.#ecs.describe([...arns]) : new Map<string, Service>();
    return services.map((one) => ({ ...one, ecs: ecs.get(one.resource?.PhysicalResourceId ?? '') }));
  }

  async #stacksOf({ cluster, tenantId }: { cluster?: ClusterId; tenantId?: string }): Promise<Stack[]> {
    const found = tenantId === undefined ? await this.#options.stacks.all() : [await this.#stackOf(tenantId)];
    return found.filter((stack): stack is Stack => {
      if (!stack || !isDeployment(stack) || stack.StackName !== this.nameOf(idOf(stack))) return false;
      return cluster === undefined || clusterOf(stack) === cluster;
    });
  }

  /** The stack of a tenant, or of the pool for null. A malformed tenant id is one that no tenant has. */
  async #stackOf(tenantId: string | null): Promise<Stack | undefined> {
    if (tenantId !== null && !TENANT_ID.test(tenantId)) return undefined;
    return await this.#options.stacks.find(this.nameOf(deploymentIdOf(tenantId)));
  }

  async #servicesOf(stack: Stack): Promise<ServiceStatus[]> {
    const found = (await this.#find(stack)).filter(({ ecs }) => ecs !== undefined);
    return await Promise.all(
      found.map(async ({ service, ecs }) => ({
        ...{ cluster: clusterOf(stack), tenantId: tenantOf(idOf(stack)), service },
        desired: ecs?.desiredCount ?? 0,
        tasks: await this.#ecs.tasks(ecs?.serviceArn ?? ''),
        restarts: ecs?.deployments?.[0]?.failedTasks ?? 0,
        clusterName: ecs?.clusterArn?.split('/').at(-1) ?? '',
        securityGroups: ecs?.networkConfiguration?.awsvpcConfiguration?.securityGroups ?? [],
      })),
    );
  }

  /** Throws NOT_FOUND. */
  async #require({ cluster, tenantId, service }: ServiceKey): Promise<{ readonly arn: string; readonly max: number }> {
    const stack = await this.#stackOf(tenantId);
    const found = stack && clusterOf(stack) === cluster ? await this.#find(stack) : [];
    const arn = found.find((one) => one.service === service)?.ecs?.serviceArn;
    if (!stack || arn === undefined) {
      throw new DomainError('NOT_FOUND', `service ${cluster}/${tenantId ?? 'pooled'}/${service} not found`);
    }
    return { arn, max: Number(tagOf(stack, TAG.max)) };
  }
}

function textOf({ cluster, tenantId, service }: ServiceKey): string {
  return `${cluster}/${tenantId ?? '-'}/${service}`;
}

function partOf({ service: name, resource, ecs }: Found, { LastUpdatedTime, CreationTime }: Stack): Part {
  const startedAt = (LastUpdatedTime ?? CreationTime ?? new Date(0)).toISOString();
  const { ResourceStatus = '', ResourceStatusReason: reason, Timestamp } = resource ?? {};
  if (ResourceStatus.endsWith('_FAILED') && !ecs) return failedPart({ name, status: 'running', startedAt }, reason);
  if (!ecs || ResourceStatus.endsWith('_IN_PROGRESS')) return { name, status: 'running', startedAt };
  if (isSteady(ecs)) {
    return { name, status: 'done', startedAt, ...(Timestamp && { endedAt: Timestamp.toISOString() }) };
  }
  const counts = `service ${name} has ${ecs.runningCount} of ${ecs.desiredCount} tasks`;
  return { name, status: 'running', startedAt, reason: counts };
}

function failedPart({ name, startedAt }: Part, reason: string | undefined): Part {
  return { name, status: 'failed', startedAt, ...(reason !== undefined && { reason }) };
}
