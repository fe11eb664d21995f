import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { batchesOf } from '../../../core/collections/batches.ts';
import { jsonIn } from '../../../core/encoding/json.ts';
import { DomainError } from '../../../core/errors.ts';
import type { TenantMessage } from '../../../core/progress/tenant-message.ts';
import { TENANT_ID } from '../../../core/tenant/ids.ts';
import { throwAs } from '../store/errors.ts';

export interface TenantQueue {
  /** Delivers the messages after `delayMs`, rounded up to seconds, at most 15 minutes. Throws UNAVAILABLE. */
  send(messages: readonly TenantMessage[], delayMs?: number): Promise<void>;
}

/** SQS's limit. */
const MAX_DELAY_SECONDS = 900;
/** Calls at the same time. */
const CONCURRENCY = 10;

/** @param QueueUrl the URL of the work queue */
export function openTenantQueue(sqs: SQSClient, QueueUrl: string): TenantQueue {
  return {
    async send(messages, delayMs = 0) {
      const DelaySeconds = Math.min(MAX_DELAY_SECONDS, Math.ceil(delayMs / 1_000));
      const sendOne = (message: TenantMessage) =>
        sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(message), DelaySeconds }));
      for (const some of batchesOf(messages, CONCURRENCY)) {
        await Promise.all(some.map(sendOne)).catch(throwAs('SQS'));
      }
    },
  };
}

const Own = z.strictObject({ tenantId: z.string().regex(TENANT_ID), dueAt: z.number().optional() });

/** The parts of events of CloudFormation and ECS that name stacks, services, clusters and tasks. */
const AwsEvent = z.object({
  source: z.enum(['aws.cloudformation', 'aws.ecs']),
  resources: z.array(z.string()).default([]),
  detail: z.object({
    'stack-id': z.string().optional(),
    clusterArn: z.string().optional(),
    /** `service:<name>` of a task that belongs to a service. */
    group: z.string().optional(),
  }),
});

/**
 * The tenant that a message of the work queue is about: one of `openTenantQueue`, or an event about a stack, service, task or
 * cluster of a silo tenant, whose names begin with `<prefix>-silo-`.
 * @returns undefined for an event about nothing of a silo tenant
 * @throws INVALID for any other message
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-stack-status-change.html
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_cwe_events.html
 */
export function tenantMessageIn(body: string, prefix: string): TenantMessage | undefined {
  const json = jsonIn(body);
  const own = Own.safeParse(json);
  if (own.success)
    return { tenantId: own.data.tenantId, ...(own.data.dueAt !== undefined && { dueAt: own.data.dueAt }) };
  const event = AwsEvent.safeParse(json);
  if (!event.success)
    throw new DomainError('INVALID', 'message must name a tenant, or be an event of a stack or service');
  const { resources, detail } = event.data;
  const names = [detail['stack-id'], detail.group, ...resources, detail.clusterArn];
  const pattern = new RegExp(`[/:]${prefix}-silo-(?:data-)?(${TENANT_ID.source.slice(1, -1)})(?![a-z0-9])`);
  const tenantId = names.map((name) => pattern.exec(name ?? '')?.[1]).find((found) => found !== undefined);
  return tenantId === undefined ? undefined : { tenantId };
}
