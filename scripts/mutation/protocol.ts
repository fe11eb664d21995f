/** What the command requests from a worker process, and what the worker reports. Times are in milliseconds. */
export type WorkerRequest =
  | { readonly kind: 'measure'; readonly testFile: string }
  | { readonly kind: 'try'; readonly mutant: number; readonly runs: readonly Run[] };

/** Tests of one file that reach the mutant, each with the time that it takes without one. */
export interface Run {
  readonly testFile: string;
  readonly tests: readonly { readonly index: number; readonly ms: number }[];
}

export type Report = Measured | Verdict | { readonly kind: 'alive' };

/** A test file without a mutant: its tests and the mutants that each of them reaches. */
export interface Measured {
  readonly kind: 'measured';
  /** Set if the file could not be loaded. */
  readonly error?: string;
  readonly loadMs: number;
  /** The mutants reached while the file was loaded; every test depends on them. */
  readonly reachedByLoading: readonly number[];
  readonly tests: readonly MeasuredTest[];
}

export interface MeasuredTest {
  readonly index: number;
  readonly name: string;
  readonly ms: number;
  readonly reached: readonly number[];
  /** Why it fails without a mutant. Such a test judges no mutant. */
  readonly error?: string;
}

export type Result = 'killed' | 'timeout' | 'survived';

export interface Verdict {
  readonly kind: 'verdict';
  readonly result: Result;
  /** The test that noticed. */
  readonly by?: string;
  /** False if an earlier mutant may be the cause: a test timed out, or an error was thrown outside its own calls. */
  readonly certain: boolean;
}
