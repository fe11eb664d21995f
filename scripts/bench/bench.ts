import { parseArgs } from 'node:util';
import { type Figure, FULL, type Measured, QUICK, type Sizes } from './figure.ts';
import { tenantList } from './list.ts';
import { memoryAdvanced, memoryBasic } from './memory.ts';
import { onboardingBasic, onboardingSilo } from './onboarding.ts';
import { coldStartEmpty, coldStartFull } from './start.ts';
import { throughput } from './throughput.ts';

/**
 * `npm run bench`: each figure beside its yardstick of the same run, the ratio first. Never part of the tests: a figure
 * that misses its goal is printed, and fails nothing.
 */
const MEASUREMENTS: Record<
  string,
  { readonly measure: (sizes: Sizes) => Promise<Measured>; readonly inQuick: boolean }
> = {
  'onboarding-basic': { measure: onboardingBasic, inQuick: true },
  'onboarding-silo': { measure: onboardingSilo, inQuick: true },
  throughput: { measure: throughput, inQuick: true },
  'memory-advanced': { measure: memoryAdvanced, inQuick: true },
  'memory-basic': { measure: memoryBasic, inQuick: true },
  'cold-start-empty': { measure: coldStartEmpty, inQuick: true },
  'cold-start-full': { measure: coldStartFull, inQuick: false },
  'tenant-list': { measure: tenantList, inQuick: false },
};

const HELP = `npm run bench [-- options]
  --only a,b   only these measurements: ${Object.keys(MEASUREMENTS).join(', ')}
  --quick      smaller counts; leaves out cold-start-full and tenant-list
  --json       one JSON object on stdout
Examples:
  npm run bench -- --quick
  npm run --silent bench -- --only throughput --json
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      quick: { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const sizes = values.quick ? QUICK : FULL;
  const figures: Figure[] = [];
  for (const name of namesOf(values.only, sizes)) {
    process.stderr.write(`measuring ${name} ...\n`);
    const measured = await MEASUREMENTS[name]?.measure(sizes);
    if (!measured) continue;
    figures.push(...measured.figures);
    if (!values.json) print(measured);
  }
  if (values.json) process.stdout.write(`${JSON.stringify({ figures })}\n`);
}

/** Throws for an unknown name. */
function namesOf(only: string | undefined, sizes: Sizes): string[] {
  const all = Object.keys(MEASUREMENTS).filter((name) => !sizes.quick || MEASUREMENTS[name]?.inQuick);
  if (only === undefined) return all;
  const names = only.split(',');
  const unknown = names.filter((name) => !(name in MEASUREMENTS));
  if (unknown.length > 0) throw new Error(`no measurement is called ${unknown.join(', ')}\n${HELP}`);
  return names;
}

function print({ figures, remarks = [] }: Measured): void {
  for (const { id, ratio, value, unit, yardstick, goal, holds } of figures) {
    const verdict = holds === null ? 'not judged' : holds ? 'holds' : 'MISSED';
    process.stdout.write(
      `${String(ratio).padStart(9)} x  ${id}: ${value} ${unit}  (${yardstick})  goal ${goal}: ${verdict}\n`,
    );
  }
  for (const remark of remarks) process.stdout.write(`             ${remark}\n`);
}

await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
