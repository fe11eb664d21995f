import { parseArgs } from 'node:util';
import { messageOf } from '../core/errors.ts';
import { type CurvePoint, FULL, type Measured, QUICK } from './figure.ts';
import { MEASUREMENTS } from './measurements.ts';
import { chosen, type Findings, listed, type Measurement, measureAll } from './run.ts';
import { cleanUp } from './scratch.ts';

/**
 * `npm run bench`: measures each figure together with a yardstick in the same run and prints their ratio first. It is not
 * part of the tests: a missed goal is printed and does not fail the run. Exits with 1 if a figure could not be measured.
 */
const HELP = `npm run bench [-- options]
  --only a,b   measure only these figures, by id or (group):
${listed(MEASUREMENTS).replaceAll(/^/gm, ' '.repeat(13))}
  --quick      use smaller counts, in less than a minute; skips ${slow()} unless --only names them
  --json       print one JSON object on stdout
Examples:
  npm run bench -- --quick
  npm run --silent bench -- --only throughput --json
`;
const EXIT_STOPPED = 130;

interface Options {
  readonly measurements: readonly Measurement[];
  readonly quick: boolean;
  readonly json: boolean;
}

/** @returns undefined if help was requested. @throws for an unknown option or figure */
function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const { quick, json } = values;
  return { measurements: chosen(MEASUREMENTS, values.only, quick ? QUICK : FULL), quick, json };
}

/** @returns the exit code */
async function main(): Promise<number> {
  const options = readOptions();
  if (!options) {
    process.stdout.write(HELP);
    return 0;
  }
  const { measurements, quick, json } = options;
  const findings: Findings = { figures: [], curve: [], failed: [] };
  const signal = stopSignal();
  const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  const measuring = measureAll(measurements, quick ? QUICK : FULL, findings, {
    signal,
    progress,
    measured: (found) => json || print(found),
  });
  await Promise.race([measuring, stopped]);
  if (json) process.stdout.write(`${JSON.stringify({ figures: findings.figures, curve: findings.curve })}\n`);
  await cleanUp();
  if (findings.failed.length > 0) progress(`could not be measured: ${findings.failed.join(', ')}`);
  return signal.aborted ? EXIT_STOPPED : findings.failed.length > 0 ? 1 : 0;
}

function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (!controller.signal.aborted) progress(`${name}: stopping all processes ...`);
      controller.abort();
    });
  }
  return controller.signal;
}

function slow(): string {
  return MEASUREMENTS.filter((one) => !one.inQuick)
    .map((one) => one.id)
    .join(', ');
}

function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

function print({ figure, remarks = [], curve }: Measured): void {
  const { id, ratio, value, unit, yardstick, goal, holds } = figure;
  const verdict = holds === null ? 'not judged' : `goal ${goal}: ${holds ? 'holds' : 'MISSED'}`;
  process.stdout.write(`${String(ratio).padStart(9)} x  ${id}: ${value} ${unit}  (${yardstick})  ${verdict}\n`);
  for (const remark of remarks) process.stdout.write(`${' '.repeat(13)}${remark}\n`);
  if (curve) printCurve(curve);
}

const COLUMNS: readonly (readonly [string, keyof CurvePoint])[] = [
  ['pooled tenants', 'tenants'],
  ['onboarded/s', 'onboardedPerSecond'],
  ['list page, ms', 'listPageMs'],
  ['CPU ms/request', 'cpuMsPerRequest'],
  ['memory, MB', 'memoryMB'],
  ['KB/added tenant', 'memoryKBPerTenant'],
];

function printCurve(curve: readonly CurvePoint[]): void {
  const row = (cells: readonly string[]) =>
    `${' '.repeat(13)}${cells.map((cell, n) => cell.padStart(COLUMNS[n]?.[0].length ?? 0)).join('  ')}\n`;
  process.stdout.write(row(COLUMNS.map(([title]) => title)));
  for (const point of curve) process.stdout.write(row(COLUMNS.map(([, key]) => String(point[key] ?? '-'))));
}

try {
  process.exitCode = await main();
} catch (error) {
  progress(messageOf(error));
  process.exitCode = 1;
}
// An interrupted measurement may still wait for a response.
process.stdout.write('', () => process.exit());
