import assert from 'node:assert/strict';
import {
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListRuleNamesByTargetCommand,
} from '@aws-sdk/client-eventbridge';
import { LambdaClient, ListEventSourceMappingsCommand, UpdateEventSourceMappingCommand } from '@aws-sdk/client-lambda';
import { clientConfig } from '../bus-watch.ts';
import { ACCOUNT_ID, type EmulatedAccount, REGION } from '../emulated-account.ts';
import type { Installation } from '../installation.ts';

const QUEUE_ARN = `arn:aws:sqs:${REGION}:${ACCOUNT_ID}:tierplane-main-app-plane-accept`;

/** Runs `run` while no function takes the control plane's requests from the application plane's queue. They wait there. */
export async function whileRequestsWait<T>(account: EmulatedAccount, run: () => Promise<T>): Promise<T> {
  await acceptRequests(account, false);
  try {
    return await run();
  } finally {
    await acceptRequests(account, true);
  }
}

/** Whether a function takes the control plane's requests from the application plane's queue. */
export async function acceptRequests(account: EmulatedAccount, Enabled: boolean): Promise<void> {
  const lambda = new LambdaClient(clientConfig(account));
  const { EventSourceMappings = [] } = await lambda.send(new ListEventSourceMappingsCommand({}));
  const UUID = EventSourceMappings.find(({ EventSourceArn }) => EventSourceArn === QUEUE_ARN)?.UUID;
  assert(UUID, `a function must take messages from ${QUEUE_ARN}`);
  await lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled }));
}

/** Runs `run` while the control plane's requests do not reach the application plane's queue. They are lost. */
export async function whileRequestsAreLost<T>({ account, outputs }: Installation, run: () => Promise<T>): Promise<T> {
  const events = new EventBridgeClient(clientConfig(account));
  const EventBusName = outputs.eventBridgeArn.split('/').at(-1);
  const { RuleNames: [Name] = [] } = await events.send(
    new ListRuleNamesByTargetCommand({ TargetArn: QUEUE_ARN, EventBusName }),
  );
  assert(Name, `a rule of the bus must lead to ${QUEUE_ARN}`);
  await events.send(new DisableRuleCommand({ Name, EventBusName }));
  try {
    return await run();
  } finally {
    await events.send(new EnableRuleCommand({ Name, EventBusName }));
  }
}
