import { mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { TaskSize } from '../../../../core/tier/tiers.ts';
import type { CpuCap } from './protocol.ts';

/** @see https://docs.kernel.org/admin-guide/cgroup-v2.html and https://docs.kernel.org/scheduler/sched-bwc.html */
const PERIOD_US = 100_000;
/** The kernel's hard stop comes later than the supervisor's graceful one. */
const MEMORY_HEADROOM = 1.5;
const REMOVAL_TRIES = 25;
const REMOVAL_RETRY_MS = 20;

/**
 * Finds, and makes, a cgroup below the caller's own in which tasks can be capped. An outer cap stays in force.
 * Version 1: CPU only. Version 2: CPU, and memory as a hard stop behind the supervisor's watch.
 * @returns a reason in plain words where there is none to write to
 */
export function findCgroup(instance: string): CpuCap | { readonly reason: string } {
  let last = 'no cgroups on this system';
  for (const { kind, mount, own } of candidates()) {
    for (const parent of [join(mount, own), mount]) {
      const root = join(parent, `tierplane-${instance}`);
      try {
        // Where the mount is something else (a tmpfs, on hybrid systems), plain files would be made instead.
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
  /** This process's group below the mount. */
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

/** Puts a process (with all threads it has or gets) under its caps. */
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
  // The kernel may hold the writer of this one for milliseconds.
  await writeFile(join(group, 'cgroup.procs'), String(pid));
}

/** Removes the group of a task that has ended. */
export async function uncapTask(cap: CpuCap, taskId: string): Promise<void> {
  if (cap.kind !== 'nice') await removeGroup(join(cap.root, taskId));
}

/** Removes the groups of tasks that have ended, of a former run too. */
export async function removeTaskGroups(cap: CpuCap): Promise<void> {
  if (cap.kind === 'nice') return;
  await Promise.all(subgroups(cap.root).map((name) => removeGroup(join(cap.root, name))));
}

/** Removes all of the instance's groups, as far as they are empty. */
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

/** A group stays busy for a moment after its last process has been waited for. One still in use is left to a sweep. */
async function removeGroup(path: string): Promise<void> {
  for (let tries = 0; tries < REMOVAL_TRIES; tries++) {
    try {
      rmdirSync(path);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') return; // not there, or not ours to remove
      await setTimeout(REMOVAL_RETRY_MS);
    }
  }
}
