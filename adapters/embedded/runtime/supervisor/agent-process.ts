import { type ChildProcess, spawn } from 'node:child_process';
import { AGENT_ENTRY } from '../../program.ts';
import { INSTANCE_VARIABLE } from './leftovers.ts';
import { closeLog, openLog } from './log-file.ts';
import { killNow } from './process-info.ts';
import type { AgentConfig, FromAgent, ToAgent } from './protocol.ts';

/** Draining takes at most 10 s, with some time before and after. */
const END_TIMEOUT_MS = 12_000;

export interface AgentOptions {
  readonly config: AgentConfig;
  readonly logFile: string;
  readonly receive: (message: FromAgent) => void;
  /** Called when the process ended although `end` was not called. */
  readonly lost: (reason: string) => void;
}

/** An agent's process, seen from the platform. */
export class AgentProcess {
  /** Resolves with true when the agent is ready, with false if it ends before. */
  readonly ready: Promise<boolean>;
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  #ending = false;
  #isGone = false;

  constructor({ config, logFile, receive, lost }: AgentOptions) {
    const log = openLog(logFile);
    const { PATH, NODE_COMPILE_CACHE } = process.env;
    this.#child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', AGENT_ENTRY], {
      detached: true, // it leads a process group with all its tasks in it
      cwd: '/',
      stdio: ['ignore', log, log, 'ipc'],
      env: { PATH, NODE_COMPILE_CACHE, [INSTANCE_VARIABLE]: config.instance },
    });
    closeLog(log);
    const ready = Promise.withResolvers<boolean>();
    this.ready = ready.promise;
    this.#child.on('message', (message: FromAgent) =>
      message.type === 'ready' ? ready.resolve(true) : receive(message),
    );
    this.#gone = new Promise((resolve) => {
      const gone = (reason: string): void => {
        this.kill();
        this.#isGone = true;
        ready.resolve(false);
        resolve();
        if (!this.#ending) lost(reason);
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

  /** Kills the whole process group, including tasks whose agent has already ended. */
  kill(): void {
    if (this.#child.pid !== undefined && !this.#isGone) killNow(-this.#child.pid);
  }
}
