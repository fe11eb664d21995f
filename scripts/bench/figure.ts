/** One measured figure beside its yardstick of the same run. */
export interface Figure {
  readonly id: string;
  readonly value: number;
  readonly unit: string;
  /** What it is held against, measured in this run, in words with its own value. */
  readonly yardstick: string;
  /** value / yardstick's value; the part of a result that carries over to another machine. */
  readonly ratio: number;
  /** `<= 20 ms`; 'not judged' where the yardstick that the goal needs is missing here. */
  readonly goal: string;
  readonly holds: boolean | null;
}

export interface Yardstick {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

export type Goal = { readonly atMost: number } | { readonly atLeast: number };

/** Judges a value, or with `judge: 'ratio'` its ratio to the yardstick. */
export function figure(
  id: string,
  value: number,
  unit: string,
  yardstick: Yardstick,
  goal: Goal,
  judge: 'value' | 'ratio' | 'nothing' = 'value',
): Figure {
  const ratio = value / yardstick.value;
  const judged = judge === 'ratio' ? ratio : value;
  const words = 'atMost' in goal ? `<= ${goal.atMost}` : `>= ${goal.atLeast}`;
  return {
    id,
    value: round(value),
    unit,
    yardstick: `${yardstick.name}: ${round(yardstick.value)} ${yardstick.unit}`,
    ratio: round(ratio),
    goal: judge === 'nothing' ? 'not judged' : judge === 'ratio' ? `ratio ${words}` : `${words} ${unit}`,
    holds: judge === 'nothing' ? null : 'atMost' in goal ? judged <= goal.atMost : judged >= goal.atLeast,
  };
}

export function round(value: number): number {
  return Number(value.toPrecision(4));
}

/** The value below which `share` of all lie. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** What one measurement yields: figures, and remarks such as a curve. */
export interface Measured {
  readonly figures: readonly Figure[];
  readonly remarks?: readonly string[];
}

/** Sizes of a run: the full one, or `--quick` with the same figures at smaller counts. */
export interface Sizes {
  readonly quick: boolean;
  readonly tenants: number;
  readonly seconds: number;
  readonly rounds: number;
}

export const FULL: Sizes = { quick: false, tenants: 10_000, seconds: 10, rounds: 10 };
export const QUICK: Sizes = { quick: true, tenants: 1_000, seconds: 2, rounds: 3 };
