/** A task as the planner sees it. Draining and ended tasks are left out. */
export interface PlannedTask {
  readonly id: string;
  readonly state: 'starting' | 'healthy' | 'unhealthy';
  /** Must be replaced: it is of an earlier plan, or over its memory. */
  readonly outdated: boolean;
}

export interface TaskChanges {
  /** How many tasks to start. */
  readonly spawn: number;
  /** Which tasks to drain. */
  readonly drain: readonly string[];
}

/**
 * The next step from `tasks` (oldest first) towards `desired` up-to-date ones. While outdated tasks receive requests, new
 * tasks start one at a time, and an outdated task drains only when a new one is healthy in its place.
 */
export function planTasks(desired: number, tasks: readonly PlannedTask[]): TaskChanges {
  const current = tasks.filter((task) => !task.outdated);
  const healthy = current.filter((task) => task.state === 'healthy');
  const starting = current.filter((task) => task.state === 'starting');
  const neverServed = tasks.filter((task) => task.outdated && task.state === 'starting');
  const serving = tasks.filter((task) => task.outdated && task.state !== 'starting');

  const missing = Math.max(0, desired - current.length);
  const room =
    serving.length === 0 ? missing : Math.max(1, desired - serving.length - healthy.length) - starting.length;
  const surplus = Math.max(0, current.length - desired);
  const replaced = Math.max(0, serving.length - Math.max(0, desired - healthy.length));

  return {
    spawn: Math.max(0, Math.min(missing, room)),
    drain: [
      ...neverServed,
      ...serving.toSorted(leastUsefulFirst).slice(0, replaced),
      ...current.toReversed().toSorted(leastUsefulFirst).slice(0, surplus),
    ].map((task) => task.id),
  };
}

const USEFULNESS = { starting: 0, unhealthy: 1, healthy: 2 };

/** The sort is stable, so tasks of equal usefulness keep their order. */
function leastUsefulFirst(a: PlannedTask, b: PlannedTask): number {
  return USEFULNESS[a.state] - USEFULNESS[b.state];
}
