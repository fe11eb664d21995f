import {
  type Capability,
  type CloudFormationClient,
  CreateStackCommand,
  type CreateStackCommandInput,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
  type Stack,
  type StackEvent,
  type StackResource,
  type Tag,
  UpdateStackCommand,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import { DomainError } from '../../../core/errors.ts';
import type { CallLimiter } from '../../../core/usage/call-limiter.ts';
import { asDomainError, isThrottled } from '../store/errors.ts';

export interface StacksOptions {
  /** Of stacks that are created and updated, whose task definitions ECS limits to one per second. @default - no limit */
  readonly limiter?: CallLimiter;
  /** Every stack that is created or updated, and its resources, get a tag with it. @default - no tag */
  readonly environmentName?: string;
}

/** The tag by which the rights of the deployment role find the environment's resources. */
const ENVIRONMENT_TAG = 'tierplane:environment';

/** A stack to create or update. */
export type StackRequest = Pick<
  CreateStackCommandInput,
  'StackName' | 'TemplateURL' | 'TemplateBody' | 'Parameters' | 'Tags' | 'RoleARN' | 'ClientRequestToken'
> & {
  /** Only a new stack is protected; `delete` ends it. @default false */
  readonly EnableTerminationProtection?: boolean;
};

/** How the last operation on a stack ended. */
export interface LastOperation {
  /** The ClientRequestToken that started it. */
  readonly token: string | undefined;
  /** Why it failed: the first resource that failed, with its reason. */
  readonly reason: string | undefined;
}

const NOT_FOUND = /does not exist/;
const NO_CHANGE = /No updates are to be performed/;
/** Another operation on the stack is in progress, or began meanwhile. */
const BUSY = /_IN_PROGRESS|AlreadyExists|already exists/;
const CANCELLED = /cancelled/i;
const CAPABILITIES: Capability[] = ['CAPABILITY_IAM', 'CAPABILITY_NAMED_IAM'];

/** The stacks of an account. Errors: UNAVAILABLE if a later call may succeed, FAILED if CloudFormation refuses the request. */
export class Stacks {
  readonly #client: CloudFormationClient;
  readonly #limiter: CallLimiter | undefined;
  readonly #tags: readonly Tag[];

  constructor(client: CloudFormationClient, { limiter, environmentName }: StacksOptions = {}) {
    this.#client = client;
    this.#limiter = limiter;
    this.#tags = environmentName === undefined ? [] : [{ Key: ENVIRONMENT_TAG, Value: environmentName }];
  }

  /** The stack, or undefined if there is none. */
  async find(StackName: string): Promise<Stack | undefined> {
    try {
      const { Stacks: [stack] = [] } = await this.#client.send(new DescribeStacksCommand({ StackName }));
      return stack?.StackStatus === 'DELETE_COMPLETE' ? undefined : stack;
    } catch (error) {
      if (matches(error, NOT_FOUND)) return undefined;
      throw asStackError(error);
    }
  }

  /** All stacks of the account. */
  async all(): Promise<Stack[]> {
    const found: Stack[] = [];
    for (let NextToken: string | undefined; ; ) {
      const page = await this.#client.send(new DescribeStacksCommand({ NextToken })).catch(fail);
      found.push(...(page.Stacks ?? []));
      NextToken = page.NextToken;
      if (!NextToken) return found;
    }
  }

  async resources(StackName: string): Promise<readonly StackResource[]> {
    const found = await this.#client.send(new DescribeStackResourcesCommand({ StackName })).catch(fail);
    return found.StackResources ?? [];
  }

  /**
   * Starts the creation in its turn. Does nothing if the stack exists meanwhile.
   * @returns what to wait for, in plain words; call again as long as there is no stack
   */
  async create(request: StackRequest): Promise<string> {
    const command = new CreateStackCommand(this.#inputOf(request));
    const isStarted = await this.#inTurn(() => this.#client.send(command));
    return `stack ${request.StackName} ${isStarted ? 'is being created' : 'waits for its turn to be created'}`;
  }

  /**
   * Starts an update in its turn. Does nothing if the stack is as requested, or if another operation is in progress.
   * @returns what to wait for, in plain words; call again as long as the stack is not as requested
   */
  async update({ EnableTerminationProtection: _, ...request }: StackRequest): Promise<string> {
    const command = new UpdateStackCommand(this.#inputOf(request));
    const isStarted = await this.#inTurn(() => this.#client.send(command));
    return `stack ${request.StackName} ${isStarted ? 'is being updated' : 'waits for its turn to be updated'}`;
  }

  /**
   * Ends the protection of the stack, and starts the deletion. Changes nothing while another operation is in progress, or if
   * the stack does not exist.
   */
  async delete({ StackName, EnableTerminationProtection: isProtected }: Stack): Promise<void> {
    await this.#start(async () => {
      const end = new UpdateTerminationProtectionCommand({ StackName, EnableTerminationProtection: false });
      if (isProtected) await this.#client.send(end);
      await this.#client.send(new DeleteStackCommand({ StackName }));
    });
  }

  /** The last operation on a stack. */
  async lastOperation(StackName: string): Promise<LastOperation> {
    return operationOf(await this.lastEvents(StackName));
  }

  /** The events of the last operation on a stack, newest first. */
  async lastEvents(StackName: string): Promise<readonly StackEvent[]> {
    const events: StackEvent[] = [];
    for (let NextToken: string | undefined; ; ) {
      const page = await this.#client.send(new DescribeStackEventsCommand({ StackName, NextToken })).catch(fail);
      events.push(...(page.StackEvents ?? []));
      NextToken = page.NextToken;
      const began = events.findIndex((event) => isBeginning(event));
      if (began >= 0 || !NextToken) return events.slice(0, began < 0 ? undefined : began + 1);
    }
  }

  #inputOf(request: StackRequest) {
    return { ...request, Tags: [...(request.Tags ?? []), ...this.#tags], Capabilities: CAPABILITIES };
  }

  /** @returns whether the call was made: false if its turn is later, or if CloudFormation gets too many calls */
  async #inTurn(send: () => Promise<unknown>): Promise<boolean> {
    if ((await this.#limiter?.take()) ?? 0) return false;
    try {
      await this.#start(send);
      return true;
    } catch (error) {
      if (!this.#limiter || !isThrottled(error)) throw error;
      await this.#limiter.refused();
      return false;
    }
  }

  async #start(send: () => Promise<unknown>): Promise<void> {
    try {
      await send();
    } catch (error) {
      if ([NOT_FOUND, NO_CHANGE, BUSY].some((pattern) => matches(error, pattern))) return;
      throw asStackError(error);
    }
  }
}

/** The event with which an operation on the stack itself began. Its rollback belongs to it. */
function isBeginning(event: StackEvent): boolean {
  return isOfStack(event) && /^(CREATE|UPDATE|DELETE)_IN_PROGRESS$/.test(event.ResourceStatus ?? '');
}

/** Whether the event is about the stack itself, not about one of its resources. */
export function isOfStack({ PhysicalResourceId, StackId }: StackEvent): boolean {
  return PhysicalResourceId === StackId;
}

/** Whether the event reports the failure of a resource. A resource that was cancelled did not fail itself. */
export function isFailure(event: StackEvent): boolean {
  const { ResourceStatus = '', ResourceStatusReason = '' } = event;
  return ResourceStatus.endsWith('_FAILED') && !CANCELLED.test(ResourceStatusReason) && !isOfStack(event);
}

function operationOf(events: readonly StackEvent[]): LastOperation {
  const token = events.find(({ ClientRequestToken }) => ClientRequestToken !== undefined)?.ClientRequestToken;
  const first = events.findLast(isFailure);
  const own = events.find(({ ResourceStatusReason }) => ResourceStatusReason !== undefined)?.ResourceStatusReason;
  return { token, reason: first ? `${first.LogicalResourceId}: ${first.ResourceStatusReason}` : own };
}

function matches(error: unknown, pattern: RegExp): boolean {
  return error instanceof Error && (pattern.test(error.message) || pattern.test(error.name));
}

/** The message of a refused request names only the template and its parameters. */
function asStackError(cause: unknown): DomainError {
  if (cause instanceof Error && cause.name === 'ValidationError') {
    return new DomainError('FAILED', cause.message, { cause });
  }
  return asDomainError('CloudFormation', cause);
}

function fail(error: unknown): never {
  throw asStackError(error);
}
