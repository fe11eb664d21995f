export type Body = () => unknown;

export interface Case {
  readonly name: string;
  readonly body: Body;
  readonly timeout: number | undefined;
}

/** A `describe`, or the file itself: its tests and suites in order, and its hooks. */
export class Suite {
  readonly name: string;
  readonly children: (Suite | Case)[] = [];
  readonly hooks: Readonly<Record<Hook, Body[]>> = { beforeAll: [], beforeEach: [], afterEach: [], afterAll: [] };

  constructor(name: string) {
    this.name = name;
  }
}

export type Hook = 'beforeAll' | 'beforeEach' | 'afterEach' | 'afterAll';

/** What one test did. `error` is unset if it passed. */
export interface Outcome {
  /** Its position among the tests of the file. */
  readonly index: number;
  readonly name: string;
  readonly ms: number;
  readonly error?: unknown;
}

export interface RunOptions {
  readonly timeoutMs: number;
  /** A hook's limit. @default timeoutMs */
  readonly hookTimeoutMs?: number;
  /** Runs only these tests, and only the hooks that they need. */
  readonly only?: ReadonlySet<number>;
  /** Ends the run at the first test that fails; hooks that clean up still run. */
  readonly stopAtFailure?: boolean;
  /** Shortens a test's limit, which is `timeoutMs` or the test's own. */
  readonly limitOf?: (index: number, timeoutMs: number) => number;
  readonly onStart?: (index: number) => void;
  /** The hooks of a suite run on behalf of these tests. */
  readonly onHook?: (tests: readonly number[]) => void;
}

export class TimedOut extends Error {}

/** Runs the tests of a file one after the other, with Jest's order of hooks. */
export async function runSuite(root: Suite, options: RunOptions): Promise<Outcome[]> {
  const run = new Run(options);
  await run.suite(number(root), []);
  return run.outcomes;
}

interface Numbered {
  readonly suite: Suite;
  readonly children: readonly (Numbered | { readonly index: number; readonly test: Case })[];
  readonly tests: readonly number[];
}

function number(suite: Suite, next = { index: 0 }): Numbered {
  const tests: number[] = [];
  const children = suite.children.map((child) => {
    if (child instanceof Suite) {
      const inner = number(child, next);
      tests.push(...inner.tests);
      return inner;
    }
    tests.push(next.index);
    return { index: next.index++, test: child };
  });
  return { suite, children, tests };
}

class Run {
  readonly outcomes: Outcome[] = [];
  readonly #options: RunOptions;
  #stopped = false;

  constructor(options: RunOptions) {
    this.#options = options;
  }

  async suite({ suite, children, tests }: Numbered, outer: readonly Suite[]): Promise<void> {
    const chosen = tests.filter((index) => this.#options.only?.has(index) ?? true);
    if (chosen.length === 0 || this.#stopped) return;
    this.#options.onHook?.(tests);
    const broken = await this.#hooks(suite.hooks.beforeAll);
    for (const child of children) {
      if (this.#stopped) break;
      if ('suite' in child) await this.suite(child, [...outer, suite]);
      else if (chosen.includes(child.index)) await this.#test(child.index, child.test, [...outer, suite], broken);
    }
    this.#options.onHook?.(tests);
    const left = await this.#hooks(suite.hooks.afterAll);
    if (left) this.#add({ index: chosen.at(-1) ?? -1, name: `${suite.name} (afterAll)`, ms: 0, ...left });
  }

  async #test(index: number, test: Case, suites: readonly Suite[], broken: Failure | undefined): Promise<void> {
    const began = performance.now();
    this.#options.onStart?.(index);
    const limit = this.#limit(index, test);
    const before = suites.flatMap(({ hooks }) => hooks.beforeEach);
    const after = suites.toReversed().flatMap(({ hooks }) => hooks.afterEach);
    const failure = broken ?? (await this.#hooks(before)) ?? (await within(test.body, limit));
    const left = await this.#hooks(after);
    this.#add({ index, name: test.name, ms: performance.now() - began, ...(failure ?? left) });
  }

  #limit(index: number, test: Case): number {
    const own = test.timeout ?? this.#options.timeoutMs;
    return this.#options.limitOf?.(index, own) ?? own;
  }

  async #hooks(hooks: readonly Body[]): Promise<Failure | undefined> {
    for (const hook of hooks) {
      const failure = await within(hook, this.#options.hookTimeoutMs ?? this.#options.timeoutMs);
      if (failure) return failure;
    }
    return undefined;
  }

  #add(outcome: Outcome): void {
    this.outcomes.push(outcome);
    if ('error' in outcome && this.#options.stopAtFailure) this.#stopped = true;
  }
}

interface Failure {
  readonly error: unknown;
}

async function within(body: Body, ms: number): Promise<Failure | undefined> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new TimedOut(`no end within ${ms} ms`)), ms);
  try {
    await Promise.race([(async () => body())(), late, uncaught.next()]);
    return undefined;
  } catch (error) {
    return { error };
  } finally {
    clearTimeout(timer);
  }
}

/** An uncaught error fails the test or hook that is running. */
class UncaughtErrors {
  #fail: ((error: unknown) => void) | undefined;

  next(): Promise<never> {
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => undefined);
    this.#fail = reject;
    return promise;
  }

  report(error: unknown): void {
    this.#fail?.(new Uncaught('an error was not caught', { cause: error }));
  }
}

export class Uncaught extends Error {}

export const uncaught = new UncaughtErrors();
