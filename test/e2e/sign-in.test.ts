import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { collectOutput } from '../support/collect-output.ts';
import { describeInBrowser, launchChromium, Visitor } from './browser.ts';
import { eventually, LAUNCHER, PASSWORD, runCli, TestPlatform } from './harness.ts';

/** The command line on another machine: a platform by its address only, and a configuration folder of its own. */
const platform = new TestPlatform();
const home = mkdtempSync(join(tmpdir(), 'tp-sign-in-'));
const profiles = join(home, 'tierplane', 'profiles.json');
const elsewhere = { XDG_CONFIG_HOME: home, TIERPLANE_DATA_DIR: '', TIERPLANE_URL: '' };
const url = () => platform.urls.publicUrl;
const cli = (args: readonly string[], env: Record<string, string> = {}) => runCli(args, { ...elsewhere, ...env });

beforeAll(async () => {
  await platform.start();
}, 60_000);
afterAll(async () => {
  await platform.dispose();
  rmSync(home, { recursive: true });
}, 60_000);

/** A command that waits for its browser, with the address and the code that it shows. */
async function waiting(args: readonly string[]) {
  const child = spawn(LAUNCHER, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...elsewhere } });
  const output = collectOutput(child);
  const closed = once(child, 'close');
  const shown = await eventually('the code is shown', () => {
    const match = /Open {3}(\S+)\nEnter {2}(\S+)\n/.exec(output.stderr);
    return match ? { address: match[1] ?? '', code: match[2] ?? '' } : undefined;
  });
  return { address: shown.address, code: shown.code, output, ended: async () => Number((await closed)[0]) };
}

