import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * `npm test`: build, types, lint, every test. Ends with one plain line, `N passed, N failed`, and exits 1 if anything
 * failed. Arguments go to Jest: `npm test -- test/app-plane/gateway` runs one part.
 */
const ROOT = join(import.meta.dirname, '..');
const BIN = join(ROOT, 'node_modules', '.bin');

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

/** The run was stopped by a signal, and the running command has ended. */
class Stopped extends Error {}

let stopped = false;
let running: ChildProcess | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // A second signal exits at once, without waiting for the running command.
    if (stopped) process.exit(130);
    stopped = true;
    // Ctrl-C in a terminal also reaches the running command. SIGTERM reaches this process only.
    if (signal === 'SIGTERM') running?.kill(signal);
  });
}

async function run(command: string, args: readonly string[]): Promise<boolean> {
  running = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  const [status, error] = await once(running, 'exit').then(
    ([code]) => [code as number | null, undefined] as const,
    (cause: Error) => [null, cause] as const,
  );
  if (stopped) throw new Stopped();
  if (error) process.stderr.write(`${command}: ${error.message}\n`);
  return status === 0;
}

async function check(title: string, command: string, args: readonly string[]): Promise<Count> {
  process.stderr.write(`\n== ${title}\n`);
  const ok = await run(command, args);
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
}

/** A suite that cannot even be loaded counts as one failure; Jest counts no test in it. */
async function jest(args: readonly string[]): Promise<Count> {
  process.stderr.write('\n== tests\n');
  const folder = mkdtempSync(join(tmpdir(), 'tierplane-test-'));
  const report = join(folder, 'report.json');
  try {
    const ok = await run(process.execPath, [
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
    if (error instanceof Stopped) throw error;
    process.stderr.write(`the test runner left no report: ${String(error)}\n`);
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function everything(): Promise<void> {
  const counts = [
    await check('build', process.execPath, [join(ROOT, 'scripts', 'build.ts')]),
    await check('types', join(BIN, 'tsc'), ['-p', ROOT]),
    await check('lint', join(BIN, 'biome'), ['check', '--error-on-warnings', ROOT]),
    await jest(process.argv.slice(2)),
  ];
  const sum = (of: keyof Count) => counts.reduce((total, count) => total + count[of], 0);
  const skipped = sum('skipped') > 0 ? `, ${sum('skipped')} skipped` : '';
  process.stdout.write(`\n${sum('passed')} passed, ${sum('failed')} failed${skipped}\n`);
  process.exitCode = sum('failed') > 0 ? 1 : 0;
}

try {
  await everything();
} catch (error) {
  if (!(error instanceof Stopped)) throw error;
  process.stderr.write(
    '\nstopped: nothing is counted; `npm test` starts again, `npm test -- test/app-plane/gateway` runs a part\n',
  );
  process.exitCode = 130;
}
