import {
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  UpdateStackCommand,
} from '@aws-sdk/client-cloudformation';
import { clientConfig } from '../../../rehearsal/bus-watch.ts';
import type { EmulatedAccount } from '../../../rehearsal/emulated-account.ts';
import { until } from '../../support/until.ts';

const ENDS_WITHIN_MS = 120_000;
const Capabilities = ['CAPABILITY_IAM'] as const;

/** How an operation on a stack ended. */
export interface StackResult {
  readonly status: string;
  readonly outputs: Readonly<Record<string, string>>;
  /** The reasons of the resources that failed, newest first, with their logical ids. */
  readonly failures: readonly string[];
}

/** The stacks of an account. Each operation waits until it has ended. */
export class Stacks {
  readonly #client: CloudFormationClient;

  constructor(account: EmulatedAccount) {
    this.#client = new CloudFormationClient(clientConfig(account));
  }

  async create(StackName: string, TemplateBody: string): Promise<StackResult> {
    await this.#client.send(new CreateStackCommand({ StackName, TemplateBody, Capabilities: [...Capabilities] }));
    return this.#end(StackName);
  }

  async update(StackName: string, TemplateBody: string): Promise<StackResult> {
    await this.#client.send(new UpdateStackCommand({ StackName, TemplateBody, Capabilities: [...Capabilities] }));
    return this.#end(StackName);
  }

  async delete(StackName: string): Promise<StackResult> {
    const { Stacks: [stack] = [] } = await this.#client.send(new DescribeStacksCommand({ StackName }));
    await this.#client.send(new DeleteStackCommand({ StackName }));
    return this.#end(stack?.StackId ?? StackName);
  }

  async #end(StackName: string): Promise<StackResult> {
    const stack = await until(async () => {
      const { Stacks: [found] = [] } = await this.#client.send(new DescribeStacksCommand({ StackName }));
      return /IN_PROGRESS$/.test(found?.StackStatus ?? 'IN_PROGRESS') ? undefined : found;
    }, ENDS_WITHIN_MS);
    const { StackEvents = [] } = await this.#client.send(new DescribeStackEventsCommand({ StackName }));
    const failed = StackEvents.filter(({ ResourceStatus }) => ResourceStatus?.endsWith('_FAILED'));
    return {
      status: stack.StackStatus ?? '',
      outputs: Object.fromEntries((stack.Outputs ?? []).map((one) => [one.OutputKey ?? '', one.OutputValue ?? ''])),
      failures: failed.map((one) => `${one.LogicalResourceId}: ${one.ResourceStatusReason}`),
    };
  }
}
