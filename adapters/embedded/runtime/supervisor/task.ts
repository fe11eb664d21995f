import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import type { Clock } from '../../../../core/ports/clock.ts';
import type { TaskState, TaskStatus } from '../../../../core/ports/runtime.ts';
import type { ProcessLog } from '../../process-log.ts';
import { createGroup, endGroup, enterGroup, killGroup, membersOf } from './cgroup.ts';
import { HealthCheck } from './health.ts';
import type { Launch } from './launch.ts';
import { killOwn } from './leftovers.ts';
import { descendantsOf, killNow, residentBytes, unsharedBytes } from './process-info.ts';
import type { AgentConfig, FromTask, ServicePlan, ToTask } from './protocol.ts';
import { CpuWatch } from './starvation.ts';
import { groupOf } from './task-group.ts';

const HEALTH_INTERVAL_MS = 1_000;
const HEALTH_TIMEOUT_MS = 1_000;
/** Failed health checks in a row after which a task counts as hung. */
const FAILED_CHECKS_WHEN_HUNG = 3;
/** The same for a task that the machine gives no CPU: killing it would add load. */
const FAILED_CHECKS_WHEN_STARVED = 20;
/** A task that has had so much CPU since its last response, and is silent, hangs. */
const RESPONSE_CPU_MS = 500;
const START_TIMEOUT_MS = 20_000;
/** How often a start may take that time again, if the machine gives the task no CPU. A start needs about 120 ms of it. */
const START_EXTENSIONS = 3;
const START_CPU_MS = 2_000;
const START_RETRY_MS = 20;
/** Between leaving the endpoints and draining: time for the change to reach everyone who sends requests. */
const DRAIN_NOTICE_MS = 250;
const DRAIN_TIMEOUT_MS = 10_000;
/** If the machine runs out of memory, the kernel ends tasks before agents and platform. */
const OOM_SCORE = '500';
const NICENESS = 5;

const MAX_REASON_CHARS = 500;

export interface TaskOptions {
  readonly taskId: string;
  readonly socket: string;
  readonly plan: ServicePlan;
  readonly launch: Launch;
  /** Receives what the process prints. */
  readonly log: ProcessLog;
  readonly config: AgentConfig;
  readonly clock: Clock;
  /** Called when the state has changed. */
  readonly changed: (task: Task) => void;
  /** Called when the process has ended; `reason` is undefined if the end was requested. */
  readonly ended: (task: Task, reason: string | undefined) => void;
}

/** One process of a service with all its descendants, from its start to their end. */
export class Task {
  readonly taskId: string;
  readonly socket: string;
  /** Name of its cgroup. */
  readonly #group: string;
  /** Must be replaced by a newer task. */
  outdated = false;
  /** It has reported that it cannot open its data. */
  cannotOpenData = false;
  /** When it was healthy for the first time, in epoch ms. */
  healthySince: number | undefined;
  readonly #options: TaskOptions;
  readonly #child: ChildProcess;
  readonly #health: HealthCheck;
  /** CPU since the start, then since the last response. */
  readonly #cpu: CpuWatch;
  readonly #gone = Promise.withResolvers<void>();
  readonly #startedAt: number;
  /** Resolves when the process is in its cgroup, or has ended. */
  readonly #capped: Promise<void>;
  #state: TaskState = 'starting';
  #failedChecks = 0;
  #rssBytes: number | undefined;
  /** Why it is being killed. */
  #killReason: string | undefined;

