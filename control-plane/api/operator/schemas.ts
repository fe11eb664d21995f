import * as z from 'zod';
import type { ResponseBody } from '../../../core/http/operation.ts';
import { pageOf } from '../../../core/http/page.ts';
import type { ClusterId } from '../../../core/ports/places.ts';
import { CLUSTER_ID, isClusterId } from '../../../core/tenant/ids.ts';
import { pageQuery } from '../http/fields.ts';
import { PlatformStatus } from '../http/platform-status.ts';

const cluster = z.custom<ClusterId>(isClusterId, 'must be pool, shared or tenant-<id>');
const clusterId = cluster.meta({ type: 'string', pattern: CLUSTER_ID.source });
const time = z.string().describe('ISO 8601, UTC.');

const serviceKey = {
  cluster: clusterId,
  tenantId: z.string().nullable().default(null).describe('null for a pooled service.'),
  service: z.string().min(1).max(63),
};

export const ServiceRestart = z.strictObject(serviceKey).meta({ id: 'ServiceRestart' });
export const ServiceScale = z
  .strictObject({
    ...serviceKey,
    desired: z.int('must be a whole number').min(0, 'must be at least 0').max(1000, 'must be at most 1000'),
  })
  .meta({ id: 'ServiceScale' });
export const ServiceQuery = z.object({ cluster: clusterId.optional(), tenantId: z.string().optional() });
export const DeadLetterQuery = pageQuery.extend({ consumer: z.string().max(100).optional() });

const TaskStatus = z
  .object({
    taskId: z.string(),
    pid: z.int(),
    state: z.enum(['starting', 'healthy', 'unhealthy', 'draining', 'stopped']),
    endpoint: z
      .string()
      .describe('Path of the Unix socket it listens on; on AWS its address; empty while it has none.'),
    startedAt: time,
    rssBytes: z.number().optional().describe('Resident memory in bytes.'),
  })
  .meta({ id: 'TaskStatus' });

const ServiceStatus = z
  .object({
    cluster: clusterId,
    tenantId: z.string().nullable().describe('null for a pooled service.'),
    service: z.string(),
    desired: z.int(),
    tasks: z.array(TaskStatus),
    restarts: z.int().describe("Unplanned restarts since the cluster's agent started."),
    lastFailure: z.string().optional().describe('Why the last task ended unexpectedly.'),
    uid: z.int().optional().describe('User id of the tasks; absent where all tasks share the one of the platform.'),
    clusterName: z.string().optional().describe('On AWS: the name of the ECS cluster.'),
    securityGroups: z.array(z.string()).optional().describe('On AWS: ids of the security groups of the tasks.'),
  })
  .meta({ id: 'ServiceStatus' });

export type ServiceStatus = ResponseBody<typeof ServiceStatus>;

export const ServiceList = z.object({ data: z.array(ServiceStatus) }).meta({ id: 'ServiceList' });

export const PlatformStatusResponse = z.object({ data: PlatformStatus }).meta({ id: 'PlatformStatusResponse' });

const Tier = z
  .object({
    title: z.string(),
    isolation: z
      .enum(['pool', 'service', 'cluster'])
      .describe('What a tenant has to itself: nothing (pool), its services, or its cluster and user pool.'),
    usagePlan: z.object({
      rate: z.number().describe('Sustained requests per second.'),
      burst: z.number().describe('Most requests at once.'),
      quotaPerDay: z.number().describe('Requests per day, reset at 00:00 UTC.'),
    }),
    task: z.object({
      memoryMiB: z.number(),
      cpu: z.number().describe('Share of one core.'),
      desired: z.int().describe('Tasks per service at start.'),
      max: z.int().describe('Most tasks per service.'),
    }),
    concurrency: z
      .int()
      .optional()
      .describe("Tenants of the tier that are provisioned at once; absent: only the provisioner's own limit applies."),
    sizesPool: z.boolean().optional().describe('The pooled tasks have the size of this tier.'),
    signUp: z.boolean().optional().describe('Companies that sign themselves up get this tier.'),
  })
  .meta({ id: 'Tier' });

export const TierTable = z.object({ data: z.record(z.string(), Tier) }).meta({ id: 'TierTable' });
export type TierTable = ResponseBody<typeof TierTable>['data'];

const Event = z
  .object({
    id: z.string(),
    source: z.string(),
    detailType: z.string(),
    detail: z.record(z.string(), z.unknown()),
    time,
  })
  .meta({ id: 'Event' });

const DeadLetter = z
  .object({
    id: z.string(),
    consumer: z
      .string()
      .describe(
        '`outbox` for an event that was never published; `app-plane-outbox` for one of the application plane on AWS.',
      ),
    event: Event,
    attempts: z.int(),
    reason: z.string().describe('Message of the last failure.'),
    failedAt: time,
  })
  .meta({ id: 'DeadLetter', description: 'An event that could not be delivered.' });

export type DeadLetter = ResponseBody<typeof DeadLetter>;

export const DeadLetterList = pageOf(DeadLetter).meta({ id: 'DeadLetterList' });

const Probe = z.object({ userName: z.string(), password: z.string() }).meta({ id: 'Probe' });
export type Probe = ResponseBody<typeof Probe>;

export const ProbeCreated = z.object({ data: Probe }).meta({ id: 'ProbeCreated' });
