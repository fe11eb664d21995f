import { dirname } from 'node:path';
import type { Campaign, Judged } from './campaign.ts';

/** Mutants of one folder by result. The score is the share that the tests notice, in percent. */
export interface Score {
  readonly folder: string;
  readonly mutants: number;
  readonly killed: number;
  readonly timedOut: number;
  readonly survived: number;
  readonly uncovered: number;
  readonly score: number;
}

export function scores(judged: readonly Judged[]): Score[] {
  const folders = [...Map.groupBy(judged, ({ file }) => dirname(file))];
  return [...folders.map(([folder, mutants]) => scoreOf(folder, mutants)), scoreOf('all', judged)];
}

function scoreOf(folder: string, judged: readonly Judged[]): Score {
  const count = (result: Judged['result']) => judged.filter((one) => one.result === result).length;
  const killed = count('killed');
  const timedOut = count('timeout');
  const share = judged.length === 0 ? 1 : (killed + timedOut) / judged.length;
  return {
    folder,
    mutants: judged.length,
    killed,
    timedOut,
    survived: count('survived'),
    uncovered: count('uncovered'),
    score: Math.round(share * 1000) / 10,
  };
}

/** The report as text: survivors with their change, then unusable tests, then a table of scores. */
export function renderReport({ judged, unusable }: Campaign): string {
  const alive = judged.filter(({ result }) => result === 'survived' || result === 'uncovered');
  const lines = alive.flatMap((mutant) => [
    `${mutant.file}:${mutant.line}  ${mutant.mutator}  (${noteOf(mutant)})`,
    `  - ${mutant.before}`,
    `  + ${mutant.after}`,
    '',
  ]);
  if (unusable.length > 0) {
    lines.push('These tests fail in the copy without any mutant, so they were not used:');
    lines.push(...unusable.map((test) => `  ${test}`), '');
  }
  return [...lines, ...table(scores(judged))].join('\n');
}

function noteOf({ result, untried }: Judged): string {
  if (result === 'uncovered') return 'no test reaches it';
  return untried === undefined ? 'survived' : `survived; ${untried} expensive tests not run, see --budget`;
}

function table(rows: readonly Score[]): string[] {
  const width = Math.max(...rows.map(({ folder }) => folder.length));
  return [
    `${'folder'.padEnd(width)}  score %  mutants  killed  timed out  survived  uncovered`,
    ...rows.map(({ folder, score, mutants, killed, timedOut, survived, uncovered }) =>
      [
        folder.padEnd(width),
        score.toFixed(1).padStart(7),
        String(mutants).padStart(7),
        String(killed).padStart(6),
        String(timedOut).padStart(9),
        String(survived).padStart(8),
        String(uncovered).padStart(9),
      ].join('  '),
    ),
  ];
}
