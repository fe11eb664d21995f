import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { collectOutput } from '../support/collect-output.ts';
import { until } from '../support/until.ts';

/** Tests of the benchmark's behavior, not of its figures, because other tests run at the same time. */
const ROOT = join(import.meta.dirname, '..', '..');
jest.setTimeout(180_000);

const KEYS = ['id', 'value', 'unit', 'yardstick', 'ratio', 'goal', 'holds'];

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('npm run bench', () => {
  /** The temporary folder of a run. Its path is short, because the paths of sockets are limited. */
  const scratch = mkdtempSync(join(tmpdir(), 'b-'));
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  /** @param midway runs while the benchmark does, for example to interrupt it */
  async function bench(
    args: readonly string[],
    midway: (child: ChildProcess) => Promise<void> = async () => undefined,
  ): Promise<Result> {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'bench/bench.ts', ...args], {
      cwd: ROOT,
      env: { ...process.env, TMPDIR: scratch },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = collectOutput(child);
    const closed = once(child, 'close');
    await midway(child);
    const [code] = await closed;
    return { ...output, code };
  }

  /** Command line and environment of the processes that use the scratch folder. */
  function running(): string[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => {
        try {
          return ['cmdline', 'environ'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'utf8')).join();
        } catch {
          return '';
        }
      })
      .filter((line) => line.includes(scratch));
  }

  test('prints one JSON object with the requested figures, by id or by group', async () => {
    const { code, stdout, stderr } = await bench([
      '--quick',
      '--only',
      'onboarding-basic-p50,cold-start-empty',
      '--json',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('measuring cold-start-empty') });
    const { figures, curve } = JSON.parse(stdout) as { figures: Record<string, unknown>[]; curve: unknown[] };
    expect(figures.map(({ id }) => id)).toEqual(['cold-start-empty', 'onboarding-basic-p50']);
    for (const figure of figures) {
      expect(Object.keys(figure)).toEqual(KEYS);
      expect(figure).toMatchObject({
        value: expect.any(Number),
        yardstick: expect.stringMatching(/.+: [\d.]+ \w+$/),
        ratio: expect.any(Number),
        goal: expect.stringMatching(/^<= \d+ m?s$/),
        holds: expect.any(Boolean),
      });
    }
    expect(curve).toEqual([]);
    expect(readdirSync(scratch)).toEqual([]);
  });

  test('measures the authorizer of the AWS home, warm and without a call of the account', async () => {
    const { code, stdout, stderr } = await bench(['--quick', '--only', 'authorizer', '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('measuring authorizer') });
    expect(JSON.parse(stdout).figures).toEqual([
      expect.objectContaining({ id: 'authorizer', unit: 'ms CPU', value: expect.any(Number), goal: '<= 1 ms CPU' }),
    ]);
  });

  test.each([
    ['a figure', ['--only', 'cold-start-empty,tenant-lsit'], "unknown figure 'tenant-lsit'; the figures are"],
    ['an option', ['--quik'], "Unknown option '--quik'"],
  ])('refuses %s that does not exist', async (_, args, message) => {
    const { code, stdout, stderr } = await bench(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(message);
  });

  test('lists all figures when it refuses one', async () => {
    const { stderr } = await bench(['--only', 'nonsense']);
    for (const id of ['synth', 'memory-basic', 'tenant-list-p99 (tenant-list)']) expect(stderr).toContain(`  ${id}`);
  });

  test('ends what it started and removes its folders on Ctrl-C, and still prints its JSON', async () => {
    const { code, stdout } = await bench(['--only', 'memory-advanced', '--json'], async (child) => {
      await until(() => globSync('*/running.json', { cwd: scratch }).length > 0, 60_000);
      expect(running().length).toBeGreaterThan(3);
      child.kill('SIGINT');
    });
    expect(code).toBe(130);
    expect(JSON.parse(stdout)).toEqual({ figures: [], curve: [] });
    expect(readdirSync(scratch)).toEqual([]);
    // A killed process takes a moment to disappear.
    await until(() => running().length === 0);
  });
});
