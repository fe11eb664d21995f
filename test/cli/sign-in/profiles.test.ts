import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openProfiles, type Profile, profilesPath } from '../../../cli/sign-in/profiles.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tp-profiles-'));
  path = join(folder, 'config', 'profiles.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

function profile(url: string, refreshToken = 'first'): Profile {
  const expiresAt = Date.now() + 600_000;
  return {
    url,
    issuer: `${url}/realms/admin`,
    clientId: 'cli',
    userName: 'jo',
    accessToken: 'a',
    expiresAt,
    refreshToken,
  };
}

const A = 'https://a.example';
const B = 'https://b.example';

test.each([
  [{ XDG_CONFIG_HOME: '/x', HOME: '/home/jo' }, '/x/tierplane/profiles.json'],
  [{ HOME: '/home/jo' }, '/home/jo/.config/tierplane/profiles.json'],
])("are stored in the user's configuration: %j", (environment, expected) => {
  expect(profilesPath(environment)).toBe(expected);
});

test('the last sign-in is the current one; a deleted one is gone, and an empty file, too', async () => {
  const profiles = openProfiles(path);
  expect([profiles.current(), profiles.list()]).toEqual([undefined, []]);
  await profiles.change(A, async () => profile(A), true);
  await profiles.change(B, async () => profile(B), true);
  expect(profiles.current()?.url).toBe(B);
  await profiles.change(A, async () => profile(A, 'second'));
  expect([profiles.current()?.url, profiles.get(A)?.refreshToken]).toEqual([B, 'second']);
  await profiles.change(B, async () => undefined);
  expect([profiles.current(), profiles.list().map(({ url }) => url)]).toEqual([undefined, [A]]);
  await profiles.change(A, async () => undefined);
  expect(existsSync(path)).toBe(false);
});

test('only their owner can read the file and its folder', async () => {
  await openProfiles(path).change(A, async () => profile(A));
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, 'config')).mode & 0o777).toBe(0o700);
});

test.each([[0o640], [0o604], [0o620]])('a file of mode %o is refused, and nothing of it is used', async (mode) => {
  const profiles = openProfiles(path);
  await profiles.change(A, async () => profile(A));
  chmodSync(path, mode);
  const refused = { code: 'CONFIG', message: expect.stringMatching(/mode 600.*chmod 600/) };
  expect(() => profiles.current()).toThrow(expect.objectContaining(refused));
  await expect(profiles.change(A, async () => profile(A, 'x'))).rejects.toMatchObject(refused);
});

test('a damaged file is reported', async () => {
  const profiles = openProfiles(path);
  await profiles.change(A, async () => profile(A));
  for (const text of ['{', '{"profiles":[]}']) {
    writeFileSync(path, text, { mode: 0o600 });
    expect(() => profiles.current()).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
  }
});

test('of several changes at the same time each sees the one before: a refresh token is used once', async () => {
  await openProfiles(path).change(A, async () => profile(A, '0'));
  const seen: (string | undefined)[] = [];
  const refresh = async (before: Profile | undefined): Promise<Profile> => {
    seen.push(before?.refreshToken);
    await new Promise((resolve) => setTimeout(resolve, 5));
    return profile(A, String(Number(before?.refreshToken) + 1));
  };
  await Promise.all(Array.from({ length: 5 }, () => openProfiles(path).change(A, refresh)));
  expect(seen.sort()).toEqual(['0', '1', '2', '3', '4']);
});

test('a change that fails leaves the file as it was, and unlocked', async () => {
  const profiles = openProfiles(path);
  await profiles.change(A, async () => profile(A));
  const before = readFileSync(path, 'utf8');
  await expect(profiles.change(A, () => Promise.reject(new Error('no network')))).rejects.toThrow('no network');
  expect(readFileSync(path, 'utf8')).toBe(before);
  await profiles.change(A, async () => profile(A, 'next'));
});
