import { messageOf } from '../core/errors.ts';
import type { CurvePoint, Figure, Measured, Sizes } from './figure.ts';
import { PlatformUnderTest } from './platform-under-test.ts';

/** State that the measurements of one run share. */
export class Run {
  readonly sizes: Sizes;
  #platform: Promise<PlatformUnderTest> | undefined;

  constructor(sizes: Sizes) {
    this.sizes = sizes;
  }

  /** The platform that most measurements share. The first call starts it. */
  platform(): Promise<PlatformUnderTest> {
    this.#platform ??= (async () => {
      const platform = new PlatformUnderTest();
      await platform.start();
      return platform;
    })();
    return this.#platform;
  }

  /** Ends the shared platform, if it was started, and with it the run. */
  async end(): Promise<void> {
    const platform = await this.#platform?.catch(() => undefined);
    await platform?.dispose();
  }
}

export interface Measurement {
  /** The id of its figure. */
  readonly id: string;
  /** Other names that `--only` accepts. */
  readonly groups: readonly string[];
  readonly inQuick: boolean;
  measure(run: Run): Promise<Measured>;
}

/**
 * The measurements of a run, in order. A quick run skips slow ones unless `only` names them.
 * @param only comma-separated ids and groups
 * @throws for unknown names, with the list of all figures
 */
export function chosen(all: readonly Measurement[], only: string | undefined, sizes: Sizes): readonly Measurement[] {
  if (only === undefined) return all.filter((one) => one.inQuick || !sizes.quick);
  const names = only.split(',').map((name) => name.trim());
  const namesOf = (one: Measurement) => [one.id, ...one.groups];
  const unknown = names.filter((name) => !all.some((one) => namesOf(one).includes(name)));
  if (unknown.length > 0)
    throw new Error(`unknown figure ${unknown.map((name) => `'${name}'`).join(', ')}; the figures are\n${listed(all)}`);
  return all.filter((one) => namesOf(one).some((name) => names.includes(name)));
}

/** One line per figure: its id, and its groups in parentheses. */
export function listed(all: readonly Measurement[]): string {
  return all.map(({ id, groups }) => `  ${id}${groups.length > 0 ? ` (${groups.join(', ')})` : ''}`).join('\n');
}

/** The results so far. */
export interface Findings {
  readonly figures: Figure[];
  readonly curve: CurvePoint[];
  /** The ids of figures that could not be measured. */
  readonly failed: string[];
}

interface Watcher {
  readonly signal: AbortSignal;
  /** Receives lines about progress and errors. */
  readonly progress: (line: string) => void;
  readonly measured: (measured: Measured) => void;
}

/** Measures in sequence and adds to `findings`. After a failure the next measurement starts with a new Run. */
export async function measureAll(
  measurements: readonly Measurement[],
  sizes: Sizes,
  findings: Findings,
  { signal, progress, measured }: Watcher,
): Promise<void> {
  let run = new Run(sizes);
  for (const { id, measure } of measurements) {
    if (signal.aborted) return;
    progress(`measuring ${id} ...`);
    const started = performance.now();
    try {
      const found = await measure(run);
      findings.figures.push(found.figure);
      findings.curve.push(...(found.curve ?? []));
      measured(found);
      progress(`  took ${((performance.now() - started) / 1000).toFixed(1)} s`);
    } catch (error) {
      if (signal.aborted) return;
      findings.failed.push(id);
      progress(`${id} could not be measured: ${messageOf(error)}`);
      await run.end();
      run = new Run(sizes);
    }
  }
}
