/** A measured figure and its yardstick from the same run. */
export interface Figure {
  readonly id: string;
  readonly value: number;
  readonly unit: string;
  /** The description and the value of the yardstick, measured in the same run. */
  readonly yardstick: string;
  /** value / yardstick's value. The ratio is comparable between machines. */
  readonly ratio: number;
  /** `<= 20 ms`, or 'not judged' if this run lacks the yardstick or the number of tenants that the goal requires. */
  readonly goal: string;
  readonly holds: boolean | null;
}

export interface Yardstick {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

export type Goal = { readonly atMost: number } | { readonly atLeast: number };

/** Compares a value with its goal, or with `judge: 'ratio'` the ratio of the value to its yardstick. */
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

/** The smallest value that is not below `share` of all values; share 0.5 is the median. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Costs at one number of pooled tenants on one platform. */
export interface CurvePoint {
  readonly tenants: number;
  /** Since the previous point; null at the first, whose tenants are created one by one. */
  readonly onboardedPerSecond: number | null;
  /** A page of ten tenants of the tenant list; the median of twenty requests. */
  readonly listPageMs: number;
  /** Processor time of gateway and service for one product list. */
  readonly cpuMsPerRequest: number;
  /** PSS of all processes when idle, after the requests. */
  readonly memoryMB: number;
  /** Per tenant added since the previous point; null at the first. */
  readonly memoryKBPerTenant: number | null;
}

/** The result of one measurement. */
export interface Measured {
  readonly figure: Figure;
  readonly remarks?: readonly string[];
  readonly curve?: readonly CurvePoint[];
}

/** The sizes of a run: the full one, or `--quick` with smaller counts. */
export interface Sizes {
  readonly quick: boolean;
  readonly tenants: number;
  /** Duration of the load per figure and round. */
  readonly seconds: number;
  /** Rounds of load; the median counts. */
  readonly loadRounds: number;
  /** Before the figures under load. Gateway and service on one core need about 10 s to compile their hot code. */
  readonly warmUpSeconds: number;
  /** Before the first point of the curve. */
  readonly curveWarmUpSeconds: number;
  /** Duration of the load per point of the curve; short, because processor time per request varies little. */
  readonly pointSeconds: number;
  /** Silo tenants of each tier, and starts. */
  readonly rounds: number;
  /** Idle processes release memory within this time. */
  readonly releaseMs: number;
  /** Idle tasks collect the garbage of their start within this time; a quick run does not wait for it. */
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
  releaseMs: 3_000,
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
  releaseMs: 500,
  idleMs: 500,
};
