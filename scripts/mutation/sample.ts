import { createHash } from 'node:crypto';
import type { Mutant } from './instrument.ts';

/** `count` of the mutants, in their order. The same seed chooses the same mutants of the same source. */
export function sampleOf<M extends Pick<Mutant, 'id'>>(mutants: readonly M[], count: number, seed: string): M[] {
  const rank = ({ id }: M): string => createHash('sha256').update(`${seed} ${id}`).digest('hex');
  const ranked = mutants.map((mutant) => ({ mutant, rank: rank(mutant) }));
  ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1));
  return ranked
    .slice(0, count)
    .map(({ mutant }) => mutant)
    .sort((a, b) => a.id - b.id);
}
