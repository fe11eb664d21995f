import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { beginFile } from './jest-globals.ts';
import { freshModules } from './module-hooks.ts';
import type { Measured, MeasuredTest, Report, Run, Verdict, WorkerRequest } from './protocol.ts';
import { type Outcome, runSuite, TimedOut, Uncaught, uncaught } from './suite.ts';

/**
 * A process of `npm run mutate`. It runs test files of the copy in its working directory, with one mutant switched on or
 * none, as its parent requests. It ends when its parent does.
 */
const COPY = process.cwd();
/** A test with a mutant may take this many times as long as without, plus a margin, before it counts as timed out. */
const SLOWDOWN = 4;
const MARGIN_MS = 1_000;
/** A hook with a mutant. Clean-up often waits for the request that the mutant keeps open. */
const HOOK_TIMEOUT_MS = 8_000;
const ALIVE_EVERY_MS = 500;

const modules = freshModules(COPY, pathToFileURL(join(import.meta.dirname, 'jest-globals.ts')).href);

let active: number | undefined;
let reached: Set<number> | undefined;
Object.assign(globalThis, {
  __tierplaneMutant: (id: number) => {
    reached?.add(id);
    return id === active;
  },
});

async function load(testFile: string) {
  const file = beginFile();
  await modules.load(join(COPY, testFile));
  return file;
}

async function measure(testFile: string): Promise<Measured> {
  const began = performance.now();
  const byLoading = new Set<number>();
  reached = byLoading;
  try {
    const file = await load(testFile);
    const loadMs = performance.now() - began;
    const byTest = new Map<number, Set<number>>();
    const reachedBy = (index: number) => byTest.get(index) ?? byTest.set(index, new Set()).get(index);
    const byHooks: { tests: readonly number[]; ids: Set<number> }[] = [];
    const outcomes = await runSuite(file.root, {
      timeoutMs: file.timeoutMs,
      onStart: (index) => {
        reached = reachedBy(index);
      },
      onHook: (tests) => {
        reached = new Set();
        byHooks.push({ tests, ids: reached });
      },
    });
    const all = (index: number) => {
      const hooks = byHooks.filter((hook) => hook.tests.includes(index)).flatMap(({ ids }) => [...ids]);
      return new Set([...(reachedBy(index) ?? []), ...hooks]);
    };
    const tests = outcomes.map((outcome) => measured(outcome, all(outcome.index)));
    return { kind: 'measured', loadMs, reachedByLoading: [...byLoading], tests };
  } catch (error) {
    return { kind: 'measured', error: String(error), loadMs: 0, reachedByLoading: [], tests: [] };
  } finally {
    reached = undefined;
  }
}

function measured({ index, name, ms, error }: Outcome, ids: ReadonlySet<number>): MeasuredTest {
  return { index, name, ms, reached: [...ids], ...(error !== undefined && { error: String(error) }) };
}

async function tryMutant(mutant: number, runs: readonly Run[]): Promise<Verdict> {
  active = mutant;
  try {
    for (const run of runs) {
      const failed = await firstFailure(run);
      if (failed) return failed;
    }
    return { kind: 'verdict', result: 'survived', certain: true };
  } finally {
    active = undefined;
  }
}

async function firstFailure({ testFile, tests }: Run): Promise<Verdict | undefined> {
  const usual = new Map(tests.map(({ index, ms }) => [index, ms]));
  try {
    const file = await load(testFile);
    const outcomes = await runSuite(file.root, {
      timeoutMs: file.timeoutMs,
      hookTimeoutMs: Math.min(HOOK_TIMEOUT_MS, file.timeoutMs),
      only: new Set(usual.keys()),
      stopAtFailure: true,
      limitOf: (index, ms) => Math.min(ms, (usual.get(index) ?? 0) * SLOWDOWN + MARGIN_MS),
    });
    const failed = outcomes.find((outcome) => 'error' in outcome);
    if (!failed) return undefined;
    const result = failed.error instanceof TimedOut ? 'timeout' : 'killed';
    const certain = !(failed.error instanceof TimedOut || failed.error instanceof Uncaught);
    return { kind: 'verdict', result, by: `${testFile}: ${failed.name}`, certain };
  } catch (error) {
    return { kind: 'verdict', result: 'killed', by: `${testFile}: ${String(error)}`, certain: true };
  }
}

function send(report: Report): void {
  process.send?.(report);
}

process.on('uncaughtException', (error) => uncaught.report(error));
process.on('unhandledRejection', (error) => uncaught.report(error));
process.on('disconnect', () => process.exit(0));
// A separate thread ends the process if the parent was killed while a mutant keeps this thread in an endless loop.
new Worker(
  `const parent = ${process.ppid}; setInterval(() => process.ppid === parent || process.kill(process.pid, 'SIGKILL'), 1000);`,
  { eval: true },
).unref();
process.on('message', (request: WorkerRequest) => {
  const work = request.kind === 'measure' ? measure(request.testFile) : tryMutant(request.mutant, request.runs);
  void work.then(send);
});
setInterval(() => send({ kind: 'alive' }), ALIVE_EVERY_MS);
send({ kind: 'alive' });
