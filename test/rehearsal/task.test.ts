import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { missingContainerEngine } from '../../rehearsal/container-engine.ts';
import { missingPython } from '../../rehearsal/python-environment.ts';
import { imageNames } from '../../scripts/images/from-scratch.ts';
import { blocksOf } from '../support/doc-commands.ts';
import { describeUnless } from '../support/requirements.ts';
import { leftBehind, NOTHING, run } from './leftovers.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const COMMAND = 'rehearsal/task/command.ts';
jest.setTimeout(300_000);

interface Step {
  readonly name: string;
  readonly ms: number;
  readonly ok: boolean;
  readonly detail?: string;
}

describeUnless(missingPython() ?? missingContainerEngine(), 'npm run aws:task', () => {
  test('DX-7: runs our service as an ECS task that DynamoDB refuses foreign keys, and leaves nothing behind', async () => {
    const commands = blocksOf('README.md').filter(({ text }) => /^npm run aws:task$/m.test(text));
    expect(commands.length).toBe(1);
    const left = await leftBehind(async (env) => {
      const args = ['run', '--silent', 'aws:task', '--', '--json'];
      // npm would keep its own compile cache in the temporary folder.
      const { code, stdout, stderr } = await run('npm', args, { ...env, NODE_DISABLE_COMPILE_CACHE: '1' });
      const { ok, steps } = JSON.parse(stdout) as { ok: boolean; steps: Step[] };
      expect(steps.filter((step) => !step.ok)).toEqual([]);
      expect({ ok, code }).toEqual({ ok: true, code: 0 });
      const detailOf = (words: string) => steps.find(({ name }) => name.includes(words))?.detail ?? '';
      for (const name of imageNames()) {
        const [, megabytes] = /^(\d+) MB$/.exec(detailOf(`image of ${name} is`)) ?? [];
        expect(Number(megabytes)).toBeGreaterThan(50);
        expect(Number(megabytes)).toBeLessThan(150);
      }
      expect(detailOf('healthy ECS task')).toMatch(/^arn:aws:ecs:\S+, container \S+-service, user 65532/);
      expect(detailOf('product list')).toMatch(/COF-1.* by arn:aws:sts::\d{12}:assumed-role\/.*DataRole/);
      expect(detailOf('refuses the same container')).toMatch(/^AccessDeniedException: .*dynamodb:Query/);
      for (const { name, ms } of steps) expect(stderr).toContain(`✓ ${name} (${ms} ms)`);
    });
    expect(left).toEqual(NOTHING);
  });

  test('leaves nothing behind after SIGTERM while containers run', async () => {
    const left = await leftBehind(async (env) => {
      const child = spawn(process.execPath, [COMMAND], { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'pipe'] });
      const exited = once(child, 'exit');
      let text = '';
      for await (const chunk of child.stderr) {
        text += chunk;
        if (text.includes('✓ the service is a running and healthy ECS task')) break;
      }
      child.kill('SIGTERM');
      expect(await exited).toEqual([143, null]);
    });
    expect(left).toEqual(NOTHING);
  });

  test('with --keep the account stays until a signal', async () => {
    const left = await leftBehind(async (env) => {
      const child = spawn(process.execPath, [COMMAND, '--keep'], {
        cwd: ROOT,
        env,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const exited = once(child, 'exit');
      let text = '';
      // The command still writes after the loop.
      for await (const chunk of child.stderr.iterator({ destroyOnReturn: false })) {
        text += chunk;
        if (/the account stays at http:\S+ until Ctrl-C\n/.test(text)) break;
      }
      child.stderr.resume();
      const [, endpoint] = /the account stays at (http:\S+)/.exec(text) ?? [];
      expect((await fetch(`${endpoint}/_ministack/health`)).status).toBe(200);
      child.kill('SIGINT');
      expect(await exited).toEqual([0, null]);
    });
    expect(left).toEqual(NOTHING);
  });
});

describe('npm run aws:task on a machine that cannot run it', () => {
  /** A folder with these programs only, as PATH. */
  function withPrograms(names: readonly string[]): { readonly PATH: string; readonly folder: string } {
    const folder = mkdtempSync(join(tmpdir(), 'tierplane-path-'));
    for (const name of names) {
      const found = ['/usr/bin', '/usr/sbin', '/bin', '/sbin'].map((one) => join(one, name));
      const path = found.find((one) => existsSync(one));
      if (path) symlinkSync(path, join(folder, name));
    }
    return { PATH: `${dirname(process.execPath)}:${folder}`, folder };
  }

  test.each([
    [['ip', 'flock', 'setpriv', 'podman', 'runc'], /python3 3\.10 or later with venv was not found/],
    [['python3', 'ip', 'flock', 'setpriv'], /neither Docker nor podman can run|not root/],
    [[], /python3 3\.10[\s\S]*(not installed|not root)/],
  ])('with %j it names what is missing, and starts nothing', async (programs, message) => {
    const { PATH, folder } = withPrograms(programs);
    try {
      const { code, stdout, stderr } = await run(process.execPath, [COMMAND, '--json'], { PATH, HOME: '/nowhere' });
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/^this machine cannot run ECS tasks:\n/);
      expect(stderr).toMatch(message);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('--help names every option, and what the command needs', async () => {
    const { code, stdout } = await run(process.execPath, [COMMAND, '--help']);
    expect(code).toBe(0);
    const source = readFileSync(join(ROOT, COMMAND), 'utf8');
    const options = [...source.matchAll(/^ {2}(\w+): \{ type: 'boolean'/gm)].map(([, name]) => `--${name}`);
    expect(options).toEqual(['--json', '--keep', '--help']);
    for (const words of [...options, 'Python', 'podman']) expect(stdout).toContain(words);
  });

  test.each([['--wrong'], ['extra'], ['--json=1']])('refuses %s and shows the usage', async (argument) => {
    const { code, stdout, stderr } = await run(process.execPath, [COMMAND, argument]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: npm run aws:task');
  });
});
