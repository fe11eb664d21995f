import { entryOf } from './cgroup.ts';
import type { AgentConfig, ServicePlan } from './protocol.ts';
import { groupOf } from './task-group.ts';

/** How to start a process. It is data, so that tests can compare it. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** For spawn, if there is no setpriv to change the user. */
  readonly uid?: number;
  readonly gid?: number;
  /** Whether it joins its cgroup before any code of the service runs. Otherwise the agent must put it there. */
  readonly joinsGroup: boolean;
}

export interface TaskNames {
  readonly taskId: string;
  readonly socket: string;
}

/** Memory of a Node process outside V8's old space: code, stacks, buffers, new space. */
const OUTSIDE_HEAP_MIB = 72;
const SMALLEST_HEAP_MIB = 32;
/** $0 is the entry of a cgroup. The shell leaves no variable of its own, and execs, so pid, process group and channel stay. */
const JOIN_GROUP = ['/bin/sh', '-c', 'echo $$ > "$0" && unset PWD OLDPWD SHLVL && exec "$@"'];
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
 * A task's command line and its whole environment; only PATH is inherited. The process first joins its cgroup, so that what
 * the service starts while its module loads is in it, too. setpriv sets the user first and the death signal last, because the
 * kernel clears the signal when the user changes. It then execs, so pid and IPC channel stay.
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
  const entry = entryOf(config.cpu, groupOf(plan, names.taskId));
  if (config.setpriv === undefined) {
    // Its user may not write to the cgroup.
    const joins = entry !== undefined && plan.uid === undefined;
    return { ...commandOf(joins ? entry : undefined, run), env, ...user };
  }
  const asUser =
    plan.uid === undefined ? [] : ['--reuid', String(plan.uid), '--regid', String(plan.uid), '--clear-groups'];
  return { ...commandOf(entry, [config.setpriv, ...asUser, '--no-new-privs', '--pdeathsig', 'KILL', ...run]), env };
}

/** @param entry of the cgroup to join first */
function commandOf(entry: string | undefined, run: readonly string[]): Pick<Launch, 'command' | 'args' | 'joinsGroup'> {
  const [command = '', ...args] = entry === undefined ? run : [...JOIN_GROUP, entry, ...run];
  return { command, args, joinsGroup: entry !== undefined };
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
