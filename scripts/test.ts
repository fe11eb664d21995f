import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * `npm test`: build, types, lint, every test. Ends with one plain line, `N passed, N failed`, and exits 1 if anything
 * failed. Arguments go to Jest: `npm test -- test/gateway` runs one part.
 */
const ROOT = join(import.meta.dirname, '..');
const BIN = join(ROOT, 'node_modules', '.bin');

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

function run(command: string, args: readonly string[]): boolean {
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  if (error) process.stderr.write(`${command}: ${error.message}\n`);
  return status === 0;
}

function check(title: string, command: string, args: readonly string[]): Count {
  process.stderr.write(`\n== ${title}\n`);
  const ok = run(command, args);
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
}

/** A suite that cannot even be loaded counts as one failure; Jest counts no test in it. */
function jest(args: readonly string[]): Count {
  process.stderr.write('\n== tests\n');
  const folder = mkdtempSync(join(tmpdir(), 'tierplane-test-'));
  const report = join(folder, 'report.json');
  try {
    const ok = run(process.execPath, [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js'),
      '--json',
      `--outputFile=${report}`,
      ...args,
    ]);
    const result = JSON.parse(readFileSync(report, 'utf8')) as Record<string, number>;
    const failed = (result.numFailedTests ?? 0) + (result.numRuntimeErrorTestSuites ?? 0);
    const passed = result.numPassedTests ?? 0;
    return { passed, failed: ok ? failed : Math.max(failed, 1), skipped: result.numPendingTests ?? 0 };
  } catch (error) {
    process.stderr.write(`the test runner left no report: ${String(error)}\n`);
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const counts = [
  check('build', process.execPath, [join(ROOT, 'scripts', 'build.ts')]),
  check('types', join(BIN, 'tsc'), ['-p', ROOT]),
  check('lint', join(BIN, 'biome'), ['check', '--error-on-warnings', ROOT]),
  jest(process.argv.slice(2)),
];
const sum = (of: keyof Count) => counts.reduce((total, count) => total + count[of], 0);
const skipped = sum('skipped') > 0 ? `, ${sum('skipped')} skipped` : '';
process.stdout.write(`\n${sum('passed')} passed, ${sum('failed')} failed${skipped}\n`);
process.exitCode = sum('failed') > 0 ? 1 : 0;
