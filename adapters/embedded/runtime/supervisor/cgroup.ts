import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { TaskSize } from '../../../../core/tier/tiers.ts';
import { killNow } from './process-info.ts';
import type { CpuCap } from './protocol.ts';

/** @see https://docs.kernel.org/admin-guide/cgroup-v2.html and https://docs.kernel.org/scheduler/sched-bwc.html */
const PERIOD_US = 100_000;
/** The smallest share of CPU that the kernel accepts. */
const SMALLEST_QUOTA_US = 1_000;
/** The kernel's hard limit is above the supervisor's, which replaces the task gracefully. */
const MEMORY_HEADROOM = 1.5;
const REMOVAL_ATTEMPTS = 25;
const REMOVAL_RETRY_MS = 20;
const KILL_ATTEMPTS = 200;
const KILL_AGAIN_MS = 10;

/**
 * Creates a cgroup below this process's own, in which tasks can be limited. Outer limits stay in force.
 * Version 1 limits CPU only. Version 2 also sets a hard memory limit above the supervisor's own.
 * @returns the reason if no cgroup can be written
 */
export function findCgroup(instance: string): CpuCap | { readonly reason: string } {
  // A shell puts tasks into their cgroups.
  if (!existsSync('/bin/sh')) return { reason: 'no /bin/sh on this system' };
  let last = 'no cgroups on this system';
  for (const { kind, mount, own } of candidates()) {
    for (const parent of [join(mount, own), mount]) {
      const root = join(parent, rootName(instance));
      try {
        // If the mount is not a cgroup (on hybrid systems it is a tmpfs), this would create ordinary files.
        const marker = kind === 'cgroup-v2' ? 'cgroup.controllers' : 'cgroup.procs';
        if (!statSync(join(parent, marker), { throwIfNoEntry: false })) continue;
        mkdirSync(root, { recursive: true });
        if (kind === 'cgroup-v2') {
          writeFileSync(join(parent, 'cgroup.subtree_control'), '+cpu +memory');
          writeFileSync(join(root, 'cgroup.subtree_control'), '+cpu +memory');
        } else {
          statSync(join(root, 'cpu.cfs_quota_us'));
        }
        return { kind, root };
      } catch (error) {
        last = `cgroups are not writable (${(error as NodeJS.ErrnoException).code})`;
        void removeGroup(root);
      }
    }
  }
  return { reason: last };
}

/** Name of the cgroup that holds one cgroup for each task of the instance. */
function rootName(instance: string): string {
  return `tierplane-${instance}`;
}

/** The task's cgroup in the text of a `/proc/<pid>/cgroup`; undefined if the process is in none of this instance. */
export function taskGroupIn(text: string, instance: string): string | undefined {
  const place = `/${rootName(instance)}/`;
  const line = text.split('\n').find((one) => one.includes(place));
  return line?.slice(line.indexOf(place) + place.length).split('/')[0];
}

interface Candidate {
  readonly kind: 'cgroup-v1' | 'cgroup-v2';
  readonly mount: string;
  /** This process's cgroup, relative to the mount. */
  readonly own: string;
}

function candidates(): Candidate[] {
  try {
    const groups = readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n');
    return groups.flatMap((line): Candidate[] => {
      const [, controllers = '', own = '/'] = line.match(/^\d+:([^:]*):(.*)$/) ?? [];
      if (controllers === '') return [{ kind: 'cgroup-v2', mount: '/sys/fs/cgroup', own }];
      return controllers.split(',').includes('cpu')
        ? [{ kind: 'cgroup-v1', mount: `/sys/fs/cgroup/${controllers}`, own }]
        : [];
    });
  } catch {
    return [];
  }
}

/** The file to which a process writes its pid to join a task's cgroup. Undefined without cgroups. */
export function entryOf(cap: CpuCap, group: string): string | undefined {
  return cap.kind === 'nice' ? undefined : join(cap.root, group, 'cgroup.procs');
}

/** Creates a task's cgroup, with the limits for the processes that join it. */
export function createGroup(cap: CpuCap, group: string, size: TaskSize): void {
  if (cap.kind === 'nice') return;
  const path = join(cap.root, group);
  mkdirSync(path, { recursive: true });
  const quotaUs = Math.max(SMALLEST_QUOTA_US, Math.round(size.cpu * PERIOD_US));
  if (cap.kind === 'cgroup-v1') writeFileSync(join(path, 'cpu.cfs_period_us'), String(PERIOD_US));
  else writeFileSync(join(path, 'memory.max'), String(Math.round(size.memoryMiB * 2 ** 20 * MEMORY_HEADROOM)));
  setQuota(cap, path, quotaUs);
}

