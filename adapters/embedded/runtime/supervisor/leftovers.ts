import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isAlive, killNow, type ProcessRecord, startOf } from './process-info.ts';

/** Environment variable of every agent, task and gateway. It names the instance that the process belongs to. */
export const INSTANCE_VARIABLE = 'TIERPLANE_INSTANCE';

const GONE_WITHIN_MS = 2_000;
const LOOK_AGAIN_MS = 10;

/**
 * Kills the processes that a previous run of this instance left behind: those with its mark in their environment, and
 * those that its agents recorded, if pid and start time match. A process name is never enough.
 * @returns how many there were, after they have ended
 */
export async function killLeftovers(instance: string, recordDir: string): Promise<number> {
  const found = new Set([...markedProcesses(instance), ...recordedProcesses(recordDir)]);
  found.delete(process.pid);
  for (const pid of found) killNow(pid);
  for (let waited = 0; waited < GONE_WITHIN_MS; waited += LOOK_AGAIN_MS) {
    if (![...found].some((pid) => startOf(pid) !== undefined)) break;
    await setTimeout(LOOK_AGAIN_MS);
  }
  for (const name of recordFiles(recordDir)) rmSync(join(recordDir, name), { force: true });
  return found.size;
}

/** Without /proc, only recorded processes are found. */
function markedProcesses(instance: string): number[] {
  if (process.platform !== 'linux') return [];
  const marker = `${INSTANCE_VARIABLE}=${instance}`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && environmentOf(name).includes(marker))
    .map(Number);
}

function environmentOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return []; // it has ended, or belongs to another user
  }
}

function recordedProcesses(recordDir: string): number[] {
  return recordFiles(recordDir)
    .flatMap((name) => readRecord(join(recordDir, name)))
    .filter(isAlive)
    .map(({ pid }) => pid);
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
    return JSON.parse(readFileSync(path, 'utf8')) as ProcessRecord[];
  } catch {
    return []; // the write was interrupted; the mark finds these processes
  }
}
