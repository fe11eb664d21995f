/** One measured figure beside its yardstick of the same run. */
export interface Figure {
  readonly id: string;
  readonly value: number;
  readonly unit: string;
  /** What it is held against, measured in this run, in words with its own value. */
  readonly yardstick: string;
  /** value / yardstick's value; the part of a result that carries over to another machine. */
  readonly ratio: number;
  /** `<= 20 ms`; 'not judged' where the yardstick, or the number of tenants, that the goal needs is missing here. */
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

/** What things cost with so many pooled tenants on one platform. */
export interface CurvePoint {
  readonly tenants: number;
  /** Since the point before; null at the first, whose tenants are made one by one. */
  readonly onboardedPerSecond: number | null;
  /** A page of ten of the tenant list, the middle of twenty. */
  readonly listPageMs: number;
  /** Processor time of gateway and service for one product list. */
  readonly cpuMsPerRequest: number;
  /** PSS of all processes, at rest after the requests. */
  readonly memoryMB: number;
  /** For each tenant more than at the point before; null at the first. */
  readonly memoryKBPerTenant: number | null;
}

/** What one measurement yields. */
export interface Measured {
  readonly figure: Figure;
  readonly remarks?: readonly string[];
  readonly curve?: readonly CurvePoint[];
}

/** Sizes of a run: the full one, or `--quick` with the same figures at smaller counts. */
export interface Sizes {
  readonly quick: boolean;
  readonly tenants: number;
  /** Of offered load, for each figure and round. */
  readonly seconds: number;
  /** Rounds of offered load, of which the middle one counts. */
  readonly loadRounds: number;
  /** Before the figures under load: gateway and service on one core take some 10 s to compile what they run. */
  readonly warmUpSeconds: number;
  /** Before the first point of the curve. */
  readonly curveWarmUpSeconds: number;
  /** Of offered load, for each point of the curve: processor time a request needs no long look. */
  readonly pointSeconds: number;
  /** Silo tenants of each tier, and starts. */
  readonly rounds: number;
  /** Idle processes give back memory within this time. */
  readonly settleMs: number;
  /** Idle tasks collect what their start has left within this time; a quick run does not wait for it. */
  readonly idleMs: number;
}

export const FULL: Sizes = {
  quick: false,
  tenants: 10_000,
  seconds: 3,
  loadRounds: 5,
  warmUpSeconds: 12,
  curveWarmUpSeconds: 12,
  pointSeconds: 5,
  rounds: 10,
  settleMs: 3_000,
  idleMs: 22_000,
};
export const QUICK: Sizes = {
  quick: true,
  tenants: 1_000,
  seconds: 1.2,
  loadRounds: 1,
  warmUpSeconds: 8,
  curveWarmUpSeconds: 2,
  pointSeconds: 0.6,
  rounds: 3,
  settleMs: 500,
  idleMs: 500,
};
