import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ACCOUNT_ID } from '../../../rehearsal/emulated-account.ts';
import { freePort } from '../../../rehearsal/free-port.ts';
import { ensurePython } from '../../../rehearsal/python-environment.ts';
import { describeWithPython } from '../../support/describe-with-python.ts';
import { until } from '../../support/until.ts';
import { DIFFERENCES, SLOW } from './second-opinion/differences.ts';

const ROOT = join(import.meta.dirname, '../../..');
const SERVE = join(import.meta.dirname, 'second-opinion/serve.py');
/** The suites of the adapters, each with the contract suite of its port. Compute needs containers, which moto has not. */
const SUITES = [
  ...['store/table', 'identity/identity', 'identity/credentials', 'events/event-bus'],
  ...['metering/metering-keys', 'runtime/places', 'runtime/tenant-data'],
].map((suite) => `test/adapters/aws/${suite}.test.ts`);
const UP_WITHIN_MS = 60_000;
const RUN_WITHIN_MS = 600_000;

interface Result {
  readonly title: string;
  readonly fullName: string;
  readonly status: string;
  readonly failureMessages: readonly string[];
}

describeWithPython('moto, as a second opinion on the adapters of AWS', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tp-moto-'));
  let moto: ChildProcess;
  let url: string;

  beforeAll(async () => {
    const progress = (line: string) => process.stderr.write(`${line}\n`);
    const python = await ensurePython('second-opinion', { progress });
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const env = { PATH: process.env.PATH, MOTO_ACCOUNT_ID: ACCOUNT_ID, PYTHONDONTWRITEBYTECODE: '1' };
    moto = spawn(python, ['-I', SERVE, String(port)], { env, stdio: 'ignore' });
    const isUp = () =>
      fetch(`${url}/moto-api/data.json`).then(
        ({ ok }) => ok,
        () => false,
      );
    await until(isUp, UP_WITHIN_MS);
  }, 300_000);
  afterAll(async () => {
    if (moto.exitCode === null && moto.kill('SIGKILL')) await once(moto, 'exit');
    rmSync(directory, { recursive: true });
  });

  /** Runs the suites with moto in place of the emulated account. */
  async function run(): Promise<Result[]> {
    const report = join(directory, 'report.json');
    const skipped = [...Object.keys(DIFFERENCES), ...SLOW].map(escaped).join('|');
    const options = ['--testNamePattern', `^(?!.*(?:${skipped})$)`, '--json', '--outputFile', report, '--runInBand'];
    const jest = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', ...options, ...SUITES];
    const env = { ...process.env, MOTO_URL: url, NODE_NO_WARNINGS: '1' };
    await once(spawn(process.execPath, jest, { cwd: ROOT, env, stdio: 'ignore' }), 'exit');
    const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
    return testResults.flatMap(({ assertionResults }: { assertionResults: Result[] }) => assertionResults);
  }

  test(
    'agrees with the emulated account on every test of the contract suites, except on the differences that are listed',
    async () => {
      const results = await run();
      const failed = results.filter(({ status }) => status === 'failed');
      expect(failed.map(({ fullName, failureMessages }) => [fullName, failureMessages[0]?.slice(0, 500)])).toEqual([]);
      const skipped = results.filter(({ status }) => status === 'pending').map(({ title }) => title);
      expect(skipped.sort()).toEqual([...Object.keys(DIFFERENCES), ...SLOW].sort());
      expect(results.filter(({ status }) => status === 'passed').length).toBeGreaterThan(100);
    },
    RUN_WITHIN_MS,
  );

  test('is listed in docs/aws-proof.md with what it does differently', () => {
    const page = readFileSync(join(ROOT, 'docs/aws-proof.md'), 'utf8');
    const missing = Object.entries(DIFFERENCES).filter(([name, reason]) => !page.includes(`${name} | ${reason} |`));
    expect([...missing, ...SLOW.filter((name) => !page.includes(name))]).toEqual([]);
  });
});

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
