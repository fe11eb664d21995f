import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Campaign, isNoticed, type Judged, MutationCampaign } from './mutation/campaign.ts';
import { earlierVerdicts, readEarlier } from './mutation/earlier.ts';
import type { Mutant } from './mutation/instrument.ts';
import { renderReport, scores } from './mutation/report.ts';
import { sampleOf } from './mutation/sample.ts';
import { changedLines, gitFiles, makeWorkingCopy, relatedTests } from './mutation/working-copy.ts';

/**
 * `npm run mutate`: changes the source one place at a time, in a copy, and lists the changes that no test notices.
 * docs/testing.md describes it.
 */
const ROOT = join(import.meta.dirname, '..');
const DEFAULT_PATHS = ['core', 'control-plane/api', 'app-plane/provisioner', 'services/kit'];
/** Tests of whole processes, of the machine, of an AWS account: a mutant does not reach the processes that they start. */
const EXCLUDED_TESTS = [
  'test/e2e',
  'test/rehearsal',
  'test/bench',
  'test/scripts',
  'test/cli',
  'test/embedded',
  'test/adapters/aws',
  'test/adapters/embedded/runtime',
  'test/app-plane/infra',
  'test/app-plane/lambda',
  'test/control-plane/infra',
  'test/control-plane/lambda',
  'test/infra',
  'test/openapi',
  'test/security',
];
const USAGE = `npm run mutate -- [options]

Changes the source one place at a time and reports the changes that no test notices. The work tree is only read.

  --only <path>    a folder or file to mutate; may be repeated (default: ${DEFAULT_PATHS.join(', ')})
  --since <rev>    mutate only lines that changed since this git revision
  --again <file>   keep what the run that wrote this file (--json) noticed; try only its survivors and new mutants
  --near           run only test files that import the mutated file directly (fast; for work on one folder)
  --sample <n>     mutate only this many places, chosen by --seed
  --seed <text>    chooses another sample (default: 1)
  --budget <s>     test time spent on one mutant, at most, in seconds (default: 5)
  --workers <n>    processes that run tests (default: 1)
  --json           print the result as JSON
  --help           print this text
`;

const SILENCE_MS = 6_000;
/** 128 + SIGINT. */
const INTERRUPTED = 130;

function readOptions() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: DEFAULT_PATHS },
      since: { type: 'string' },
      again: { type: 'string' },
      near: { type: 'boolean', default: false },
      sample: { type: 'string' },
      seed: { type: 'string', default: '1' },
      budget: { type: 'string', default: '5' },
      workers: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { sample, budget, workers, ...others } = values;
  return {
    ...others,
    sample: sample === undefined ? undefined : positive('sample', sample),
    budget: positive('budget', budget),
    workers: positive('workers', workers),
  };
}

function positive(name: 'budget' | 'sample' | 'workers', text: string): number {
  const value = Number(text);
  if (!(value > 0) || (name !== 'budget' && !Number.isInteger(value))) {
    throw new TypeError(`--${name} must be a positive ${name === 'budget' ? '' : 'whole '}number, got '${text}'`);
  }
  return value;
}

async function mutate(options: ReturnType<typeof readOptions>): Promise<void> {
  const { only, again, near, budget, workers, json } = options;
  const files = gitFiles(ROOT, only).filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'));
  if (files.length === 0) throw new TypeError(`no TypeScript file matches --only ${only.join(' --only ')}`);
  const earlier = again === undefined ? [] : readEarlier(again);
  const copy = makeWorkingCopy(ROOT, files);
  const progress = (line: string) => process.stderr.write(`${line}\n`);
  const campaign = new MutationCampaign(copy, {
    workers,
    budgetMs: budget * 1000,
    testsOf: relatedTests(ROOT, { excluded: EXCLUDED_TESTS, ...(near && { maxDistance: 1 }) }),
    silenceMs: SILENCE_MS,
    progress,
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      process.exitCode = INTERRUPTED;
      progress('stopping; the report covers the mutants tried so far');
      campaign.stop();
    });
  }
  try {
    const chosen = choose(copy.mutants, options);
    const known = earlierVerdicts(copy.mutants, earlier);
    const untried = chosen.filter(({ id }) => !isNoticed(known.get(id)));
    progress(`${untried.length} of ${copy.mutants.length} mutants in ${files.length} files`);
    await campaign.run(untried);
    const result = withEarlier(campaign.result, chosen, known);
    process.stdout.write(json ? asJson(result) : `${renderReport(result)}\n`);
  } finally {
    copy.remove();
  }
}

function choose(
  mutants: readonly Mutant[],
  { since, sample, seed }: ReturnType<typeof readOptions>,
): readonly Mutant[] {
  const lines = since === undefined ? undefined : changedLines(ROOT, since);
  const changed = mutants.filter(({ file, line }) => lines?.get(file)?.has(line) ?? lines === undefined);
  return sample === undefined ? changed : sampleOf(changed, sample, seed);
}

/** The new verdicts, and the earlier ones of mutants that were not tried again. */
function withEarlier(
  { judged, unusable }: Campaign,
  chosen: readonly Mutant[],
  known: ReadonlyMap<number, Judged>,
): Campaign {
  const verdicts = new Map([...known, ...judged.map((one) => [one.id, one] as const)]);
  return { judged: chosen.flatMap(({ id }) => verdicts.get(id) ?? []), unusable };
}

function asJson({ judged, unusable }: Campaign): string {
  return `${JSON.stringify({ scores: scores(judged), mutants: judged, unusable }, null, 2)}\n`;
}

try {
  const chosen = readOptions();
  if (chosen.help) process.stdout.write(USAGE);
  else await mutate(chosen);
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  process.stderr.write(`${error.message}; see npm run mutate -- --help\n`);
  process.exitCode = 2;
}
