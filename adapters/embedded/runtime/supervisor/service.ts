import type { Clock } from '../../../../core/ports/clock.ts';
import type { TaskState } from '../../../../core/ports/runtime.ts';
import { remainingMs } from '../../../../core/retry/back-off.ts';
import type { ServiceFailure } from '../../../../core/routing/registry.ts';
import { ProcessLog } from '../../process-log.ts';
import { launchTask } from './launch.ts';
import { type PlannedTask, planTasks } from './plan-tasks.ts';
import type { AgentConfig, ServicePlan, ServiceReport, ToTask } from './protocol.ts';
import { RESTART_BACK_OFF, restartDelayMs } from './restart-delay.ts';
import { socketPath, TASK_SUFFIX_LENGTH } from './socket-path.ts';
import { Task } from './task.ts';

/** After a task has been healthy for this long, earlier failures no longer count. */
const STABLE_MS = 30_000;
/** A task over its memory is replaced. A task over this multiple of it is killed at once, to protect other tenants. */
const MEMORY_KILL = 1.5;
const MIB = 2 ** 20;
/** A service without a task counts as failed after so many failures in a row: the first may be a crash. */
const FAILURES_WHEN_DOWN = 2;

export interface ServiceOptions {
  readonly plan: ServicePlan;
  readonly config: AgentConfig;
  readonly clock: Clock;
  /** A random number in [0, 1). */
  readonly random: () => number;
  /** Called when the service's plan, tasks or their states have changed. */
  readonly changed: (service: Service) => void;
  readonly warn: (fields: object, message: string) => void;
}

