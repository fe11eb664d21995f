import type { CurvePoint, Figure, Measured, Sizes } from './figure.ts';
import { PlatformUnderTest } from './platform-under-test.ts';

/** What the measurements of one run share. */
export class Run {
  readonly sizes: Sizes;
  #platform: Promise<PlatformUnderTest> | undefined;

  constructor(sizes: Sizes) {
    this.sizes = sizes;
  }

  /** The platform of all measurements that do not need one of their own; started when first asked for. */
  platform(): Promise<PlatformUnderTest> {
    this.#platform ??= (async () => {
      const platform = new PlatformUnderTest();
      await platform.start();
      return platform;
    })();
    return this.#platform;
  }

  /** Ends the shared platform, if there is one. The run is over with it. */
  async end(): Promise<void> {
    const platform = await this.#platform?.catch(() => undefined);
    await platform?.dispose();
  }
}

export interface Measurement {
  /** Its figure's id. */
  readonly id: string;
  /** Further names under which `--only` finds it. */
  readonly groups: readonly string[];
  readonly inQuick: boolean;
  measure(run: Run): Promise<Measured>;
}

/**
 * The measurements of a run, in their order. What is named is measured also where a quick run would leave it out.
 * @param only comma-separated ids and groups
 * Throws for unknown names, with all that there are.
 */
export function chosen(all: readonly Measurement[], only: string | undefined, sizes: Sizes): readonly Measurement[] {
  if (only === undefined) return all.filter((one) => one.inQuick || !sizes.quick);
  const names = only.split(',').map((name) => name.trim());
  const namesOf = (one: Measurement) => [one.id, ...one.groups];
  const unknown = names.filter((name) => !all.some((one) => namesOf(one).includes(name)));
  if (unknown.length > 0)
    throw new Error(`no figure is called ${unknown.map((name) => `'${name}'`).join(', ')}; there are\n${listed(all)}`);
  return all.filter((one) => namesOf(one).some((name) => names.includes(name)));
}

/** A line for each figure: its id, and its groups in brackets. */
export function listed(all: readonly Measurement[]): string {
  return all.map(({ id, groups }) => `  ${id}${groups.length > 0 ? ` (${groups.join(', ')})` : ''}`).join('\n');
}

/** What has been found so far. */
export interface Findings {
  readonly figures: Figure[];
  readonly curve: CurvePoint[];
  /** Ids of what could not be measured. */
  readonly failed: string[];
}

interface Watcher {
  readonly signal: AbortSignal;
  /** Hears lines of progress and faults. */
  readonly progress: (line: string) => void;
  readonly measured: (measured: Measured) => void;
}

/** One after the other into `findings`; one that fails costs only itself, the next has nothing of its making. */
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
      progress(`${id} could not be measured: ${error instanceof Error ? error.message : String(error)}`);
      await run.end();
      run = new Run(sizes);
    }
  }
}
