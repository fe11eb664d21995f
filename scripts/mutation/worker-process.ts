import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Report, Verdict, WorkerRequest } from './protocol.ts';

const START_MS = 60_000;

/** The worker process ended, or was ended because it no longer responded, before it reported. */
export class WorkerLost extends Error {
  readonly silent: boolean;

  constructor(silent: boolean) {
    super(silent ? 'the worker stopped responding' : 'the worker ended');
    this.silent = silent;
  }
}

/** One worker process at a time. It starts when it is needed; `stop` ends it with everything that its tests started. */
export class WorkerProcess {
  readonly #copy: string;
  /** A worker reports that it is alive twice a second; one that is silent for this long is caught in a loop. */
  readonly #silenceMs: number;
  #child: ChildProcess | undefined;

  constructor(copy: string, silenceMs: number) {
    this.#copy = copy;
    this.#silenceMs = silenceMs;
  }

  /** The worker's report. @throws WorkerLost; the next request starts a new process. */
  async request<R extends Exclude<Report, { kind: 'alive' }>>(request: WorkerRequest): Promise<R> {
    const startMs = this.#child ? this.#silenceMs : START_MS;
    const child = this.#child ?? this.#start();
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    const lost = (silent: boolean) => reject(new WorkerLost(silent));
    let timer = setTimeout(lost, startMs, true);
    const onMessage = (report: Report) => {
      clearTimeout(timer);
      if (report.kind === 'alive') timer = setTimeout(lost, this.#silenceMs, true);
      else resolve(report as R);
    };
    const onExit = () => lost(false);
    child.on('message', onMessage).on('exit', onExit);
    try {
      child.send(request);
      return await promise;
    } catch (error) {
      this.stop();
      throw error;
    } finally {
      clearTimeout(timer);
      child.off('message', onMessage).off('exit', onExit);
    }
  }

  /** The verdict on one mutant; a worker that hangs or ends because of it is a verdict, too. */
  async verdict(request: WorkerRequest): Promise<Verdict> {
    try {
      return await this.request<Verdict>(request);
    } catch (error) {
      if (!(error instanceof WorkerLost)) throw error;
      return { kind: 'verdict', result: error.silent ? 'timeout' : 'killed', by: error.message, certain: true };
    }
  }

  stop(): void {
    const pid = this.#child?.pid;
    this.#child = undefined;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }

  #start(): ChildProcess {
    const child = fork(join(import.meta.dirname, 'worker.ts'), {
      cwd: this.#copy,
      // Its own process group, so that what its tests start ends with it.
      detached: true,
      stdio: ['ignore', 'ignore', process.env.TIERPLANE_DEBUG ? 'inherit' : 'ignore', 'ipc'],
      execArgv: ['--disable-warning=ExperimentalWarning'],
      env: { ...process.env, TMPDIR: join(this.#copy, 't'), NODE_ENV: 'test' },
    });
    child.on('error', () => undefined);
    this.#child = child;
    return child;
  }
}
