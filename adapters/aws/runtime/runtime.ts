import type { CloudFormationClient, Parameter, Stack } from '@aws-sdk/client-cloudformation';
import type { ECSClient } from '@aws-sdk/client-ecs';
import { requireDeployment } from '../../../core/plan/deployment.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { ClusterId } from '../../../core/ports/places.ts';
import type {
  DeploymentId,
  DeploymentSpec,
  DeploymentStatus,
  Runtime,
  ServiceKey,
  ServiceStatus,
} from '../../../core/ports/runtime.ts';
import { DeployedStacks } from './deployed-stacks.ts';
import {
  type DeploymentTemplate,
  fingerprintOf,
  parametersOf,
  type TemplateVariant,
  tokenPrefix,
} from './deployment-template.ts';
import { phaseOf, waitingFor } from './stack-phase.ts';
import { clusterOf, TAG, tagOf, tagsOf } from './stack-tags.ts';
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

/**
 * The Runtime port on AWS: one CloudFormation stack per deployment, which has the ECS services. A stack with a cluster of its
 * own is protected from deletion until it is withdrawn. Services that run in one task are restarted and scaled together.
 */
export class StackRuntime implements Runtime {
  readonly #options: RuntimeOptions;
  readonly #stacks: Stacks;
  readonly #deployed: DeployedStacks;

  constructor(options: RuntimeOptions) {
    this.#options = options;
    this.#stacks = new Stacks(options.cloudFormation, options);
    const { template, ecs, prefix, poolStack } = options;
    this.#deployed = new DeployedStacks({
      ...{ stacks: this.#stacks, services: template.services, ecs, prefix, poolStack },
    });
  }

  async deploy(spec: DeploymentSpec): Promise<DeploymentStatus> {
    requireDeployment(spec);
    const { template } = this.#options;
    const variant = await template.variantOf(spec);
    const parameters = parametersOf(template, variant, spec);
    const next = { variant, parameters, fingerprint: fingerprintOf(variant, parameters) };
    const { fingerprint } = next;
    const StackName = this.#deployed.nameOf(spec.id);
    const stack = await this.#stacks.find(StackName);
    if (!stack) {
      return changing(spec, await this.#stacks.create(this.#requestOf(spec, next)));
    }
    switch (phaseOf(stack)) {
      case 'working':
        return await this.#deployed.statusOf(stack);
      case 'created':
        return await this.#update(stack, spec, { ...next, token: undefined });
      case 'update rolled back': {
        const { token } = await this.#stacks.lastOperation(StackName);
        return await this.#update(stack, spec, { ...next, token });
      }
      case 'creation failed': {
        const { token } = await this.#stacks.lastOperation(StackName);
        if (token?.startsWith(tokenPrefix(spec, fingerprint))) return await this.#deployed.statusOf(stack);
        await this.#stacks.delete(stack);
        return changing(spec, `the remains of stack ${StackName} are being removed`);
      }
      case 'deletion failed':
        await this.#stacks.delete(stack);
        return changing(spec, `stack ${StackName} is being deleted`);
      case 'stuck':
        return await this.#deployed.statusOf(stack);
    }
  }

  async withdraw(id: DeploymentId): Promise<DeploymentStatus> {
    const StackName = this.#deployed.nameOf(id);
    const stack = await this.#stacks.find(StackName);
    if (!stack) return { state: 'absent', parts: [] };
    const { StackStatus = '' } = stack;
    const isWorking = phaseOf(stack) === 'working' && StackStatus !== 'CREATE_IN_PROGRESS';
    const failed = phaseOf(stack) === 'deletion failed' ? await this.#deployed.statusOf(stack) : undefined;
    if (!isWorking) await this.#stacks.delete(stack);
    const cluster = clusterOf(stack);
    return failed ?? { state: 'changing', cluster, reason: waitingFor({ ...stack, StackName }, isWorking), parts: [] };
  }

  deployment(id: DeploymentId): Promise<DeploymentStatus> {
    return this.#deployed.deployment(id);
  }

  services(filter: { cluster?: ClusterId; tenantId?: string } = {}): Promise<readonly ServiceStatus[]> {
    return this.#deployed.services(filter);
  }

  restartService(key: ServiceKey): Promise<void> {
    return this.#deployed.restartService(key);
  }

  scaleService(key: ServiceKey, desired: number): Promise<void> {
    return this.#deployed.scaleService(key, desired);
  }

  /** Updates the stack unless it is as requested, or the last operation was this same update and was rolled back. */
  async #update(
    stack: Stack,
    spec: DeploymentSpec,
    /** `token`: of the last operation, if it was rolled back. */
    next: Next & { readonly token: string | undefined },
  ): Promise<DeploymentStatus> {
    const { fingerprint, token } = next;
    if (tagOf(stack, TAG.spec) === fingerprint) return await this.#deployed.servingStatus(stack);
    if (token?.startsWith(tokenPrefix(spec, fingerprint))) return await this.#deployed.statusOf(stack);
    const counts = await this.#deployed.taskCounts(stack);
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
      StackName: this.#deployed.nameOf(spec.id),
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
}

function changing({ cluster, release }: DeploymentSpec, reason: string): DeploymentStatus {
  return { state: 'changing', cluster, release, reason, parts: [] };
}