describeInBrowser('DX-9: a sign-in with a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  }, 30_000);
  afterAll(async () => browser?.close());

  test('connects the command line, which then addresses the platform until it signs out', async () => {
    const login = await waiting(['login', '--url', url()]);
    expect(login.address).toBe(`${url()}/realms/admin/device`);
    await using visitor = await Visitor.open(browser, login.address);
    const { page } = visitor;
    await visitor.expectFitPage(/^Connect the command line · Tierplane$/);
    expect(await visitor.focused()).toBe('Code');
    await page.keyboard.type('BBBB-BBBB');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('This code is not valid').waitFor();
    await visitor.expectFitPage(/^Error: Connect the command line · Tierplane$/);
    await page.keyboard.type(login.code.toLowerCase());
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Does your terminal show this code?' }).waitFor();
    expect(await page.getByText(login.code, { exact: true }).isVisible()).toBe(true);
    await visitor.expectFitPage(/^Confirm the code · Tierplane$/);
    expect(await visitor.focused()).toBe('Continue to sign-in');
    await page.keyboard.press('Enter');
    await page.getByLabel('Email or user name').fill(platform.ready.admin.email);
    await page.getByLabel('Password').fill(platform.ready.admin.password ?? '');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'The command line is connected' }).waitFor();
    await visitor.expectFitPage(/^Command line connected · Tierplane$/);

    expect([await login.ended(), login.output.stdout]).toEqual([
      0,
      `signed in to ${url()} as ${platform.ready.admin.email}\n`,
    ]);
    expect(statSync(profiles).mode & 0o777).toBe(0o600);
    const { accessToken, refreshToken } = storedProfile();
    const output = `${login.output.stdout}${login.output.stderr}${platform.logs()}`;
    for (const secret of [accessToken, refreshToken]) expect(output).not.toContain(secret);

    expect(JSON.parse((await cli(['whoami', '--json'])).stdout)).toMatchObject({
      url: url(),
      userName: platform.ready.admin.email,
    });
    expect((await cli(['tenants', 'list'])).code).toBe(0);
    // A platform that is addressed otherwise is not this one.
    expect((await cli(['tenants', 'list', '--data-dir', home])).code).toBe(3);
    expect((await cli(['tenants', 'list'], { TIERPLANE_DATA_DIR: platform.dataDir })).code).toBe(0);

    await refreshesOnce();

    expect((await cli(['logout'])).stdout).toBe(`signed out of ${url()}\n`);
    expect(await cli(['whoami', '--url', url()])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('not signed in'),
    });
    const used = await cli(['logout', '--url', url()]);
    expect([used.code, used.stderr]).toEqual([4, `tierplane: not signed in to ${url()}; nothing to do\n`]);
  }, 120_000);

  /** Commands that run at the same time share one refresh, and the rotated token is stored. */
  async function refreshesOnce(): Promise<void> {
    const before = storedProfile();
    writeFileSync(profiles, readFileSync(profiles, 'utf8').replace(/"expiresAt": \d+/, '"expiresAt": 0'), {
      mode: 0o600,
    });
    const results = await Promise.all(Array.from({ length: 3 }, () => cli(['tenants', 'list'])));
    expect(results.map(({ code, stderr }) => [code, stderr.includes('not signed in')])).toEqual(
      Array(3).fill([0, false]),
    );
    const after = storedProfile();
    expect(after.refreshToken).not.toBe(before.refreshToken);
    expect(after.accessToken).not.toBe(before.accessToken);
  }

  function storedProfile(): { accessToken: string; refreshToken: string } {
    const { profiles: stored } = JSON.parse(readFileSync(profiles, 'utf8')) as {
      profiles: Record<string, { accessToken: string; refreshToken: string }>;
    };
    return stored[url()] ?? { accessToken: '', refreshToken: '' };
  }

  test('that is denied ends the command, and leaves no profile', async () => {
    const login = await waiting(['login', '--url', url()]);
    await using visitor = await Visitor.open(browser, `${login.address}?user_code=${login.code}`);
    await visitor.page.getByRole('button', { name: 'Continue' }).click();
    await visitor.page.getByRole('button', { name: 'Deny' }).click();
    await visitor.page.getByRole('heading', { name: 'You denied access' }).waitFor();
    await visitor.expectFitPage(/^Access denied · Tierplane$/);
    expect(await login.ended()).toBe(5);
    expect(login.output.stderr).toContain(`tierplane: sign-in to ${url()} failed: access was denied\n`);
    expect((await cli(['whoami', '--url', url()])).code).toBe(5);
  }, 60_000);

  test("gives the token of a tenant's user, who then works as that tenant only", async () => {
    const { email } = await platform.onboard('Piper', 'basic');
    const token = await waiting(['token', '--tenant', 'Piper', '--url', url()]);
    await using visitor = await Visitor.open(browser, token.address);
    const { page } = visitor;
    await page.getByLabel('Code').fill(token.code);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: 'Continue to sign-in' }).click();
    await page.getByLabel('Email or user name').fill(email);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    expect(await token.ended()).toBe(0);
    const accessToken = token.output.stdout.trim();
    expect((await platform.api('GET', '/products', accessToken)).status).toBe(200);
    const headers = { authorization: `Bearer ${accessToken}` };
    expect((await fetch(`${platform.urls.controlPlane}/tenants`, { headers })).status).toBe(401);
  }, 60_000);
});

