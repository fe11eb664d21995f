import type { Mutant } from './instrument.ts';
import type { Measured, Result, Run, Verdict, WorkerRequest } from './protocol.ts';
import { WorkerLost, WorkerProcess } from './worker-process.ts';
import { emptyTemporaryFolder, type RelatedTests, type WorkingCopy } from './working-copy.ts';

export interface Judged extends Mutant {
  /** `uncovered`: no test reaches it. It counts as survived. */
  readonly result: Result | 'uncovered';
  /** The test that noticed. */
  readonly by?: string;
  /** Tests that reach it but were not run, because the cheaper ones had used up the time for one mutant. */
  readonly untried?: number;
}

/** Whether a test notices the mutant. */
export function isNoticed(judged: Judged | undefined): boolean {
  return judged?.result === 'killed' || judged?.result === 'timeout';
}

export interface Campaign {
  readonly judged: readonly Judged[];
  /** Test files and tests that fail without a mutant in the copy, and judge none. */
  readonly unusable: readonly string[];
}

export interface CampaignOptions {
  readonly workers: number;
  /** Test time spent on one mutant, at most (ms). Test files that import the mutant's file directly go first. */
  readonly budgetMs: number;
  readonly testsOf: RelatedTests;
  /** A worker that is silent for this long (ms) is caught in an endless loop. */
  readonly silenceMs: number;
  readonly progress: (line: string) => void;
}

/** A worker process is replaced after this many mutants, because the modules of earlier generations stay in its memory. */
const MUTANTS_PER_PROCESS = 60;

/** Runs the tests that reach each mutant, and reports which mutants they notice. */
export class MutationCampaign {
  readonly #copy: WorkingCopy;
  readonly #options: CampaignOptions;
  readonly #workers: readonly WorkerProcess[];
  readonly #measured = new Map<string, Measured>();
  readonly #unusable: string[] = [];
  readonly #judged: Judged[] = [];
  #stopped = false;

  constructor(copy: WorkingCopy, options: CampaignOptions) {
    this.#copy = copy;
    this.#options = options;
    this.#workers = Array.from({ length: options.workers }, () => new WorkerProcess(copy.folder, options.silenceMs));
  }

  /** What is known so far; complete once `run` has resolved. */
  get result(): Campaign {
    return { judged: this.#judged.toSorted((a, b) => a.id - b.id), unusable: this.#unusable };
  }

  async run(mutants: readonly Mutant[]): Promise<void> {
    try {
      const files = new Set(mutants.map(({ file }) => file));
      const testFiles = new Set([...files].flatMap((file) => [...this.#options.testsOf(file).keys()]));
      await this.#share([...testFiles].sort(), 'test files measured', (worker, file) => this.#measure(worker, file));
      for (const worker of this.#workers) worker.stop();
      await this.#share(mutants, 'mutants tried', (worker, mutant, at) => this.#judge(worker, mutant, at));
    } finally {
      this.stop();
    }
  }

  /** Ends the workers; `run` resolves soon. */
  stop(): void {
    this.#stopped = true;
    for (const worker of this.#workers) worker.stop();
  }

  async #share<T>(
    items: readonly T[],
    title: string,
    work: (worker: WorkerProcess, item: T, at: number) => Promise<void>,
  ): Promise<void> {
    const queue = items.values();
    let done = 0;
    const report = setInterval(() => this.#options.progress(`${done} of ${items.length} ${title}`), 10_000);
    try {
      await Promise.all(
        this.#workers.map(async (worker) => {
          for (const item of queue) {
            if (this.#stopped) return;
            await work(worker, item, done);
            done += 1;
          }
        }),
      );
      this.#options.progress(`${done} of ${items.length} ${title}`);
    } finally {
      clearInterval(report);
    }
  }

  async #measure(worker: WorkerProcess, testFile: string): Promise<void> {
    try {
      const measured = await worker.request<Measured>({ kind: 'measure', testFile });
      if (measured.error !== undefined) this.#unusable.push(`${testFile}: ${measured.error}`);
      for (const { name, error } of measured.tests) {
        if (error !== undefined) this.#unusable.push(`${testFile}: ${name}: ${error.split('\n', 1)[0]}`);
      }
      this.#measured.set(testFile, measured);
    } catch (error) {
      if (!(error instanceof WorkerLost)) throw error;
      if (!this.#stopped) this.#unusable.push(`${testFile}: ${error.message}`);
    }
  }

  async #judge(worker: WorkerProcess, mutant: Mutant, at: number): Promise<void> {
    const { runs, untried } = this.#runsFor(mutant);
    if (runs.length === 0) {
      this.#judged.push({ ...mutant, result: 'uncovered' });
      return;
    }
    if (at % MUTANTS_PER_PROCESS === 0) this.#renew(worker);
    const verdict = await this.#verdict(worker, { kind: 'try', mutant: mutant.id, runs });
    if (this.#stopped) return;
    const { result, by } = verdict;
    this.#judged.push({ ...mutant, result, ...(by !== undefined && { by }), ...(untried > 0 && { untried }) });
  }

  /** Repeats a verdict that an earlier mutant may have caused, in a new process. */
  async #verdict(worker: WorkerProcess, request: WorkerRequest): Promise<Verdict> {
    const verdict = await worker.verdict(request);
    if (verdict.certain || this.#stopped) return verdict;
    this.#renew(worker);
    const again = await worker.verdict(request);
    this.#renew(worker);
    return again;
  }

  #renew(worker: WorkerProcess): void {
    worker.stop();
    if (this.#workers.length === 1) emptyTemporaryFolder(this.#copy);
  }

  /** The tests that reach a mutant, the nearest and cheapest files first, as many as fit into the budget (one at least). */
  #runsFor({ id, file }: Mutant): { runs: Run[]; untried: number } {
    const all = [...this.#options.testsOf(file)].flatMap(([testFile, distance]) => {
      const measured = this.#measured.get(testFile);
      const tests = measured ? testsThatReach(id, measured) : [];
      const cost = tests.reduce((sum, { ms }) => sum + ms, measured?.loadMs ?? 0);
      return tests.length > 0 ? [{ distance, cost, run: { testFile, tests } }] : [];
    });
    all.sort((a, b) => a.distance - b.distance || a.cost - b.cost);
    let spent = 0;
    const runs: Run[] = [];
    let untried = 0;
    for (const { cost, run } of all) {
      const fits = runs.length === 0 || spent + cost <= this.#options.budgetMs;
      if (!fits) untried += run.tests.length;
      if (fits) runs.push(run);
      if (fits) spent += cost;
    }
    return { runs, untried };
  }
}

function testsThatReach(id: number, { reachedByLoading, tests }: Measured): Run['tests'] {
  const usable = tests.filter((test) => test.error === undefined);
  const reaching = reachedByLoading.includes(id) ? usable : usable.filter((test) => test.reached.includes(id));
  return reaching.map(({ index, ms }) => ({ index, ms }));
}
