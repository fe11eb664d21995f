import type { CloudFormationClient, Parameter, Stack, StackResource } from '@aws-sdk/client-cloudformation';
import type { ECSClient, Service } from '@aws-sdk/client-ecs';
import { DomainError } from '../../../core/errors.ts';
import { deploymentIdOf, requireDeployment, tenantOf } from '../../../core/plan/deployment.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { ClusterId } from '../../../core/ports/places.ts';
import type {
  DeploymentId,
  DeploymentSpec,
  DeploymentStatus,
  Part,
  Runtime,
  ServiceKey,
  ServiceStatus,
} from '../../../core/ports/runtime.ts';
import {
  type DeploymentTemplate,
  fingerprintOf,
  parametersOf,
  type TemplateVariant,
  tokenPrefix,
} from './deployment-template.ts';
import { EcsServices, isSteady } from './ecs-services.ts';
import { phaseOf, waitingFor } from './stack-phase.ts';
import { clusterOf, idOf, isDeployment, TAG, tagOf, tagsOf } from './stack-tags.ts';
import { Stacks, type StacksOptions } from './stacks.ts';

export interface RuntimeOptions extends StacksOptions {
  readonly cloudFormation: CloudFormationClient;
  readonly ecs: ECSClient;
  readonly template: DeploymentTemplate;
  /** Stacks are called `<prefix>-silo-<tenant id>`. No stack of the platform itself may begin with `<prefix>-silo-`. */
  readonly prefix: string;
  /** The stack of the pooled services. */
  readonly poolStack: string;
  /** The role with which CloudFormation creates the resources. @default - the caller's own rights */
  readonly roleArn?: string;
  readonly clock: Clock;
}

/** The desired stack. */
interface Next {
  readonly variant: TemplateVariant;
  readonly parameters: Readonly<Record<string, string>>;
  /** Of the template and the parameters. */
  readonly fingerprint: string;
}

/** What the account has of one of the template's services. */
interface Found {
  readonly service: string;
  readonly resource: StackResource | undefined;
  readonly ecs: Service | undefined;
}

/**
 * The Runtime port on AWS: one CloudFormation stack per deployment, which has the ECS services. A stack with a cluster of its
 * own is protected from deletion until it is withdrawn. Services that run in one task are restarted and scaled together.
 */
export class StackRuntime implements Runtime {
  readonly #options: RuntimeOptions;
  readonly #stacks: Stacks;
  readonly #ecs: EcsServices;

  constructor(options: RuntimeOptions) {
    this.#options = options;
    this.#stacks = new Stacks(options.cloudFormation, options);
    this.#ecs = new EcsServices(options.ecs);
  }

