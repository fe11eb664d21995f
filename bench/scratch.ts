import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The processes to end and folders to remove, at the end of the run and on Ctrl-C. */
const cleanUps = new Set<() => Promise<void>>();
let over = false;
/** A process that does not end on SIGTERM is killed after this time. */
const END_MS = 15_000;

/** Registers `work`. @returns a function that runs it; it runs once, at the latest in `cleanUp` */
export function cleanUpLater(work: () => Promise<void> | void): () => Promise<void> {
  let running: Promise<void> | undefined;
  const runOnce = () => {
    cleanUps.delete(runOnce);
    running ??= (async () => work())();
    return running;
  };
  cleanUps.add(runOnce);
  return runOnce;
}

/**
 * Ends every process and removes every folder, the latest first. Afterwards none can be created.
 * @throws the first error, once everything has been tried
 */
export async function cleanUp(): Promise<void> {
  over = true;
  const errors: unknown[] = [];
  for (const run of [...cleanUps].reverse()) await run().catch((error: unknown) => errors.push(error));
  if (errors.length > 0) throw errors[0];
}

export interface ScratchFolder {
  readonly path: string;
  remove(): Promise<void>;
}

export function scratchFolder(): ScratchFolder {
  failWhenOver();
  const path = mkdtempSync(join(tmpdir(), 'tp-bench-'));
  return {
    path,
    remove: cleanUpLater(() => rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })),
  };
}

/** A child process that ends with the run. */
export function startChild(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  failWhenOver();
  const child = spawn(command, args, options);
  const remove = cleanUpLater(() => stop(child));
  child.once('exit', () => void remove());
  return child;
}

/** Runs a command. @returns its output. @throws with the text on stderr if it exits with another status than 0 */
export async function outputOf(command: string, args: readonly string[], options: SpawnOptions = {}): Promise<string> {
  const child = startChild(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errorOutput = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    errorOutput += chunk.toString();
  });
  const [code, signal] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command} exited with ${signal ?? code}: ${errorOutput.trim()}`);
  return output;
}

/** Ends a process with SIGTERM, and with SIGKILL if that does not help. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
  child.kill('SIGTERM');
  await ended;
  clearTimeout(timer);
}

function failWhenOver(): void {
  if (over) throw new Error('the run has ended');
}
