import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findCgroup } from './cgroup.ts';
import type { CpuCap } from './protocol.ts';

const run = promisify(execFile);

/** The user of the pooled tasks; silo tenants' own come after it. Above every range that distributions hand out. */
export const POOL_UID = 700_000;

/** What keeps tasks apart and in bounds on this machine, found by trying. */
export interface Isolation {
  /** Path of a setpriv whose --pdeathsig works: tasks end with their agent, blocked ones too. */
  readonly setpriv?: string;
  /** Whether tasks run under users of their own. */
  readonly ownUsers: boolean;
  readonly cpu: CpuCap;
  /** For people: what is not in force, and why. */
  readonly notes: readonly string[];
}

export interface IsolationNeeds {
  readonly instance: string;
  /** Directories that other users must be able to pass through. */
  readonly passable: readonly string[];
  /** A directory that other users must be able to read. */
  readonly readable: string;
}

/** Tries each means once. Never throws: what does not work is left out and noted. */
export async function probeIsolation(needs: IsolationNeeds): Promise<Isolation> {
  const notes: string[] = [];
  const setpriv = await findSetpriv();
  if (setpriv === undefined) {
    notes.push('no setpriv: a blocked task may outlive a kill -9 of its agent until the next start');
  }
  const shared = await whyUsersAreShared(setpriv, needs);
  if (shared !== undefined) notes.push(`all tasks run as one user: ${shared}`);
  const cgroup = findCgroup(needs.instance);
  if ('reason' in cgroup) notes.push(`CPU caps are not enforced, tasks only run at lower priority: ${cgroup.reason}`);
  if (process.platform !== 'linux') notes.push('memory caps rest on V8 alone: this system has no /proc');
  return {
    ...(setpriv === undefined ? {} : { setpriv }),
    ownUsers: shared === undefined,
    cpu: 'reason' in cgroup ? { kind: 'nice' } : cgroup,
    notes,
  };
}

async function findSetpriv(): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  for (const path of ['/usr/bin/setpriv', '/bin/setpriv']) {
    try {
      // The inner one says what the outer one has set: BusyBox's takes the flag and does not know the signal.
      const { stdout } = await run(path, ['--no-new-privs', '--pdeathsig', 'KILL', path, '--dump']);
      if (/death signal: (SIG)?KILL/i.test(stdout)) return path;
    } catch {
      // Not there, or too old for the flag.
    }
  }
  return undefined;
}

/** Passes each directory as $1.., the last one to be read, with the node binary as $0. */
const TRY_AS_USER = `
while [ $# -gt 1 ]; do test -x "$1" || { echo "$1 is closed to other users"; exit; }; shift; done
test -r "$1" || { echo "$1 cannot be read by other users"; exit; }
"$0" --version >/dev/null 2>&1 || { echo "$0 cannot be run by other users"; exit; }
`;

async function whyUsersAreShared(
  setpriv: string | undefined,
  { passable, readable }: IsolationNeeds,
): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'the platform was not started as root';
  const script = ['/bin/sh', '-c', TRY_AS_USER, process.execPath, ...passable, readable];
  const user = String(POOL_UID);
  try {
    const { stdout } =
      setpriv === undefined
        ? await run(script[0] as string, script.slice(1), { uid: POOL_UID, gid: POOL_UID })
        : await run(setpriv, ['--reuid', user, '--regid', user, '--clear-groups', ...script]);
    return stdout.trim() || undefined;
  } catch (error) {
    return `changing the user failed (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`;
  }
}