  async deploy(spec: DeploymentSpec): Promise<DeploymentStatus> {
    requireDeployment(spec);
    const { template } = this.#options;
    const variant = await template.variantOf(spec);
    const parameters = parametersOf(template, variant, spec);
    const next = { variant, parameters, fingerprint: fingerprintOf(variant, parameters) };
    const { fingerprint } = next;
    const StackName = this.#nameOf(spec.id);
    const stack = await this.#stacks.find(StackName);
    if (!stack) {
      return changing(spec, await this.#stacks.create(this.#requestOf(spec, next)));
    }
    switch (phaseOf(stack)) {
      case 'working':
        return await this.#statusOf(stack);
      case 'created':
        return await this.#update(stack, spec, { ...next, token: undefined });
      case 'update rolled back': {
        const { token } = await this.#stacks.lastOperation(StackName);
        return await this.#update(stack, spec, { ...next, token });
      }
      case 'creation failed': {
        const { token } = await this.#stacks.lastOperation(StackName);
        if (token?.startsWith(tokenPrefix(spec, fingerprint))) return await this.#statusOf(stack);
        await this.#stacks.delete(stack);
        return changing(spec, `the remains of stack ${StackName} are being removed`);
      }
      case 'deletion failed':
        await this.#stacks.delete(stack);
        return changing(spec, `stack ${StackName} is being deleted`);
      case 'stuck':
        return await this.#statusOf(stack);
    }
  }

  async withdraw(id: DeploymentId): Promise<DeploymentStatus> {
    const StackName = this.#nameOf(id);
    const stack = await this.#stacks.find(StackName);
    if (!stack) return { state: 'absent', parts: [] };
    const { StackStatus = '' } = stack;
    const isWorking = phaseOf(stack) === 'working' && StackStatus !== 'CREATE_IN_PROGRESS';
    const failed = phaseOf(stack) === 'deletion failed' ? await this.#statusOf(stack) : undefined;
    if (!isWorking) await this.#stacks.delete(stack);
    const cluster = clusterOf(stack);
    return failed ?? { state: 'changing', cluster, reason: waitingFor({ ...stack, StackName }, isWorking), parts: [] };
  }

  async deployment(id: DeploymentId): Promise<DeploymentStatus> {
    const stack = await this.#stacks.find(this.#nameOf(id));
    return stack ? await this.#statusOf(stack) : { state: 'absent', parts: [] };
  }

  async services(filter: { cluster?: ClusterId; tenantId?: string } = {}): Promise<readonly ServiceStatus[]> {
    const stacks = await this.#stacksOf(filter);
    const statuses = await Promise.all(stacks.map((stack) => this.#servicesOf(stack)));
    return statuses.flat().sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
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

  #nameOf(id: DeploymentId): string {
    const tenantId = tenantOf(id);
    return tenantId === null ? this.#options.poolStack : `${this.#options.prefix}-silo-${tenantId}`;
  }

  /** Updates the stack unless it is as requested, or the last operation was this same update and was rolled back. */
  async #update(
    stack: Stack,
    spec: DeploymentSpec,
    /** `token`: of the last operation, if it was rolled back. */
    next: Next & { readonly token: string | undefined },
  ): Promise<DeploymentStatus> {
    const { fingerprint, token } = next;
    if (tagOf(stack, TAG.spec) === fingerprint) return await this.#servingStatus(stack, await this.#find(stack));
    if (token?.startsWith(tokenPrefix(spec, fingerprint))) return await this.#statusOf(stack);
    const counts = new Map((await this.#find(stack)).map(({ service, ecs }) => [service, ecs?.desiredCount]));
    return changing(spec, await this.#stacks.update(this.#requestOf(spec, next, counts)));
  }

  /** @param counts numbers of tasks, which operators may have changed. @default - those of the spec's size */
  #requestOf(
    spec: DeploymentSpec,
    { variant, parameters, fingerprint }: Next,
    counts: ReadonlyMap<string, number | undefined> = new Map(),
  ) {
    const { template, roleArn, clock } = this.#options;
    const atFirst = Math.max(template.minTasks ?? 0, spec.size.desired);
    const values: Record<string, string> = { ...parameters };
    for (const [service, name] of Object.entries(variant.desiredCounts)) {
      values[name] = String(counts.get(service) ?? atFirst);
    }
    return {
      ...variant.source,
      StackName: this.#nameOf(spec.id),
      Parameters: Object.entries(values).map(
        ([ParameterKey, ParameterValue]): Parameter => ({ ParameterKey, ParameterValue }),
      ),
      EnableTerminationProtection: spec.cluster === spec.id,
      Tags: tagsOf(spec, fingerprint),
      // A repeated attempt is another operation, although its spec is the same.
      ClientRequestToken: `${tokenPrefix(spec, fingerprint)}${clock.now().toString(36)}`,
      ...(roleArn !== undefined && { RoleARN: roleArn }),
    };
  }

  async #statusOf(stack: Stack): Promise<DeploymentStatus> {
    const phase = phaseOf(stack);
    const found = await this.#find(stack);
    const serving = await this.#servingStatus(stack, found);
    if (phase === 'created') return serving;
    if (phase === 'working') return { ...serving, state: 'changing', reason: waitingFor(stack, true) };
    const { reason = stack.StackStatusReason } = await this.#stacks.lastOperation(stack.StackId ?? '');
    const parts = phase === 'creation failed' ? serving.parts.map((part) => failedPart(part, reason)) : serving.parts;
    return { ...serving, state: 'failed', parts, ...(reason !== undefined && { reason }) };
  }

  /** The status of a stack that no operation changes: ready as soon as all its tasks are healthy. */
  async #servingStatus(stack: Stack, found: readonly Found[]): Promise<DeploymentStatus> {
    const parts = found.map((one) => partOf(one, stack));
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

  async #find(stack: Stack): Promise<Found[]> {
    const resources = await this.#stacks.resources(stack.StackId ?? stack.StackName ?? '');
    const existing = resources.filter(({ ResourceStatus }) => ResourceStatus !== 'DELETE_COMPLETE');
    const services = this.#options.template.services.map(({ service, logicalIds }) => {
      const resource = existing.find(({ LogicalResourceId = '' }) => logicalIds.includes(LogicalResourceId));
      return { service, resource };
    });
    const arns = new Set(services.flatMap(({ resource }) => resource?.PhysicalResourceId ?? []));
    const ecs = arns.size > 0 ? await this.#ecs.describe([...arns]) : new Map<string, Service>();
    return services.map((one) => ({ ...one, ecs: ecs.get(one.resource?.PhysicalResourceId ?? '') }));
  }

  async #stacksOf({ cluster, tenantId }: { cluster?: ClusterId; tenantId?: string }): Promise<Stack[]> {
    const named = tenantId === undefined ? undefined : this.#nameOf(deploymentIdOf(tenantId));
    const found = named === undefined ? await this.#stacks.all() : [await this.#stacks.find(named)];
    return found.filter((stack): stack is Stack => {
      if (!stack || !isDeployment(stack) || stack.StackName !== this.#nameOf(idOf(stack))) return false;
      return cluster === undefined || clusterOf(stack) === cluster;
    });
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
    const stack = await this.#stacks.find(this.#nameOf(deploymentIdOf(tenantId)));
    const found = stack && clusterOf(stack) === cluster ? await this.#find(stack) : [];
    const arn = found.find((one) => one.service === service)?.ecs?.serviceArn;
    if (!stack || arn === undefined) {
      throw new DomainError('NOT_FOUND', `service ${cluster}/${tenantId ?? 'pooled'}/${service} not found`);
    }
    return { arn, max: Number(tagOf(stack, TAG.max)) };
  }
}

function changing({ cluster, release }: DeploymentSpec, reason: string): DeploymentStatus {
  return { state: 'changing', cluster, release, reason, parts: [] };
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