/** Keeps the planned number of tasks of one service running. */
export class Service {
  readonly #options: ServiceOptions;
  readonly #log: ProcessLog;
  #plan: ServicePlan;
  #revision = 0;
  /** Oldest first. */
  #tasks: Task[] = [];
  /** Ended tasks whose descendants are still to end. */
  readonly #ending = new Set<Promise<void>>();
  #restarts = 0;
  #lastFailure: string | undefined;
  #failuresInARow = 0;
  /** The last task could not open its data. */
  #cannotOpenData = false;
  /** Epoch ms before which no task is started. */
  #notBefore = 0;
  #waking = false;
  #removed: (() => void) | undefined;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#plan = options.plan;
    this.#log = new ProcessLog(options.plan.logFile);
  }

  get plan(): ServicePlan {
    return this.#plan;
  }

  get pids(): number[] {
    return this.#tasks.map((task) => task.pid).filter((pid) => pid > 0);
  }

  /** Applies a plan. If more than the number of tasks differs, all tasks are replaced one by one. */
  apply(revision: number, plan: ServicePlan): void {
    if (JSON.stringify({ ...plan, desired: 0 }) !== JSON.stringify({ ...this.#plan, desired: 0 })) {
      for (const task of this.#tasks) task.outdated = true;
      this.#failuresInARow = 0;
      this.#notBefore = 0;
    }
    this.#plan = plan;
    this.#revision = revision;
    this.#reconcile();
    this.#options.changed(this);
  }

  /** Drains all tasks. Resolves when they and their descendants have ended. */
  async remove(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#removed = resolve;
      this.#plan = { ...this.#plan, desired: 0 };
      this.#reconcile();
      if (this.#tasks.length === 0) resolve();
    });
    await Promise.all(this.#ending);
    await this.#log.close();
  }

  /** Kills all tasks with their descendants at once. For an agent that ends. */
  killAll(): void {
    for (const task of this.#tasks) task.killAll();
  }

  report(): ServiceReport {
    const { cluster, tenantId, service, desired } = this.#plan;
    const active = this.#active();
    const healthy = active.filter((task) => task.state === 'healthy' && !task.outdated);
    return {
      cluster,
      tenantId,
      service,
      revision: this.#revision,
      converged: healthy.length === desired && active.length === desired,
      tasks: this.#tasks.map((task) => task.status()),
      endpoints: this.endpoints(),
      restarts: this.#restarts,
      ...(this.#lastFailure === undefined ? {} : { lastFailure: this.#lastFailure }),
      ...this.#failure(),
    };
  }

  #failure(): { readonly failure?: ServiceFailure } {
    if (this.endpoints().length > 0 || this.#plan.desired === 0) return {};
    if (this.#cannotOpenData) return { failure: 'data' };
    return this.#failuresInARow < FAILURES_WHEN_DOWN ? {} : { failure: 'start' };
  }

  /** Sockets of the healthy tasks; if none is healthy, of the unhealthy ones, which may only be slow. */
  endpoints(): string[] {
    const socketsOf = (state: string): string[] =>
      this.#tasks.filter((task) => task.state === state).map((task) => task.socket);
    const healthy = socketsOf('healthy');
    return healthy.length > 0 ? healthy : socketsOf('unhealthy');
  }

  send(message: ToTask): void {
    for (const task of this.#tasks) task.send(message);
  }

  /** Replaces or kills tasks that use too much memory. A task is weighed until it has ended, also while it drains. */
  checkMemory(): void {
    const cap = this.#plan.size.memoryMiB * MIB;
    for (const task of this.#tasks) {
      const bytes = task.measureMemory();
      if (bytes === undefined || bytes <= cap) continue;
      const reason = `memory ${Math.round(bytes / MIB)} MiB over ${this.#plan.size.memoryMiB} MiB`;
      if (bytes > cap * MEMORY_KILL) {
        if (!isActive(task.state)) this.#warn(task, reason, 'a draining task is killed');
        task.kill(reason);
      } else if (isActive(task.state) && !task.outdated) {
        task.outdated = true;
        this.#failed(task, reason);
        this.#reconcile();
        this.#options.changed(this);
      }
    }
  }

  #active(): Task[] {
    return this.#tasks.filter((task) => isActive(task.state));
  }

  #reconcile(): void {
    const planned = this.#tasks.flatMap(({ taskId: id, state, outdated }): readonly PlannedTask[] =>
      isActive(state) ? [{ id, state, outdated }] : [],
    );
    const { spawn, drain } = planTasks(this.#plan.desired, planned);
    for (const id of drain) this.#tasks.find((task) => task.taskId === id)?.drain();
    const wait = remainingMs(this.#notBefore, this.#options.clock.now(), RESTART_BACK_OFF.maxMs);
    if (wait > 0) {
      if (spawn > 0) this.#wake(wait);
      return;
    }
    for (let started = 0; started < spawn; started++) this.#start();
  }

  #wake(ms: number): void {
    if (this.#waking) return;
    this.#waking = true;
    const waitedFor = this.#notBefore;
    this.#options.clock.after(ms, () => {
      this.#waking = false;
      // The wait is over, even if the system clock was set back meanwhile.
      if (this.#notBefore === waitedFor) this.#notBefore = 0;
      this.#reconcile();
    });
  }

  #start(): void {
    const { config, clock, random } = this.#options;
    const plan = this.#plan;
    const taskId = this.#newTaskId(random);
    const socket = socketPath(plan.socketDir, taskId);
    const launch = launchTask(plan, { taskId, socket }, config, process.execPath, process.env.PATH ?? '');
    const task = new Task({
      taskId,
      socket,
      plan,
      launch,
      log: this.#log,
      config,
      clock,
      changed: (changed) => this.#taskChanged(changed),
      ended: (ended, reason) => this.#taskEnded(ended, reason),
    });
    this.#tasks.push(task);
    this.#options.changed(this);
  }

  #newTaskId(random: () => number): string {
    for (;;) {
      const suffix = Math.floor(random() * 36 ** TASK_SUFFIX_LENGTH).toString(36);
      const id = `${this.#plan.service}-${suffix.padStart(TASK_SUFFIX_LENGTH, '0')}`;
      if (!this.#tasks.some((task) => task.taskId === id)) return id;
    }
  }

  #taskChanged(task: Task): void {
    this.#options.changed(this);
    if (task.state !== 'healthy') return;
    this.#cannotOpenData = false;
    this.#reconcile();
  }

  #taskEnded(task: Task, reason: string | undefined): void {
    this.#tasks = this.#tasks.filter((other) => other !== task);
    this.#ending.add(task.gone);
    void task.gone.then(() => this.#ending.delete(task.gone));
    if (reason !== undefined) this.#failed(task, reason);
    this.#reconcile();
    this.#options.changed(this);
    if (this.#tasks.length === 0) this.#removed?.();
  }

  #failed(task: Task, reason: string): void {
    const { clock, random } = this.#options;
    const now = clock.now();
    const wasStable = task.healthySince !== undefined && now - task.healthySince >= STABLE_MS;
    this.#failuresInARow = wasStable ? 1 : this.#failuresInARow + 1;
    this.#notBefore = now + restartDelayMs(this.#failuresInARow, random());
    this.#restarts++;
    this.#lastFailure = reason;
    this.#cannotOpenData = task.cannotOpenData;
    this.#warn(task, reason, 'a task ended unexpectedly');
  }

  #warn({ taskId, pid }: Task, reason: string, message: string): void {
    const { tenantId, service, cluster } = this.#plan;
    this.#options.warn({ cluster, tenantId, service, taskId, pid, reason }, message);
  }
}

function isActive(state: TaskState): state is PlannedTask['state'] {
  return state !== 'draining' && state !== 'stopped';
}
