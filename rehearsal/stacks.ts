import {
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  type Stack,
  UpdateStackCommand,
} from '@aws-sdk/client-cloudformation';
import { until } from '../scripts/until.ts';
import { clientConfig } from './bus-watch.ts';
import type { EmulatedAccount } from './emulated-account.ts';

const ENDS_WITHIN_MS = 120_000;
const Capabilities = ['CAPABILITY_IAM', 'CAPABILITY_NAMED_IAM'] as const;

/** How an operation on a stack ended. */
export interface StackResult {
  readonly status: string;
  readonly outputs: Readonly<Record<string, string>>;
  /** The reasons of the resources that failed, newest first, with their logical ids. */
  readonly failures: readonly string[];
}

/** Values of a template's parameters. */
type ParameterValues = Readonly<Record<string, string>>;

/** The stacks of an account. Each operation waits until it has ended, for at most 2 minutes. */
export class Stacks {
  readonly #client: CloudFormationClient;

  constructor(account: EmulatedAccount) {
    this.#client = new CloudFormationClient(clientConfig(account));
  }

  async create(StackName: string, TemplateBody: string, parameters: ParameterValues = {}): Promise<StackResult> {
    const input = { StackName, TemplateBody, Parameters: listOf(parameters), Capabilities: [...Capabilities] };
    await this.#client.send(new CreateStackCommand(input));
    return this.#end(StackName);
  }

  async update(StackName: string, TemplateBody: string, parameters: ParameterValues = {}): Promise<StackResult> {
    const input = { StackName, TemplateBody, Parameters: listOf(parameters), Capabilities: [...Capabilities] };
    await this.#client.send(new UpdateStackCommand(input));
    return this.#end(StackName);
  }

  async delete(StackName: string): Promise<StackResult> {
    const stack = await this.#describe(StackName);
    await this.#client.send(new DeleteStackCommand({ StackName }));
    return this.#end(stack?.StackId ?? StackName);
  }

  /** Deletes every stack of the account, one after the other, the newest first. */
  async deleteAll(): Promise<void> {
    const { Stacks: stacks = [] } = await this.#client.send(new DescribeStacksCommand());
    const left = stacks.filter(({ StackStatus }) => StackStatus !== 'DELETE_COMPLETE');
    const time = ({ CreationTime }: Stack): number => CreationTime?.getTime() ?? 0;
    for (const { StackName = '' } of left.sort((a, b) => time(b) - time(a))) await this.delete(StackName);
  }

  async #end(StackName: string): Promise<StackResult> {
    const stack = await this.#untilEnded(StackName);
    const { StackEvents = [] } = await this.#client.send(new DescribeStackEventsCommand({ StackName }));
    const failed = StackEvents.filter(({ ResourceStatus }) => ResourceStatus?.endsWith('_FAILED'));
    return {
      status: stack.StackStatus ?? '',
      outputs: Object.fromEntries((stack.Outputs ?? []).map((one) => [one.OutputKey ?? '', one.OutputValue ?? ''])),
      failures: failed.map((one) => `${one.LogicalResourceId}: ${one.ResourceStatusReason}`),
    };
  }

  #untilEnded(name: string): Promise<Stack> {
    let stack: Stack | undefined;
    const ended = async () => {
      stack = await this.#describe(name);
      return stack?.StackStatus?.endsWith('_IN_PROGRESS') ? undefined : stack;
    };
    const failure = () => `stack ${name} is ${stack?.StackStatus} after ${ENDS_WITHIN_MS} ms`;
    return until(ended, { withinMs: ENDS_WITHIN_MS, failure });
  }

  async #describe(StackName: string): Promise<Stack | undefined> {
    return (await this.#client.send(new DescribeStacksCommand({ StackName }))).Stacks?.[0];
  }
}

function listOf(parameters: ParameterValues): { ParameterKey: string; ParameterValue: string }[] {
  return Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({ ParameterKey, ParameterValue }));
}
