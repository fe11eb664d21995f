import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { collectOutput } from '../support/collect-output.ts';
import { type CliResult, eventually, KILLED, PASSWORD, runCli, type TenantRef, TestPlatform } from './harness.ts';

const LAUNCHER = join(import.meta.dirname, '..', '..', 'bin', 'tierplane');
const platform = new TestPlatform();
const ADMIN = 'admin@tierplane.localhost';
const held = new TestPlatform({ config: { provisioning: 'held' } });
beforeAll(async () => {
  await Promise.all([platform.start(), held.start()]);
}, 60_000);
afterAll(async () => {
  await Promise.all([platform.dispose(), held.dispose()]);
}, 60_000);

/** stdout as the one JSON value that `--json` promises, also for a failure. */
function json<T = { error: string; hint?: string }>({ stdout }: CliResult): T {
  return JSON.parse(stdout) as T;
}

/** Every command with its help, as the help of its group lists it. */
async function commandsBelow(words: readonly string[]): Promise<{ words: readonly string[]; help: string }[]> {
  const { stdout: help } = await runCli([...words, '--help']);
  const names = [...(help.split('\nCommands:\n')[1]?.split('\n\n')[0] ?? '').matchAll(/^ {2}([a-z-]+)/gm)];
  const found = [{ words, help }];
  for (const [, name] of names) if (name && name !== 'help') found.push(...(await commandsBelow([...words, name])));
  return found;
}

