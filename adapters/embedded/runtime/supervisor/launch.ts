import type { AgentConfig, ServicePlan } from './protocol.ts';

/** How a process is started: data, so that tests can compare it. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** For spawn, where setpriv is not there to do it. */
  readonly uid?: number;
  readonly gid?: number;
}

export interface TaskNames {
  readonly taskId: string;
  readonly socket: string;
}

/** What a Node process takes beside V8's old space: code, stacks, buffers, new space. */
const BESIDE_HEAP_MIB = 72;
const SMALLEST_HEAP_MIB = 32;
/** How Node is to run every task. Some of them decide which code cache fits, so it is made with all of them. */
export const NODE_FLAGS: readonly string[] = [
  // The new space: at 2 MiB, what requests under way hold is promoted, and the major collections that follow take a
  // quarter of a busy task's time; more than 16 gains nothing, as it outgrows the processor's cache.
  '--max-semi-space-size=16',
  // What a rush leaves in the new space V8 never gives back by itself: the task asks it to, once it is idle.
  '--expose-gc',
  // V8's background compilers cost an idle, health-checked task 20 MB; on one core they save nothing.
  '--no-concurrent-recompilation',
  '--disable-warning=ExperimentalWarning',
];

/**
 * A task's command line and its whole environment; nothing is inherited but PATH. setpriv sets the user first and the
 * death signal last (the kernel forgets the signal when the user changes), and execs, so that pid and IPC channel stay.
 */
export function launchTask(
  plan: ServicePlan,
  names: TaskNames,
  config: AgentConfig,
  node: string,
  path: string,
): Launch {
  const heapMiB = Math.max(SMALLEST_HEAP_MIB, plan.size.memoryMiB - BESIDE_HEAP_MIB);
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

/** The environment in which a bundle starts as nobody's task, with all it writes in the folder it is started in. */
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