describe('DX-9: a client credential for scripts', () => {
  async function create(...scopes: string[]) {
    const made = await platform.cliJson<{ clientId: string; clientSecret: string }>(
      ...['credentials', 'create', 'deploy', '--scope', ...scopes],
    );
    return { TIERPLANE_URL: url(), TIERPLANE_CLIENT_ID: made.clientId, TIERPLANE_CLIENT_SECRET: made.clientSecret };
  }

  test('does what its scopes allow, until it is deleted', async () => {
    const env = await create('tenant/tenant_read');
    expect((await cli(['tenants', 'list', '--json'], env)).code).toBe(0);
    expect(await cli(['users', 'list'], env)).toMatchObject({ code: 4, stderr: expect.stringContaining('whoami') });
    const args = ['--name', 'Never', '--email', 'a@never.example', '--tier', 'basic'];
    expect((await cli(['tenants', 'create', ...args], env)).code).toBe(4);
    expect((await platform.cli('credentials', 'delete', env.TIERPLANE_CLIENT_ID, '--yes')).code).toBe(0);
    expect((await cli(['tenants', 'list'], env)).code).toBe(5);
  }, 60_000);

  test('with a wrong secret, or only half of it, signs nobody in and shows no secret', async () => {
    const env = await create('tenant/tenant_read');
    const wrong = await cli(['tenants', 'list'], { ...env, TIERPLANE_CLIENT_SECRET: 'wrong-secret' });
    expect(wrong).toMatchObject({ code: 5, stderr: expect.stringContaining(`sign-in to ${url()} failed`) });
    expect(wrong.stderr).not.toContain('wrong-secret');
    expect((await cli(['tenants', 'list'], { ...env, TIERPLANE_CLIENT_SECRET: '' })).code).toBe(2);
    expect(platform.logs()).not.toContain(env.TIERPLANE_CLIENT_SECRET);
  }, 30_000);

  test('the one of the machine is readable by its owner only, and another one after a restart', async () => {
    const file = join(platform.dataDir, 'local-credential.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { clientId, clientSecret } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
    await platform.stop();
    await platform.start();
    const env = {
      TIERPLANE_URL: url(),
      TIERPLANE_CLIENT_ID: clientId ?? '',
      TIERPLANE_CLIENT_SECRET: clientSecret ?? '',
    };
    expect((await cli(['tenants', 'list'], env)).code).toBe(5);
    expect((await platform.cli('tenants', 'list')).code).toBe(0);
  }, 60_000);
});

describe('an address', () => {
  test.each([
    ['that is not secure', ['tenants', 'list', '--url', 'http://saas.example.com'], 2, /must begin with https/],
    ['that is none', ['tenants', 'list', '--url', 'saas'], 2, /must begin with https/],
    [
      'where nothing responds',
      ['tenants', 'list', '--url', 'http://127.0.0.1:1'],
      3,
      /http:\/\/127\.0\.0\.1:1 does not respond/,
    ],
    ['for a command of this machine', ['down', '--url', 'http://127.0.0.1:1'], 2, /takes no --url/],
  ])('%s is refused', async (_what, args, code, message) => {
    const result = await cli(args);
    expect([result.code, result.stderr]).toEqual([code, expect.stringMatching(message)]);
  });

  test('that redirects gets no token, and the other server no request', async () => {
    const requests: string[] = [];
    const other = createServer((req, res) => {
      requests.push(req.url ?? '');
      res.end('{}');
    });
    const front = createServer((req, res) => {
      res.writeHead(307, { location: `http://127.0.0.1:${portOf(other)}${req.url}` }).end();
    });
    for (const server of [other, front]) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const env = { TIERPLANE_CLIENT_ID: 'credential-x', TIERPLANE_CLIENT_SECRET: 'secret' };
      const result = await cli(['tenants', 'list', '--url', `http://127.0.0.1:${portOf(front)}`], env);
      expect([result.code, result.stderr]).toEqual([3, expect.stringContaining('redirects to')]);
      expect(requests).toEqual([]);
    } finally {
      for (const server of [other, front]) server.close();
    }
  });

  test('of the last sign-in is not used while others can read the profiles', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tp-profile-'));
    try {
      const path = join(folder, 'tierplane', 'profiles.json');
      mkdirSync(join(folder, 'tierplane'), { mode: 0o700 });
      writeFileSync(path, JSON.stringify({ profiles: {} }), { mode: 0o600 });
      chmodSync(path, 0o644);
      const result = await cli(['tenants', 'list'], { XDG_CONFIG_HOME: folder });
      expect([result.code, result.stderr]).toEqual([78, expect.stringMatching(/mode 600\), got 644; run chmod 600/)]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

function portOf(server: ReturnType<typeof createServer>): number {
  return (server.address() as AddressInfo).port;
}