/** Puts a process that has not joined by itself into a task's cgroup, with its present and future threads and children. */
export async function enterGroup(cap: CpuCap, group: string, pid: number): Promise<void> {
  const entry = entryOf(cap, group);
  // Asynchronous, because the kernel may block this write for milliseconds.
  if (entry !== undefined) await writeFile(entry, String(pid));
}

function setQuota({ kind }: CpuCap, path: string, quotaUs: number): void {
  if (kind === 'cgroup-v1') writeFileSync(join(path, 'cpu.cfs_quota_us'), String(quotaUs));
  else writeFileSync(join(path, 'cpu.max'), `${quotaUs} ${PERIOD_US}`);
}

/** The processes in a task's cgroup: the task and its descendants, however they detached. Empty without a cgroup. */
export function membersOf(cap: CpuCap, group: string): number[] {
  return cap.kind === 'nice' ? [] : members(join(cap.root, group));
}

function members(path: string): number[] {
  try {
    return readFileSync(join(path, 'cgroup.procs'), 'utf8').trim().split('\n').filter(Boolean).map(Number);
  } catch {
    return []; // it has been removed
  }
}

/** Sends SIGKILL once to every process in a task's cgroup. */
export function killGroup(cap: CpuCap, group: string): void {
  if (cap.kind !== 'nice') killMembers(cap, join(cap.root, group));
}

/** @returns the processes that were there */
function killMembers({ kind }: CpuCap, path: string): number[] {
  const found = members(path);
  if (found.length === 0) return found;
  try {
    // Kernels from 5.14 on kill the whole group at once.
    if (kind === 'cgroup-v2') writeFileSync(join(path, 'cgroup.kill'), '1');
    else found.forEach(killNow);
  } catch {
    found.forEach(killNow);
  }
  return found;
}

/**
 * Ends every process in a task's cgroup, then removes the cgroup. A process that forks faster than it is killed first loses
 * its CPU: version 1 cannot kill a group at once.
 */
export async function endGroup(cap: CpuCap, group: string): Promise<void> {
  if (cap.kind === 'nice') return;
  const path = join(cap.root, group);
  const killed = new Set<number>();
  for (let attempt = 0; attempt < KILL_ATTEMPTS; attempt++) {
    const found = killMembers(cap, path);
    if (found.length === 0) break;
    const isGrowing = attempt > 0 && found.some((pid) => !killed.has(pid));
    slowDown(cap, path, isGrowing);
    for (const pid of found) killed.add(pid);
    await setTimeout(KILL_AGAIN_MS);
  }
  await removeGroup(path);
}

/** Killed processes need CPU to end, so they get it back once none is new. */
function slowDown(cap: CpuCap, path: string, slow: boolean): void {
  try {
    setQuota(cap, path, slow ? SMALLEST_QUOTA_US : PERIOD_US);
  } catch {
    // The last process has ended, and another call has removed the cgroup.
  }
}

/** The cgroups of tasks that `matches` accepts by name. */
export function findGroups(cap: CpuCap, matches: (group: string) => boolean): string[] {
  return cap.kind === 'nice' ? [] : subgroups(cap.root).filter(matches);
}

/** Ends what is left in the cgroups of tasks, including those of a previous run, and removes them. */
export async function endAllGroups(cap: CpuCap): Promise<void> {
  await Promise.all(findGroups(cap, () => true).map((group) => endGroup(cap, group)));
}

/** Ends and removes all cgroups of this instance. */
export async function removeGroups(cap: CpuCap): Promise<void> {
  if (cap.kind === 'nice') return;
  await endAllGroups(cap);
  await removeGroup(cap.root);
}

function subgroups(root: string): string[] {
  try {
    return readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}

/** A cgroup stays busy for a moment after its last process has ended. One still in use is left to the next start. */
async function removeGroup(path: string): Promise<void> {
  for (let attempt = 0; attempt < REMOVAL_ATTEMPTS; attempt++) {
    try {
      rmdirSync(path);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') return; // it does not exist, or belongs to another user
      await setTimeout(REMOVAL_RETRY_MS);
    }
  }
}
