import { readdirSync, readFileSync, statSync } from 'node:fs';
import { jsonIn } from '../../../../core/encoding/json.ts';
import { taskGroupIn } from './cgroup.ts';
import { type ProcessRecord, parentOf, startOf } from './process-info.ts';
import { tenantOfGroup } from './task-group.ts';

/** Environment variable of every agent, task and gateway. It names the instance that the process belongs to. */
export const INSTANCE_VARIABLE = 'TIERPLANE_INSTANCE';
/** Environment variable of every agent and gateway: pid and start of the platform that started it. */
const PLATFORM_VARIABLE = 'TIERPLANE_PLATFORM';

/** A process that provably belongs to an instance: by the mark in its environment, or by its cgroup. */
export interface OwnProcess {
  readonly pid: number;
  /** The silo tenant whose task it is, or descends from. */
  readonly tenantId?: string;
  readonly taskId?: string;
}

/** Environment of an agent or gateway that this process starts, by which a later start recognises it. */
export function markOf(instance: string): Record<string, string> {
  return { [INSTANCE_VARIABLE]: instance, [PLATFORM_VARIABLE]: JSON.stringify(thisProcess()) };
}

/** This process, as a record by which another one can recognise it. */
export function thisProcess(): ProcessRecord {
  return { pid: process.pid, start: startOf(process.pid) };
}

/**
 * The processes of an instance that run now, apart from this one. A child that has detached itself and cleared its
 * environment is still in its task's cgroup. Without /proc there are none.
 */
export function ownProcesses(instance: string): OwnProcess[] {
  return pids().flatMap((pid): OwnProcess[] => {
    if (pid === process.pid) return [];
    const group = taskGroupIn(read(pid, 'cgroup'), instance);
    const environment = environmentOf(pid);
    if (group === undefined && environment.get(INSTANCE_VARIABLE) !== instance) return [];
    const tenantId = (group && tenantOfGroup(group)) || environment.get('TIERPLANE_TENANT');
    const taskId = environment.get('TIERPLANE_TASK_ID');
    return [{ pid, ...(tenantId && { tenantId }), ...(taskId && { taskId }) }];
  });
}

/**
 * Another platform that runs for this instance now: the living parent of an agent or gateway that names it. Finds it even
 * if every file that describes it was deleted.
 */
export function findOtherPlatform(instance: string): ProcessRecord | undefined {
  for (const pid of pids()) {
    const environment = environmentOf(pid);
    if (environment.get(INSTANCE_VARIABLE) !== instance || !isOurs(pid)) continue;
    const parent = parentOf(pid);
    // Only a platform's own child can prove it: any process could name another one.
    const named = recordIn(environment.get(PLATFORM_VARIABLE));
    if (named && parent === named.pid && parent !== process.pid && startOf(parent) === named.start) return named;
  }
  return undefined;
}

function recordIn(text: string | undefined): ProcessRecord | undefined {
  return text === undefined ? undefined : (jsonIn(text) as ProcessRecord | undefined);
}

function pids(): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Whether the process runs as this user. */
function isOurs(pid: number): boolean {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid === process.getuid?.();
}

function environmentOf(pid: number): Map<string, string> {
  const pairs = read(pid, 'environ')
    .split('\0')
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const);
  return new Map(pairs);
}

/** Empty if the process has ended, or belongs to another user. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
