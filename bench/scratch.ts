import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What the run has made and must not leave behind. Ctrl-C removes it as a normal end does. */
const undoings = new Set<() => Promise<void>>();
let over = false;
/** A process that was asked to end is given this long. */
const END_MS = 15_000;

/** @returns `undo`, to be called when done; it runs once only, at the latest in `undoAll` */
export function undoLater(undo: () => Promise<void> | void): () => Promise<void> {
  let running: Promise<void> | undefined;
  const undoOnce = () => {
    undoings.delete(undoOnce);
    running ??= (async () => undo())();
    return running;
  };
  undoings.add(undoOnce);
  return undoOnce;
}

/**
 * Ends every process and removes every folder, the newest first. Nothing can be made after that.
 * Throws at the end, if something could not be undone, the first reason.
 */
export async function undoAll(): Promise<void> {
  over = true;
  const faults: unknown[] = [];
  for (const undo of [...undoings].reverse()) await undo().catch((error: unknown) => faults.push(error));
  if (faults.length > 0) throw faults[0];
}

export interface ScratchFolder {
  readonly path: string;
  remove(): Promise<void>;
}

export function scratchFolder(): ScratchFolder {
  refuseWhenOver();
  const path = mkdtempSync(join(tmpdir(), 'tp-bench-'));
  return {
    path,
    remove: undoLater(() => rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })),
  };
}

/** A child process that ends with the run. */
export function startChild(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  refuseWhenOver();
  const child = spawn(command, args, options);
  const undo = undoLater(() => stop(child));
  child.once('exit', () => void undo());
  return child;
}

/** Runs a command to its end. Throws unless it ends with 0; what it says on stderr is in the message then. */
export async function outputOf(command: string, args: readonly string[], options: SpawnOptions = {}): Promise<string> {
  const child = startChild(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let complaint = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const [code, signal] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command} ended with ${signal ?? code}: ${complaint.trim()}`);
  return output;
}

/** Asks a process to end, and ends it if it does not. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
  child.kill('SIGTERM');
  await ended;
  clearTimeout(timer);
}

function refuseWhenOver(): void {
  if (over) throw new Error('the run has ended');
}
