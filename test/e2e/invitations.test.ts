import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { issuerOf } from '../../core/identity/issuers.ts';
import { signIn } from '../support/sign-in-by-page.ts';
import { eventually, LAUNCHER, PASSWORD, type TenantRef, TestPlatform } from './harness.ts';

const ADMIN_PASSWORD = 'Correct-horse-77';
const platform = new TestPlatform();
beforeAll(async () => {
  await platform.start();
}, 60_000);
afterAll(() => platform.dispose(), 60_000);

interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** The mails to this address, newest first. */
async function mailsTo(email: string): Promise<readonly Mail[]> {
  const response = await fetch(new URL('/mailbox.json', platform.urls.publicUrl), {
    headers: { authorization: `Bearer ${await platform.adminToken()}` },
  });
  return ((await response.json()) as { data: Mail[] }).data.filter(({ to }) => to === email);
}

function passwordIn({ text }: Mail): string {
  return /Temporary password: (\S+)/.exec(text)?.[1] ?? '';
}

function enter(realm: 'admin' | 'pool', userName: string, password: string, newPassword?: string) {
  const issuer = issuerOf(platform.urls.publicUrl, realm);
  return signIn({ issuer, clientId: 'tierplane-cli', userName, password, ...(newPassword && { newPassword }) });
}

describe('ID-7: nobody is locked out for good', () => {
  test("a tenant's admin is invited again, and a new one in place of one who is gone", async () => {
    const email = 'boss@piedpiper.example';
    const created = await platform.cliJson<TenantRef>(
      ...['tenants', 'create', '--name', 'Pied Piper', '--email', email, '--tier', 'basic', '--wait'],
    );
    const [first] = await eventually('the invitation', async () => {
      const mails = await mailsTo(email);
      return mails.length > 0 && mails;
    });
    const again = await platform.cli('tenants', 'invite', 'pied-piper');
    expect([again.code, again.stdout]).toEqual([0, `${email}, an admin of Pied Piper, is invited again by mail\n`]);
    const [second, ...more] = await mailsTo(email);
    expect(more).toHaveLength(1);
    if (!first || !second) throw new Error('two mails are missing');
    expect(second.subject).toBe('Your invitation to Pied Piper');
    expect(second.text).toContain(`${platform.urls.publicUrl}/realms/pool/account?tenant=pied-piper&login_hint=`);
    await expect(enter('pool', email, passwordIn(first), PASSWORD)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await enter('pool', email, passwordIn(second), PASSWORD);

    const refused = await platform.cli('tenants', 'invite', created.tenantId);
    expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining('has signed in')]);
    const successor = 'next@piedpiper.example';
    const invited = await platform.cliJson('tenants', 'invite', 'Pied Piper', '--email', successor);
    expect(invited).toEqual({ userName: successor, email: successor, created: true });
    expect(await mailsTo(successor)).toHaveLength(1);
    expect((await platform.cli('tenants', 'invite', 'nobody')).code).toBe(4);
    expect((await platform.cli('tenants', 'invite', 'Pied Piper', '--email', 'x')).stderr).toContain('--email');
  }, 60_000);

  test('a system user is invited again, gets a password on this machine, and is signed out everywhere', async () => {
    await platform.cli('users', 'create', 'jo', '--email', 'jo@example.com');
    expect((await platform.cli('users', 'invite', 'jo')).stdout).toBe('jo is invited again by mail\n');
    expect(new Set((await mailsTo('jo@example.com')).map(passwordIn)).size).toBe(2);

    const setPassword = (input: string, ...args: string[]) =>
      spawnSync(LAUNCHER, ['users', 'set-password', ...args], { input, encoding: 'utf8' });
    const here = ['jo', '--data-dir', platform.dataDir];
    expect(setPassword('weak\n', ...here)).toMatchObject({ status: 4, stderr: expect.stringContaining('password') });
    expect(setPassword('', ...here).status).toBe(2);
    expect(setPassword(`${ADMIN_PASSWORD}\n`, 'nobody', '--data-dir', platform.dataDir).status).toBe(4);
    const remote = setPassword(`${ADMIN_PASSWORD}\n`, 'jo', '--url', platform.urls.publicUrl);
    expect([remote.status, remote.stderr]).toEqual([2, expect.stringContaining('takes no --url')]);
    await expect(enter('admin', 'jo', ADMIN_PASSWORD)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    const done = setPassword(`${ADMIN_PASSWORD}\n`, ...here, '--json');
    expect([done.status, done.stdout]).toEqual([0, '{"message":"Password set"}\n']);

    const { accessToken } = await enter('admin', 'jo', ADMIN_PASSWORD);
    const userInfo = async () => {
      const headers = { authorization: `Bearer ${accessToken}` };
      return (await fetch(`${issuerOf(platform.urls.publicUrl, 'admin')}/me`, { headers })).status;
    };
    expect(await userInfo()).toBe(200);
    expect((await platform.cli('users', 'sign-out', 'jo')).stdout).toBe('jo is signed out everywhere\n');
    expect(await userInfo()).toBe(401);
    expect((await platform.cli('users', 'invite', 'jo')).stderr).toContain('has signed in already');
  }, 60_000);
});
