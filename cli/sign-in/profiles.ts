import { mkdirSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import * as z from 'zod';
import { DomainError } from '../../core/errors.ts';
import { holdLock, readJson, writePrivate } from '../../embedded/data-dir.ts';

/** How long another command may hold the profiles, in milliseconds; a refresh takes one request. */
const LOCK_TIMEOUT_MS = 30_000;

const Profile = z.object({
  /** The platform's address. */
  url: z.string(),
  issuer: z.string(),
  clientId: z.string(),
  userName: z.string(),
  accessToken: z.string(),
  /** Of the access token, in epoch milliseconds. */
  expiresAt: z.number(),
  refreshToken: z.string().optional(),
});
/** A sign-in of the command line at one platform. */
export type Profile = z.infer<typeof Profile>;

const Stored = z.object({
  /** The address of the profile that commands use without --url. */
  current: z.string().optional(),
  profiles: z.record(z.string(), Profile),
});
type Stored = z.infer<typeof Stored>;

export interface Profiles {
  readonly path: string;
  /** The profile that commands use without --url. */
  current(): Profile | undefined;
  get(url: string): Profile | undefined;
  list(): readonly Profile[];
  /**
   * Changes the stored profiles while no other command can. `change` gets the profile of `url` as it is then, and returns
   * what to store; undefined deletes it. A profile that is new becomes the current one, as does one with `select`.
   */
  change(
    url: string,
    change: (before: Profile | undefined) => Promise<Profile | undefined>,
    select?: boolean,
  ): Promise<Profile | undefined>;
}

/** `${XDG_CONFIG_HOME:-~/.config}/tierplane/profiles.json` */
export function profilesPath(environment: Readonly<Record<string, string | undefined>>): string {
  const configHome = environment.XDG_CONFIG_HOME || join(environment.HOME || homedir(), '.config');
  return join(configHome, 'tierplane', 'profiles.json');
}

/**
 * The profiles in this file. Every method throws CONFIG if others than the owner can read it, CORRUPT if it is damaged;
 * `change` throws UNAVAILABLE if another command holds it too long.
 */
export function openProfiles(path: string): Profiles {
  return {
    path,
    current() {
      const { current, profiles } = read(path);
      return current === undefined ? undefined : profiles[current];
    },
    get: (url) => read(path).profiles[url],
    list: () => Object.values(read(path).profiles),

    async change(url, change, select = false) {
      const lock = await takeLock(path);
      try {
        const stored = read(path);
        const before = stored.profiles[url];
        const after = await change(before);
        store(path, withProfile(stored, url, after, select || !before));
        return after;
      } finally {
        lock.release();
      }
    },
  };
}

function withProfile(
  { current, profiles }: Stored,
  url: string,
  profile: Profile | undefined,
  select: boolean,
): Stored {
  const { [url]: _, ...others } = profiles;
  if (profile) {
    const selected = select ? url : current;
    return { ...(selected !== undefined && { current: selected }), profiles: { ...others, [url]: profile } };
  }
  return { ...(current !== undefined && current !== url && { current }), profiles: others };
}

function read(path: string): Stored {
  const { mode } = statSync(path, { throwIfNoEntry: false }) ?? {};
  if (mode === undefined) return { profiles: {} };
  if ((mode & 0o077) !== 0) {
    const got = (mode & 0o777).toString(8);
    const rule = 'must be readable by its owner only (mode 600)';
    throw new DomainError('CONFIG', `${path} ${rule}, got ${got}; run chmod 600 on it`);
  }
  const stored = Stored.safeParse(readJson(path));
  if (stored.success) return stored.data;
  throw new DomainError('CORRUPT', `${path} must hold profiles; delete it and sign in again`, { cause: stored.error });
}

function store(path: string, stored: Stored): void {
  if (Object.keys(stored.profiles).length === 0) rmSync(path, { force: true });
  else writePrivate(path, stored);
}

async function takeLock(path: string): Promise<{ release(): void }> {
  const deadline = Date.now() + LOCK_TIMEOUT_MS;
  for (;;) {
    const lock = tryLock(path);
    if (lock) return lock;
    if (Date.now() > deadline) throw new DomainError('UNAVAILABLE', `another command holds ${path}`);
    await wait(20);
  }
}

function tryLock(path: string): { release(): void } | undefined {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return holdLock(`${path}.lock`);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown';
    throw new DomainError('CONFIG', `${dirname(path)} must be writable: ${reason}`, { cause });
  }
}
