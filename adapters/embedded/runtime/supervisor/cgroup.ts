import { mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { TaskSize } from '../../../../core/tier/tiers.ts';
import type { CpuCap } from './protocol.ts';

/** @see https://docs.kernel.org/admin-guide/cgroup-v2.html and https://docs.kernel.org/scheduler/sched-bwc.html */
const PERIOD_US = 100_000;
/** The kernel's hard limit is above the supervisor's, which replaces the task gracefully. */
const MEMORY_HEADROOM = 1.5;
const REMOVAL_ATTEMPTS = 25;
const REMOVAL_RETRY_MS = 20;

/**
 * Creates a cgroup below this process's own, in which tasks can be limited. Outer limits stay in force.
 * Version 1 limits CPU only. Version 2 also sets a hard memory limit above the supervisor's own.
 * @returns the reason if no cgroup can be written
 */
export function findCgroup(instance: string): CpuCap | { readonly reason: string } {
  let last = 'no cgroups on this system';
  for (const { kind, mount, own } of candidates()) {
    for (const parent of [join(mount, own), mount]) {
      const root = join(parent, `tierplane-${instance}`);
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

/** Puts a process, with its present and future threads, under its limits. */
export async function capTask(cap: CpuCap, taskId: string, pid: number, size: TaskSize): Promise<void> {
  if (cap.kind === 'nice') return;
  const group = join(cap.root, taskId);
  mkdirSync(group, { recursive: true });
  const quota = Math.max(1_000, Math.round(size.cpu * PERIOD_US));
  if (cap.kind === 'cgroup-v1') {
    writeFileSync(join(group, 'cpu.cfs_period_us'), String(PERIOD_US));
    writeFileSync(join(group, 'cpu.cfs_quota_us'), String(quota));
  } else {
    writeFileSync(join(group, 'cpu.max'), `${quota} ${PERIOD_US}`);
    writeFileSync(join(group, 'memory.max'), String(Math.round(size.memoryMiB * 2 ** 20 * MEMORY_HEADROOM)));
  }
  // Asynchronous, because the kernel may block this write for milliseconds.
  await writeFile(join(group, 'cgroup.procs'), String(pid));
}

/** Removes the cgroup of a task that has ended. */
export async function uncapTask(cap: CpuCap, taskId: string): Promise<void> {
  if (cap.kind !== 'nice') await removeGroup(join(cap.root, taskId));
}

/** Removes the cgroups of tasks that have ended, including those of a previous run. */
export async function removeTaskGroups(cap: CpuCap): Promise<void> {
  if (cap.kind === 'nice') return;
  await Promise.all(subgroups(cap.root).map((name) => removeGroup(join(cap.root, name))));
}

/** Removes all empty cgroups of this instance. */
export async function removeGroups(cap: CpuCap): Promise<void> {
  if (cap.kind === 'nice') return;
  await removeTaskGroups(cap);
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
