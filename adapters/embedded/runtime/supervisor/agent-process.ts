import { type ChildProcess, spawn } from 'node:child_process';
import type { Clock } from '../../../../core/ports/clock.ts';
import { Heartbeat } from '../../heartbeat.ts';
import { ProcessLog } from '../../process-log.ts';
import { AGENT_ENTRY } from '../../program.ts';
import { markOf } from './own-processes.ts';
import { killNow } from './process-info.ts';
import type { AgentConfig, FromAgent, ToAgent } from './protocol.ts';

/** Draining takes at most 10 s, with some time before and after. */
const END_TIMEOUT_MS = 12_000;
const START_TIMEOUT_MS = 20_000;

export interface AgentOptions {
  readonly config: AgentConfig;
  readonly logFile: string;
  readonly clock: Clock;
  readonly receive: (message: FromAgent) => void;
  /** Called when the process ended although `end` was not called. */
  readonly lost: (reason: string) => void;
}

/** An agent's process, seen from the platform. */
export class AgentProcess {
  /** Resolves with true when the agent is ready, with false if it ends before. */
  readonly ready: Promise<boolean>;
  readonly #child: ChildProcess;
  readonly #log: ProcessLog;
  readonly #gone: Promise<void>;
  readonly #heartbeat: Heartbeat;
  #ending = false;
  #isGone = false;
  /** Why it is being killed. */
  #killReason: string | undefined;

  constructor({ config, logFile, clock, receive, lost }: AgentOptions) {
    const { PATH, NODE_COMPILE_CACHE } = process.env;
    this.#child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', AGENT_ENTRY], {
      detached: true, // Ctrl-C must reach the platform only, which then ends its agents in order
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { PATH, NODE_COMPILE_CACHE, ...markOf(config.instance) },
    });
    this.#log = new ProcessLog(logFile);
    this.#log.copy(this.#child.stdout);
    this.#log.copy(this.#child.stderr);
    const ready = Promise.withResolvers<boolean>();
    this.ready = ready.promise;
    this.#heartbeat = new Heartbeat({
      clock,
      ping: () => this.send({ type: 'ping' }),
      hung: () => this.#replace('hung'),
    });
    const slow = clock.after(START_TIMEOUT_MS, () => this.#replace(`not ready within ${START_TIMEOUT_MS / 1000} s`));
    this.#child.on('message', (message: FromAgent) => {
      this.#heartbeat.beat();
      if (message.type === 'ready') {
        slow.cancel();
        this.#heartbeat.start();
        ready.resolve(true);
      } else if (message.type !== 'pong') receive(message);
    });
    this.#gone = new Promise((resolve) => {
      const gone = (reason: string): void => {
        slow.cancel();
        this.#heartbeat.stop();
        this.kill();
        this.#isGone = true;
        ready.resolve(false);
        resolve(this.#log.close());
        if (!this.#ending) lost(this.#killReason ?? reason);
      };
      this.#child.once('exit', (code, signal) => gone(signal === null ? `exit ${code}` : `killed ${signal}`));
      this.#child.on('error', (error: NodeJS.ErrnoException) => {
        if (this.#child.pid === undefined) gone(`cannot start (${error.code ?? error.message})`);
      });
    });
    this.send({ type: 'init', config });
  }

  /** Undefined if the process could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  send(message: ToAgent): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  /** Drains all tasks and ends the process; kills it if that takes too long. */
  async end(): Promise<void> {
    this.#ending = true;
    this.send({ type: 'end' });
    const timer = setTimeout(() => this.kill(), END_TIMEOUT_MS);
    await this.#gone;
    clearTimeout(timer);
  }

  /** Kills it, so that `lost` is called with the reason. Its end takes its own time and limit. */
  #replace(reason: string): void {
    if (this.#ending) return;
    this.#killReason = reason;
    this.kill();
  }

  /** Kills the process group: the agent, and what it may have started apart from tasks, which have groups of their own. */
  kill(): void {
    if (this.#child.pid !== undefined && !this.#isGone) killNow(-this.#child.pid);
  }
}
