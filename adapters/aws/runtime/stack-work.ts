import type { Stack, StackEvent } from '@aws-sdk/client-cloudformation';
import type { LiveWork } from '../../../core/progress/live-work.ts';
import type { Step } from '../../../core/progress/step.ts';
import { requireTenantId } from '../../../core/tenant/ids.ts';
import { dataStackName } from './data-presence.ts';
import type { TemplateService } from './deployment-template.ts';
import { phaseOf, waitingFor } from './stack-phase.ts';
import { isFailure, isOfStack, type Stacks } from './stacks.ts';

export interface StackWorkOptions {
  readonly stacks: Pick<Stacks, 'find' | 'lastEvents'>;
  /** The services that deployments have. */
  readonly services: readonly TemplateService[];
  /** Stacks of tenants are called `<prefix>-silo-<tenant id>` and `<prefix>-silo-data-<tenant id>`. */
  readonly prefix: string;
}

/** What the stacks of a tenant do at the moment. Throws INVALID for a malformed id, UNAVAILABLE if a later call may succeed. */
export interface StackWork {
  /** The operation on the stack of the tenant's services, or undefined if none is in progress. */
  deployment(tenantId: string): Promise<LiveWork | undefined>;
  /** As `deployment`, for the stack of the tenant's tables. */
  data(tenantId: string): Promise<LiveWork | undefined>;
}

/** Resources in progress that a reason names; it counts the others. */
const NAMED = 3;

export function openStackWork({ stacks, services, prefix }: StackWorkOptions): StackWork {
  async function workOf(StackName: string, parts: readonly TemplateService[]): Promise<LiveWork | undefined> {
    const stack = await stacks.find(StackName);
    if (!stack || phaseOf(stack) !== 'working') return undefined;
    return liveWork(stack, await stacks.lastEvents(stack.StackId ?? StackName), parts);
  }
  return {
    async deployment(tenantId) {
      requireTenantId(tenantId);
      return await workOf(`${prefix}-silo-${tenantId}`, services);
    },
    data: async (tenantId) => await workOf(dataStackName(prefix, tenantId), []),
  };
}

/** @param events of the stack's present operation, newest first */
export function liveWork(stack: Stack, events: readonly StackEvent[], services: readonly TemplateService[]): LiveWork {
  const isRollback = /ROLLBACK/.test(stack.StackStatus ?? '');
  const parts = services.flatMap(({ service, logicalIds }) => {
    const own = events.filter(({ LogicalResourceId = '' }) => logicalIds.includes(LogicalResourceId));
    return partOf(service, own, isRollback);
  });
  return { reason: reasonOf(stack, events), parts };
}

/** @param events of the service, newest first */
function partOf(name: string, events: readonly StackEvent[], isRollback: boolean): Step[] {
  const [latest, first] = [events[0], events.at(-1)];
  if (!latest || !first) return [];
  const startedAt = timeOf(first);
  const failure = events.find(isFailure);
  if (failure) {
    const { ResourceStatusReason: reason } = failure;
    return [{ name, status: 'failed', startedAt, endedAt: timeOf(failure), ...(reason !== undefined && { reason }) }];
  }
  // What is complete now is undone.
  if (isRollback) return [];
  const isComplete = latest.ResourceStatus?.endsWith('_COMPLETE') ?? false;
  if (isComplete) return [{ name, status: 'done', startedAt, endedAt: timeOf(latest) }];
  return [{ name, status: 'running', startedAt }];
}

/** `stack ... is being created; 7 resources are complete, in progress: OrdersService, ProductsService, UsersService and 2 more` */
function reasonOf(stack: Stack, events: readonly StackEvent[]): string {
  const latest = new Map<string, string>();
  for (const { LogicalResourceId = '', ResourceStatus = '' } of events.filter((event) => !isOfStack(event))) {
    if (!latest.has(LogicalResourceId)) latest.set(LogicalResourceId, ResourceStatus);
  }
  const complete = [...latest.values()].filter((status) => status.endsWith('_COMPLETE')).length;
  const working = [...latest].flatMap(([id, status]) => (status.endsWith('_IN_PROGRESS') ? [id] : []));
  const failure = events.findLast(isFailure);
  const because = failure ? [`because of ${failure.LogicalResourceId}: ${failure.ResourceStatusReason}`] : [];
  const counts = latest.size > 0 ? [`${complete} ${complete === 1 ? 'resource is' : 'resources are'} complete`] : [];
  const inProgress = working.length > 0 ? [`in progress: ${named(working)}`] : [];
  const details = [...counts, ...inProgress].join(', ');
  return [[waitingFor(stack, true), ...because].join(' '), details].filter((text) => text !== '').join('; ');
}

function named(ids: readonly string[]): string {
  const others = ids.length - NAMED;
  return `${ids.slice(0, NAMED).join(', ')}${others > 0 ? ` and ${others} more` : ''}`;
}

function timeOf({ Timestamp }: StackEvent): string {
  return (Timestamp ?? new Date(0)).toISOString();
}
