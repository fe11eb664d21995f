import type { LiveWork } from '../../core/progress/live-work.ts';
import type { Step } from '../../core/progress/step.ts';
import { isStepOfService, scopeOf } from './steps.ts';

/** Where the work on a tenant's data store and on its services goes on elsewhere. */
export interface LiveWorkSource {
  /** What is done for the tenant's services at the moment, or undefined if nothing is. */
  deployment(tenantId: string): Promise<LiveWork | undefined>;
  /** As `deployment`, for its data store. */
  data(tenantId: string): Promise<LiveWork | undefined>;
}

/**
 * A placement's steps with what goes on elsewhere since the last pass recorded them. Asks only about work that a running step
 * waits for, and stores nothing: the next pass records how the work has ended.
 */
export async function liveSteps(
  steps: readonly Step[],
  tenantId: string,
  source: LiveWorkSource,
): Promise<readonly Step[]> {
  const scopes = new Set(steps.flatMap(({ name, status }) => (status === 'running' ? (scopeOf(name) ?? []) : [])));
  const [data, deployment] = await Promise.all([
    scopes.has('data') ? source.data(tenantId) : undefined,
    scopes.has('deployment') ? source.deployment(tenantId) : undefined,
  ]);
  const works = { data, deployment };
  return steps.map((step) => {
    const scope = scopeOf(step.name);
    const work = scope && works[scope];
    return step.status === 'running' && work ? joined(step, work) : step;
  });
}

/** The step began when a pass asked for the work. It ends, or fails, when the work on its service has. */
function joined(step: Step, { reason, parts }: LiveWork): Step {
  const part = parts.find(({ name }) => isStepOfService(step.name, name));
  if (!part || part.status === 'running') return { ...step, reason };
  const { reason: _, ...running } = step;
  return {
    ...running,
    status: part.status,
    ...(part.endedAt !== undefined && { endedAt: part.endedAt }),
    ...(part.status === 'failed' && { reason: part.reason ?? reason }),
  };
}
