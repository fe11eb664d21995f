import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isAlive, killNow, type ProcessRecord, startOf } from './process-info.ts';

/** Of every process an agent or task is, by which it is known as an instance's own. */
export const INSTANCE_VARIABLE = 'TIERPLANE_INSTANCE';

const GONE_WITHIN_MS = 2_000;
const LOOK_AGAIN_MS = 10;

/**
 * Kills what a former run of this instance left behind: processes that carry its marker in their environment, or that
 * its agents recorded with this very pid and start time. A name is never enough.
 * @returns how many there were, when they are gone
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

/** Where there is no /proc, the records alone are the answer. */
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
    return []; // gone, or another user's
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
    return []; // a write was cut short; the marker finds its processes
  }
}
