import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';

/**
 * `npm run fuzz:gateway`: compares the gateway's HTTP response parser with Node's on mutated responses (docs/testing.md).
 * Exit code 1 if Node reads a response differently, 2 for an invalid option.
 */
const USAGE = 'usage: npm run fuzz:gateway [-- --seed <integer>] [--count <responses, default 100000>]';

function readOptions(): { seed: number; count: number } | undefined {
  try {
    const { values } = parseArgs({ options: { seed: { type: 'string' }, count: { type: 'string' } } });
    const seed = Number(values.seed ?? Math.trunc(Math.random() * 2 ** 31));
    const count = Number(values.count ?? 100_000);
    return Number.isSafeInteger(seed) && Number.isSafeInteger(count) && count > 0 ? { seed, count } : undefined;
  } catch {
    return undefined;
  }
}

async function main(): Promise<number> {
  const options = readOptions();
  if (!options) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  const { seed, count } = options;
  const started = performance.now();
  process.stderr.write(`comparing ${count} responses, seed ${seed} ...\n`);
  const onProgress = (done: number): void => void process.stderr.write(`${done} of ${count}\n`);
  const { responses, accepted, failure } = await fuzz({ seed, count, onProgress });
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  process.stdout.write(`${responses} responses in ${seconds} s, ${accepted} accepted (seed ${seed})\n`);
  if (!failure) return 0;
  process.stdout.write(`${failure.difference}\n${JSON.stringify(failure.fuzzCase, null, 2)}\n`);
  return 1;
}

process.exitCode = await main();
