import type { AgentConfig, ServicePlan } from './protocol.ts';

/** How to start a process. It is data, so that tests can compare it. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** For spawn, if there is no setpriv to change the user. */
  readonly uid?: number;
  readonly gid?: number;
}

export interface TaskNames {
  readonly taskId: string;
  readonly socket: string;
}

/** Memory of a Node process outside V8's old space: code, stacks, buffers, new space. */
const OUTSIDE_HEAP_MIB = 72;
const SMALLEST_HEAP_MIB = 32;
/** Node's flags for every task. Some decide which code cache fits, so trials use all of them. */
export const NODE_FLAGS: readonly string[] = [
  // With a new space of 2 MiB, objects of requests under way are promoted, and the major collections that follow take a
  // quarter of a busy task's time. More than 16 MiB gains nothing, because it exceeds the processor's cache.
  '--max-semi-space-size=16',
  // V8 does not return the new space after a burst of requests. The task requests it when it is idle.
  '--expose-gc',
  // V8's background compilers cost an idle, health-checked task 20 MB, and on one core they save nothing.
  '--no-concurrent-recompilation',
  '--disable-warning=ExperimentalWarning',
];

/**
 * A task's command line and its whole environment; only PATH is inherited. setpriv sets the user first and the death
 * signal last, because the kernel clears the signal when the user changes. It then execs, so pid and IPC channel stay.
 */
export function launchTask(
  plan: ServicePlan,
  names: TaskNames,
  config: AgentConfig,
  node: string,
  path: string,
): Launch {
  const heapMiB = Math.max(SMALLEST_HEAP_MIB, plan.size.memoryMiB - OUTSIDE_HEAP_MIB);
  const run = [node, `--max-old-space-size=${heapMiB}`, ...NODE_FLAGS, plan.bundle];
  const env = {
    ...plan.environment,
    PATH: path,
    NODE_COMPILE_CACHE: config.cacheDir,
    TIERPLANE_INSTANCE: config.instance,
    TIERPLANE_SERVICE: plan.service,
    TIERPLANE_TENANT: plan.tenantId ?? '',
    TIERPLANE_TASK_ID: names.taskId,
    TIERPLANE_SOCKET: names.socket,
    TIERPLANE_DATA_FILE: plan.dataFile,
  };
  const user = plan.uid === undefined ? {} : { uid: plan.uid, gid: plan.uid };
  if (config.setpriv === undefined) return { command: run[0] as string, args: run.slice(1), env, ...user };
  const asUser =
    plan.uid === undefined ? [] : ['--reuid', String(plan.uid), '--regid', String(plan.uid), '--clear-groups'];
  return { command: config.setpriv, args: [...asUser, '--no-new-privs', '--pdeathsig', 'KILL', ...run], env };
}

/** The environment of a trial run, outside any tenant. The bundle writes only to its working directory. */
export function trialEnvironment(service: string, environment: Readonly<Record<string, string>>) {
  return {
    ...environment,
    TIERPLANE_SERVICE: service,
    TIERPLANE_TENANT: '',
    TIERPLANE_TASK_ID: 'trial',
    TIERPLANE_SOCKET: 'trial.sock',
    TIERPLANE_DATA_FILE: 'trial.db',
  };
}
