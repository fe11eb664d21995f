import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findCgroup } from './cgroup.ts';
import type { CpuCap } from './protocol.ts';

const run = promisify(execFile);

/** User id of the pooled tasks; those of silo tenants follow it. Above every range that distributions allocate. */
export const POOL_UID = 700_000;

/** How tasks are isolated and limited on this machine, found by trying. */
export interface Isolation {
  /** Path of a setpriv whose --pdeathsig works. With it, tasks end with their agent, including blocked ones. */
  readonly setpriv?: string;
  /** Whether each silo tenant's tasks, and the pooled ones, run under their own user id. */
  readonly ownUsers: boolean;
  readonly cpu: CpuCap;
  /** For operators: which protections are missing, and why. */
  readonly notes: readonly string[];
}

export interface IsolationNeeds {
  readonly instance: string;
  /** Directories that other users must be able to pass through. */
  readonly passable: readonly string[];
  /** A directory that other users must be able to read. */
  readonly readable: string;
}

/** Tries each mechanism once. Never throws: a mechanism that does not work is left out and noted. */
export async function probeIsolation(needs: IsolationNeeds): Promise<Isolation> {
  const notes: string[] = [];
  const setpriv = await findSetpriv();
  if (setpriv === undefined) {
    notes.push('no setpriv: if an agent is killed with SIGKILL, a blocked task may run on until the next start');
  }
  const shared = await whyUsersAreShared(setpriv, needs);
  if (shared !== undefined) notes.push(`all tasks run as one user: ${shared}`);
  const cgroup = findCgroup(needs.instance);
  if ('reason' in cgroup) notes.push(`CPU limits are not enforced, tasks only run at lower priority: ${cgroup.reason}`);
  if (process.platform !== 'linux') notes.push('memory limits are enforced by V8 alone: this system has no /proc');
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
      // The inner setpriv shows what the outer one has set: BusyBox accepts the flag and ignores the signal.
      const { stdout } = await run(path, ['--no-new-privs', '--pdeathsig', 'KILL', path, '--dump']);
      if (/death signal: (SIG)?KILL/i.test(stdout)) return path;
    } catch {
      // It does not exist, or it is too old for the flag.
    }
  }
  return undefined;
}

/** $0 is the node binary, $1.. are directories to pass through, the last one is a directory to read. */
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
