import { compare } from './compare.ts';
import type { FuzzCase } from './fuzz-case.ts';
import { minimise } from './minimise.ts';
import { mutatedCase } from './mutate.ts';
import { Random } from './random.ts';

export interface FuzzOptions {
  readonly seed: number;
  /** Mutated responses to compare. */
  readonly count: number;
  /** Called now and then with the number of responses compared. */
  readonly onProgress?: (done: number) => void;
}

export interface FuzzResult {
  readonly responses: number;
  /** Responses that the own parser accepted. */
  readonly accepted: number;
  readonly failure: FuzzFailure | undefined;
}

export interface FuzzFailure {
  /** As small as it can be made. */
  readonly fuzzCase: FuzzCase;
  readonly difference: string;
}

const PROGRESS_EVERY = 5_000;

/** Compares mutated responses until one is read differently. The same seed makes the same responses. */
export async function fuzz({ seed, count, onProgress }: FuzzOptions): Promise<FuzzResult> {
  let responses = 0;
  let accepted = 0;
  for (let index = 0; responses < count; index++) {
    const fuzzCase = mutatedCase(Random.forCase(seed, index));
    const before = responses;
    responses += fuzzCase.exchanges.length;
    const comparison = await compare(fuzzCase);
    accepted += comparison.accepted;
    if (comparison.difference !== undefined) return { responses, accepted, failure: await smallest(fuzzCase) };
    if (Math.floor(before / PROGRESS_EVERY) !== Math.floor(responses / PROGRESS_EVERY)) onProgress?.(responses);
  }
  return { responses, accepted, failure: undefined };
}

async function smallest(failing: FuzzCase): Promise<FuzzFailure> {
  const fails = async (candidate: FuzzCase): Promise<boolean> => (await compare(candidate)).difference !== undefined;
  const fuzzCase = await minimise(failing, fails);
  return { fuzzCase, difference: (await compare(fuzzCase)).difference ?? 'not reproducible' };
}