  constructor(options: TaskOptions) {
    this.#options = options;
    this.taskId = options.taskId;
    this.socket = options.socket;
    this.#group = groupOf(options.plan, options.taskId);
    this.#startedAt = options.clock.now();
    this.#health = new HealthCheck(options.socket);
    const { command, args, env, uid, gid } = options.launch;
    const capFailure = this.#createGroup();
    this.#child = spawn(command, args, {
      detached: true, // it leads a process group, so that it ends with its children
      ...{ env, uid, gid, cwd: '/' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    options.log.copy(this.#child.stdout);
    options.log.copy(this.#child.stderr);
    this.#child.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#child.pid === undefined) this.#end(`cannot start (${error.code ?? error.message})`);
    });
    this.#child.once('exit', (code, signal) => this.#end(signal === null ? `exit ${code}` : `killed ${signal}`));
    this.#child.on('message', (message: FromTask) => this.#receive(message));
    this.#cpu = new CpuWatch(this.pid);
    this.#later(START_TIMEOUT_MS, () => this.#checkStart(START_EXTENSIONS));
    this.#capped = this.#limit(capFailure);
  }

  /** @returns why it failed */
  #createGroup(): NodeJS.ErrnoException | undefined {
    const { config, plan } = this.#options;
    try {
      createGroup(config.cpu, this.#group, plan.size);
      return undefined;
    } catch (error) {
      return error as NodeJS.ErrnoException;
    }
  }

  #receive(message: FromTask): void {
    if (this.#state !== 'starting') return;
    if (message.type === 'ready') {
      void this.#awaitHealthy();
    } else {
      this.cannotOpenData = true;
      this.kill(printable(message.reason));
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get state(): TaskState {
    return this.#state;
  }

  status(): TaskStatus {
    return {
      taskId: this.taskId,
      pid: this.pid,
      state: this.#state,
      endpoint: this.socket,
      startedAt: new Date(this.#startedAt).toISOString(),
      ...(this.#rssBytes === undefined ? {} : { rssBytes: this.#rssBytes }),
    };
  }

  send(message: ToTask): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  /** Resolves when the process and all its descendants have ended. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  /** Takes the task out of the endpoints and lets it finish its requests; kills it after 10 s. */
  drain(): void {
    if (this.#state === 'draining' || this.#state === 'stopped') return;
    const served = this.#state !== 'starting';
    this.#become('draining');
    this.#later(served ? DRAIN_NOTICE_MS : 0, () => (served ? this.send({ type: 'drain' }) : this.killAll()));
    this.#later(DRAIN_NOTICE_MS + DRAIN_TIMEOUT_MS, () => this.killAll());
  }

  /** Ends the task at once. @param reason reported as the service's last failure */
  kill(reason: string): void {
    this.#killReason ??= reason;
    this.killAll();
  }

  /** Resident memory of the process and its descendants, in bytes; undefined if it cannot be read. */
  measureMemory(): number | undefined {
    const own = residentBytes(this.pid);
    if (own === undefined) return this.#rssBytes;
    const { cpu } = this.#options.config;
    const others = cpu.kind === 'nice' ? descendantsOf(this.pid) : membersOf(cpu, this.#group);
    this.#rssBytes = others.reduce((sum, pid) => sum + (pid === this.pid ? 0 : (unsharedBytes(pid) ?? 0)), own);
    return this.#rssBytes;
  }

  /** Kills the process and its descendants at once, without a report. For an agent that ends. */
  killAll(): void {
    if (this.#state === 'stopped' || this.pid === 0) return;
    // Not after its end, when another group may have the number.
    killNow(-this.pid);
    killNow(this.pid);
    killGroup(this.#options.config.cpu, this.#group);
  }

  #become(state: TaskState): void {
    if (this.#state === state) return;
    this.#state = state;
    if (state === 'healthy') this.healthySince ??= this.#options.clock.now();
    this.#options.changed(this);
  }

  #end(reason: string): void {
    if (this.#state === 'stopped') return;
    const isRequested = this.#state === 'draining';
    this.#health.close();
    this.#state = 'stopped';
    rmSync(this.socket, { force: true });
    void this.#endDescendants().finally(this.#gone.resolve);
    this.#options.ended(this, isRequested ? undefined : (this.#killReason ?? reason));
  }

  /** Kills the descendants that have outlived the process. */
  async #endDescendants(): Promise<void> {
    const { config, plan } = this.#options;
    const tenantId = plan.tenantId ?? undefined;
    if (config.cpu.kind !== 'nice') await endGroup(config.cpu, this.#group);
    else await killOwn(config.instance, (one) => one.taskId === this.taskId && one.tenantId === tenantId);
  }

  #checkStart(extensions: number): void {
    if (this.#state !== 'starting') return;
    if (extensions > 0 && this.#cpu.isStarved(START_CPU_MS)) {
      this.#later(START_TIMEOUT_MS, () => this.#checkStart(extensions - 1));
    } else this.kill(`not healthy within ${START_TIMEOUT_MS / 1000} s`);
  }

  /** Before the process is in its cgroup, its children would be in none, and would outlive it. So it serves nothing. */
  async #awaitHealthy(): Promise<void> {
    await this.#capped;
    const healthy = await this.#health.check(HEALTH_TIMEOUT_MS);
    if (this.#state !== 'starting') return;
    if (healthy) {
      this.#become('healthy');
      this.#later(HEALTH_INTERVAL_MS, () => void this.#watch());
    } else {
      this.#later(START_RETRY_MS, () => void this.#awaitHealthy());
    }
  }

  /** Repeats a failed check soon: it has already waited for its timeout. */
  async #watch(): Promise<void> {
    const healthy = await this.#health.check(HEALTH_TIMEOUT_MS);
    if (this.#state !== 'healthy' && this.#state !== 'unhealthy') return;
    this.#failedChecks = healthy ? 0 : this.#failedChecks + 1;
    if (healthy) this.#cpu.mark();
    if (this.#isHung()) {
      this.kill('hung');
      return;
    }
    this.#become(healthy ? 'healthy' : 'unhealthy');
    this.#later(healthy ? HEALTH_INTERVAL_MS : START_RETRY_MS, () => void this.#watch());
  }

  #isHung(): boolean {
    if (this.#failedChecks < FAILED_CHECKS_WHEN_HUNG) return false;
    return this.#failedChecks >= FAILED_CHECKS_WHEN_STARVED || !this.#cpu.isStarved(RESPONSE_CPU_MS);
  }

  async #limit(capFailure: NodeJS.ErrnoException | undefined): Promise<void> {
    const { config, launch } = this.#options;
    if (this.pid === 0) return;
    try {
      if (process.platform === 'linux') writeFileSync(`/proc/${this.pid}/oom_score_adj`, OOM_SCORE);
      if (config.cpu.kind === 'nice') setPriority(this.pid, NICENESS);
    } catch {
      // The process has already ended; its exit event reports that.
    }
    try {
      if (capFailure) throw capFailure;
      if (!launch.joinsGroup) await enterGroup(config.cpu, this.#group, this.pid);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ESRCH') this.kill(`its CPU cannot be capped (${code})`);
    }
  }

  /** Timers are never cancelled; each one checks the state when it runs. */
  #later(ms: number, run: () => void): void {
    this.#options.clock.after(ms, run);
  }
}

/** The text of a task, safe to show in a terminal. */
function printable(text: unknown): string {
  return String(text).replaceAll(/\p{C}/gu, '?').slice(0, MAX_REASON_CHARS);
}
