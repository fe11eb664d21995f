import {
  type CloudFormationClient,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import { until } from '../until.ts';
import type { OwnStack } from './inventory.ts';

/** A distribution takes up to half an hour, a VPC's network interfaces as long. */
const TIMEOUT_MS = 60 * 60_000;
const POLL_MS = 500;
const SLOWEST_POLL_MS = 5_000;

/** Deletes a stack and waits for the end. @throws Error with the resources that could not be deleted */
export async function deleteStack(client: CloudFormationClient, stack: OwnStack): Promise<void> {
  const StackName = stack.id;
  if (stack.isProtected) {
    const input = { StackName: stack.name, EnableTerminationProtection: false };
    await client.send(new UpdateTerminationProtectionCommand(input));
  }
  await client.send(new DeleteStackCommand({ StackName: stack.name }));
  let status = 'unknown';
  await until(
    async () => {
      const { Stacks: [now] = [] } = await client.send(new DescribeStacksCommand({ StackName }));
      status = now?.StackStatus ?? 'DELETE_COMPLETE';
      if (status === 'DELETE_COMPLETE') return true;
      if (!status.endsWith('_IN_PROGRESS')) throw new Error(`${status}: ${await failuresOf(client, StackName)}`);
      return false;
    },
    {
      ...{ withinMs: TIMEOUT_MS, everyMs: POLL_MS, slowestMs: SLOWEST_POLL_MS },
      failure: () => `not deleted after an hour; its status is ${status}`,
    },
  );
}

async function failuresOf(client: CloudFormationClient, StackName: string): Promise<string> {
  const { StackEvents = [] } = await client.send(new DescribeStackEventsCommand({ StackName }));
  const failed = StackEvents.filter(({ ResourceStatus }) => ResourceStatus === 'DELETE_FAILED');
  const reasons = failed.map((one) => `${one.LogicalResourceId}: ${one.ResourceStatusReason ?? 'no reason given'}`);
  return [...new Set(reasons)].join('; ') || 'no reason given';
}
