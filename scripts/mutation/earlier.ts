import { readFileSync } from 'node:fs';
import type { Judged } from './campaign.ts';
import type { Mutant } from './instrument.ts';

/** Reads the mutants of an earlier run from the file that `--json` wrote. @throws TypeError for any other file */
export function readEarlier(file: string): readonly Judged[] {
  try {
    const { mutants } = JSON.parse(readFileSync(file, 'utf8')) as { readonly mutants: readonly Judged[] };
    return mutants.map((one) => one);
  } catch (cause) {
    throw new TypeError(`--again must name a result that --json wrote, got '${file}'`, { cause });
  }
}

/**
 * What an earlier run found out about the mutants of today, by their ids of today. A mutant is the same if its file, its
 * rule and its line before and after the change are; the line may have moved. A new mutant is absent.
 */
export function earlierVerdicts(mutants: readonly Mutant[], earlier: readonly Judged[]): ReadonlyMap<number, Judged> {
  const byKey = new Map(keyed(earlier));
  return new Map(
    keyed(mutants).flatMap(([key, mutant]) => {
      const known = byKey.get(key);
      return known ? [[mutant.id, { ...known, ...mutant }]] : [];
    }),
  );
}

/** Gives each mutant a key. Mutants with the same text in one file are numbered in their order. */
function keyed<M extends Mutant>(mutants: readonly M[]): [key: string, mutant: M][] {
  const seen = new Map<string, number>();
  return mutants.map((mutant) => {
    const key = [mutant.file, mutant.mutator, mutant.before, mutant.after].join('\n');
    const nth = (seen.get(key) ?? 0) + 1;
    seen.set(key, nth);
    return [`${key}\n${nth}`, mutant];
  });
}