/** A command that gets SIGINT once its stderr contains `word`. */
async function interrupted(word: string, args: readonly string[]): Promise<CliResult> {
  const child = spawn(LAUNCHER, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = collectOutput(child);
  const closed = once(child, 'close');
  await eventually(`stderr contains ${word}`, () => output.stderr.includes(word));
  child.kill('SIGINT');
  const [code] = (await closed) as [number | null];
  return { ...output, code: code ?? KILLED };
}

describe('DX-2: the command line', () => {
  test('shows examples for every command, and the exit codes', async () => {
    const all = await commandsBelow([]);
    expect(all.length).toBeGreaterThan(30);
    expect(all.filter(({ help }) => !help.includes('Examples:')).map(({ words }) => words.join(' '))).toEqual([]);
    expect(all[0]?.help).toContain('Exit codes:');
    expect((await runCli(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  }, 60_000);

  test.each([
    ['an unknown command', ['nonsense'], 2, /unknown command 'nonsense'/],
    ['a misspelt command', ['tenats', 'list'], 2, /^unknown command 'tenats'; did you mean tenants\?$/],
    ['a misspelt command with --help', ['tenants', 'lst', '--help'], 2, /^unknown command 'lst'; did you mean list\?$/],
    ['a misspelt option', ['tenants', 'list', '--jsno'], 2, /did you mean --json\?$/],
    ['no command', [], 2, /missing command/],
    ['a group alone', ['tenants'], 2, /missing command/],
    ['a missing option', ['tenants', 'create', '--name', 'Acme'], 2, /--email/],
    ['a missing argument', ['tenants', 'watch'], 2, /'tenant'/],
    ['an argument too many', ['tenants', 'list', 'extra'], 2, /too many arguments/],
    ['an option that is not a number', ['logs', '--lines', 'x'], 2, /--lines must be a whole number/],
    ['a user without a password', ['throttle-test', '--tenant', 'acme', '--user', 'a'], 2, /go together/],
    ['an admin and a tenant at once', ['token', '--admin', '--tenant', 'acme'], 2, /not both/],
    ['nothing to replay', ['events', 'replay'], 2, /give an id, or --all/],
    ['nothing to change', ['tenants', 'update', 'acme'], 2, /nothing to change/],
    [
      'bad input',
      ['tenants', 'create', '--name', 'x', '--email', 'y', '--tier', 'z'],
      4,
      /^--name must have .*; --email must be .*; --tier must be one of/,
    ],
    ['an unknown tenant', ['tenants', 'get', '...'], 4, /no tenant has the name or id '\.\.\.'/],
    ['an unknown state', ['tenants', 'list', '--state', 'happy'], 4, /must be one of registered/],
    ['an unknown user', ['users', 'delete', 'nobody', '--yes'], 4, /User nobody not found/],
    ['a user name that is taken', ['users', 'create', ADMIN, '--email', ADMIN], 4, /^the user name is taken$/],
    ['a deletion without a terminal', ['users', 'delete', ADMIN], 2, /needs --yes/],
    ['two platforms', ['tenants', 'list', '--url', 'http://127.0.0.1:1'], 2, /only one of/],
    ['the last admin', ['users', 'disable', ADMIN], 4, /last enabled SystemAdmin/],
    [
      'a service that is none',
      ['services', 'list', '--service', 'billing'],
      4,
      /must be one of orders, products, users/,
    ],
    ['an unknown service', ['logs', '--service', 'billing'], 4, /no logs of a service 'billing'/],
    ['an unknown dead letter', ['events', 'replay', 'nope'], 4, /dead letter not found/],
    ['a sign-in that fails', ['token', '--tenant', 'nobody', '--user', 'a', '--password', 'b'], 4, /no active tenant/],
  ])('reports %s as one JSON value with the documented exit code', async (_what, args, code, words) => {
    const result = await platform.cli(...args, '--json');
    expect([result.code, json(result).error]).toEqual([code, expect.stringMatching(words)]);
    // stderr has one sentence, at most one more with what to do, and no stack.
    expect(result.stderr).toMatch(/(^|\n)tierplane: [^\n]+\n( {2}[^\n]+\n)?$/);
    expect(result.stderr).not.toMatch(/^ +at /m);
  });

  test.each([
    [['tenants', 'get', 'nobody'], 'tenants list'],
    [['tenants', 'list'], 'tenants create --help'],
    [['users', 'get', 'nobody'], 'users list'],
    [['users', 'create', ADMIN, '--email', ADMIN], 'users list'],
    [['events', 'replay'], 'events dead-letters'],
    [['events', 'replay', 'nope'], 'events dead-letters'],
    [['token'], 'demo'],
    [['token', '--tenant', 'nobody', '--user', 'a', '--password', 'b'], 'tenants list'],
  ])('names in the hint to %j the command for this data directory', async (args, hinted) => {
    const { stderr } = await platform.cli(...args);
    expect(stderr).toContain(`\`npx tierplane --data-dir ${platform.dataDir} ${hinted}\``);
  });

  test('without a platform reports that for every command, and creates nothing', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'tp-cli-'));
    try {
      for (const args of [['status'], ['tenants', 'list'], ['token', '--admin'], ['demo'], ['users', 'list']]) {
        const result = await runCli([...args, '--json', '--data-dir', dir]);
        expect([result.code, json(result).error]).toEqual([3, `no platform runs in ${dir}`]);
      }
      expect(json<{ stopped: boolean }>(await runCli(['down', '--json', '--data-dir', dir]))).toEqual({
        stopped: false,
      });
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  test('ends quietly when the reader of its output closes the pipe', async () => {
    const line = `"${LAUNCHER}" logs --data-dir "${platform.dataDir}" | head -1`;
    const child = spawn('bash', ['-o', 'pipefail', '-c', line], { stdio: ['ignore', 'pipe', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.stdout.resume();
    const [code] = await once(child, 'close');
    expect([code, errors]).toEqual([0, '']);
  });

  test('shows no log line with --lines 0', async () => {
    expect((await platform.cli('logs', '--lines', '0')).stdout).toBe('');
  });
});

describe('ON-4: waiting for a tenant', () => {
  test('reports what it waits for, and after the timeout that the operation continues', async () => {
    const args = ['--name', 'Held Co', '--email', 'a@held.example', '--tier', 'basic', '--wait', '--timeout', '3'];
    const result = await held.cli('tenants', 'create', ...args, '--json');
    expect([result.code, json(result).error]).toEqual([6, 'Held Co is still provisioning after 3.0 s']);
    expect(result.stderr).toMatch(/… provisioning \(2\.\d s\)/);
    expect(json<TenantRef[]>(await held.cli('tenants', 'list', '--json'))).toMatchObject([{ state: 'provisioning' }]);
    expect(json<{ notes: string[] }>(await held.cli('status', '--json')).notes.join()).toContain(
      'provisioning is held',
    );
  });

  test('ends on Ctrl-C with what continues, and how to follow it', async () => {
    const args = ['--name', 'Left', '--email', 'a@left.example', '--tier', 'premium', '--wait', '--json'];
    const result = await interrupted('registered', ['tenants', 'create', ...args, '--data-dir', held.dataDir]);
    expect(result.code).toBe(130);
    expect(json(result)).toEqual({
      error: expect.stringMatching(/^Left is (registered|provisioning); that continues$/),
      hint: expect.stringContaining(`npx tierplane --data-dir ${held.dataDir} tenants watch`),
    });
  });

  test('ON-5: a failed onboarding shows its reason everywhere, and retry converges', async () => {
    const tenants = join(platform.dataDir, 'tenants');
    renameSync(tenants, `${tenants}.aside`);
    writeFileSync(tenants, 'in the way');
    const args = ['--name', 'Unlucky', '--email', 'a@unlucky.example', '--tier', 'advanced', '--wait'];
    const failed = await platform.cli('tenants', 'create', ...args, '--json');
    rmSync(tenants);
    renameSync(`${tenants}.aside`, tenants);
    const command = `npx tierplane --data-dir ${platform.dataDir} tenants retry "Unlucky"`;
    expect([failed.code, json(failed).hint]).toEqual([1, `\`${command}\` tries again`]);

    const [listed] = json<TenantRef[]>(await platform.cli('tenants', 'list', '--state', 'failed', '--json'));
    const reason = listed?.reason ?? '';
    expect(json(failed).error).toBe(`Unlucky failed: ${reason}`);
    for (const command of ['list', 'get']) {
      const shown = await platform.cli('tenants', command, ...(command === 'get' ? ['unlucky'] : []));
      expect(shown.stdout).toContain(reason);
    }
    for (const path of [
      `/tenant-registrations/${listed?.tenantRegistrationId}`,
      `/tenants/${listed?.tenantId}/progress`,
    ]) {
      expect((await platform.admin('GET', path)).body).toMatchObject({ data: { state: 'failed', reason } });
    }
    const retried = await platform.cli('tenants', 'retry', 'unlucky', '--wait', '--json');
    expect(json<TenantRef>(retried)).toMatchObject({ tenantName: 'Unlucky', state: 'active' });
    expect(json<TenantRef>(retried).reason).toBeUndefined();
    expect((await platform.cli('tenants', 'retry', 'unlucky')).code).toBe(4);
  }, 60_000);
});

describe('DX-2: by the command line', () => {
  test('a poison event is listed as a dead letter and replayed', async () => {
    poison(platform.dataDir, 'poison-1');
    const letters = await eventually(
      'the event is dead',
      async () => {
        const found = json<{ id: string; reason: string }[]>(await platform.cli('events', 'dead-letters', '--json'));
        return found.length > 0 && found;
      },
      20_000,
    );
    expect(letters).toMatchObject([{ id: 'app-plane-accept~poison-1', reason: expect.stringContaining('tenantId') }]);
    expect((await platform.cli('events', 'dead-letters')).stdout).toContain('poison-1');
    expect(json(await platform.cli('events', 'replay', '--all', '--json'))).toEqual({
      replayed: ['app-plane-accept~poison-1'],
    });
  }, 40_000);

  test('the doctor finds what the platform runs on', async () => {
    const findings = json<{ check: string; ok: boolean; warning?: boolean }[]>(await platform.cli('doctor', '--json'));
    expect(findings.map(({ check }) => check)).toEqual(expect.arrayContaining(['node', 'bundles', 'public url']));
    // Findings that do not keep a platform from running, such as a slow disk, are warnings.
    expect(findings.filter(({ ok, warning }) => !ok && !warning)).toEqual([]);
    expect(findings.filter(({ ok, warning }) => ok && warning)).toEqual([]);
  });

  test('services are listed with the names of the tenants they serve', async () => {
    await platform.onboard('Named', 'advanced');
    for (const command of [['services', 'list'], ['status']]) {
      const { stdout } = await platform.cli(...command);
      expect(stdout).toMatch(/^pool +all pooled tenants +orders /m);
      expect(stdout).toMatch(/^shared +Named +orders /m);
    }
    const { stdout } = await platform.cli('services', 'list', '--tenant', 'Named', '--service', 'orders');
    expect(stdout.trim().split('\n')).toHaveLength(2);
  }, 40_000);

  test('new log lines are shown as they are written', async () => {
    const args = ['logs', '--follow', '--lines', '0', '--service', 'gateway', '--json', '--data-dir', platform.dataDir];
    const child = spawn(LAUNCHER, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    try {
      await eventually('the line is shown', async () => {
        await fetch(`${platform.urls.controlPlane}/tenants?followed`);
        return out.includes('/control-plane/tenants');
      });
      for (const line of out.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('status');
    } finally {
      child.kill();
      await once(child, 'close');
    }
  });

  test('RT-2: an interrupted throttle test removes its probe', async () => {
    const { tenantId } = await platform.onboard('Probed', 'basic');
    const args = ['throttle-test', '--tenant', 'Probed', '--rate', '5', '--seconds', '60', '--json'];
    const result = await interrupted('requests/s', [...args, '--data-dir', platform.dataDir]);
    expect([result.code, json(result).error]).toEqual([130, 'interrupted; there is no report']);
    const probe = await platform.cli(
      'token',
      '--tenant',
      'Probed',
      '--user',
      `probe@${tenantId}.invalid`,
      '--password',
      PASSWORD,
    );
    expect(probe.code).toBe(5);
    expect(platform.logs()).toContain('probe deleted');
  }, 40_000);
});

/** Puts an event that matches no schema into the application plane's queue. */
function poison(dataDir: string, id: string): void {
  const db = new DatabaseSync(join(dataDir, 'platform.db'), { timeout: 5_000 });
  const time = new Date().toISOString();
  const event = {
    id,
    source: 'controlPlaneEventSource',
    detailType: 'onboardingRequest',
    detail: { tenantId: 'no id' },
    time,
  };
  const now = Date.now();
  const add = db.prepare('INSERT INTO events (id, detail_type, event, published_at) VALUES (?, ?, ?, ?)');
  add.run(id, event.detailType, JSON.stringify(event), now);
  const queue = db.prepare('INSERT INTO deliveries (consumer, event_id, attempts, due_at) VALUES (?, ?, 0, ?)');
  queue.run('app-plane-accept', id, now);
  db.close();
}
