import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type OwnProcess, ownProcesses } from './own-processes.ts';
import { isAlive, killNow, type ProcessRecord, startOf } from './process-info.ts';

const GONE_WITHIN_MS = 2_000;
const LOOK_AGAIN_MS = 10;

/**
 * Kills the processes that a previous run of this instance left behind: those with its mark in their environment or its
 * name in their cgroup, and those that its agents recorded, if pid and start time match. A process name or a user id is
 * never enough.
 * @returns how many there were, after they have ended
 */
export async function killLeftovers(instance: string, recordDir: string): Promise<number> {
  const recorded = recordFiles(recordDir).flatMap((name) => readRecord(join(recordDir, name)));
  const killed = await killAll(() => [
    ...ownProcesses(instance).map(({ pid }) => pid),
    ...recorded.filter((record) => record.pid !== process.pid && isAlive(record)).map(({ pid }) => pid),
  ]);
  for (const name of recordFiles(recordDir)) rmSync(join(recordDir, name), { force: true });
  return killed;
}

/** Kills the processes of this instance that `matches` accepts. @returns how many there were, after they have ended */
export function killOwn(instance: string, matches: (process: OwnProcess) => boolean): Promise<number> {
  return killAll(() =>
    ownProcesses(instance)
      .filter(matches)
      .map(({ pid }) => pid),
  );
}

/** Kills and looks again, because a process may fork before it is killed. Gives up after two seconds. */
async function killAll(find: () => readonly number[]): Promise<number> {
  const killed = new Set<number>();
  for (let waited = 0; waited < GONE_WITHIN_MS; waited += LOOK_AGAIN_MS) {
    const found = find().filter((pid) => startOf(pid) !== undefined);
    if (found.length === 0) break;
    for (const pid of found) {
      killNow(pid);
      killed.add(pid);
    }
    await setTimeout(LOOK_AGAIN_MS);
  }
  return killed.size;
}

/** Kills the recorded tasks of a cluster whose agent has ended, and the process group of each. */
export function killRecorded(recordFile: string): void {
  for (const record of readRecord(recordFile)) {
    if (!isAlive(record)) continue;
    killNow(-record.pid);
    killNow(record.pid);
  }
}

function recordFiles(recordDir: string): string[] {
  try {
    return readdirSync(recordDir).filter((name) => name.endsWith('.json'));
  } catch {
    return [];
  }
}

function readRecord(path: string): ProcessRecord[] {
  try {
    const records: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return Array.isArray(records) ? records.filter(isRecord) : [];
  } catch {
    return []; // the write was interrupted; the mark finds these processes
  }
}

function isRecord(value: unknown): value is ProcessRecord {
  const { pid, start } = (value ?? {}) as Partial<ProcessRecord>;
  return Number.isInteger(pid) && typeof start === 'string';
}
