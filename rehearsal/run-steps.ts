import { once } from 'node:events';
import { constants } from 'node:os';
import { messageOf } from '../core/errors.ts';
import { type AccountOptions, type EmulatedAccount, startEmulatedAccount } from './emulated-account.ts';
import { type MemoryWatch, watchMemory } from './memory-use.ts';
import type { StepResult } from './step.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface Rehearsal extends Omit<AccountOptions, 'progress'> {
  /** Yields one result per step; the first failure ends the run. */
  readonly steps: (account: EmulatedAccount) => AsyncGenerator<StepResult>;
  /** Print the results as JSON on stdout, with the time in ms and the most memory in bytes of the whole run. @default false */
  readonly json?: boolean;
  /** Keep the account after the last step, until a signal. @default false */
  readonly keep?: boolean;
}

/**
 * Starts an emulated account and runs steps in it. Reports each step on stderr, and at the end the time and the memory of the
 * whole run. Sets the exit code to 0 if every step succeeds, else to 1; after a signal the process exits with 128 plus the
 * signal's number. No process and no file remains.
 */
export async function runSteps({ steps, json = false, keep = false, ...options }: Rehearsal): Promise<void> {
  // Exit handlers remove files and end processes.
  for (const signal of SIGNALS) process.once(signal, exitAfter);
  const results: StepResult[] = [];
  const report = (step: StepResult): void => {
    results.push({ ...step, ms: Math.round(step.ms) });
    print(lineOf(step));
  };
  const started = performance.now();
  let account: EmulatedAccount | undefined;
  let memory: MemoryWatch | undefined;
  try {
    account = await startEmulatedAccount({ ...options, progress: print });
    memory = watchMemory(account);
    report({ name: 'an emulated account starts', ms: performance.now() - started, ok: true });
    for await (const step of steps(account)) report(step);
    if (keep) await untilSignal(account);
  } catch (error) {
    report({ name: 'the rehearsal runs', ms: 0, ok: false, reason: messageOf(error) });
  } finally {
    memory?.stop();
    await account?.close();
  }
  const ok = results.every((step) => step.ok);
  const whole = { ms: Math.round(performance.now() - started), peakMemoryBytes: memory?.peakBytes() ?? 0 };
  print(
    `${ok ? 'all steps succeeded' : 'failed'} after ${seconds(whole.ms)}, with ${gibibytes(whole.peakMemoryBytes)}`,
  );
  if (json) process.stdout.write(`${JSON.stringify({ ok, ...whole, steps: results })}\n`);
  process.exitCode = ok ? 0 : 1;
}

function lineOf({ name, ms, ok, reason, detail }: StepResult): string {
  const rest = reason ?? detail;
  return `${ok ? '✓' : '✗'} ${name} (${Math.round(ms)} ms)${rest ? `: ${rest}` : ''}`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function gibibytes(bytes: number): string {
  return `at most ${(bytes / 2 ** 30).toFixed(2)} GiB of memory`;
}

async function untilSignal({ endpoint }: EmulatedAccount): Promise<void> {
  for (const signal of SIGNALS) process.off(signal, exitAfter);
  print(`the account stays at ${endpoint} until Ctrl-C`);
  // A listener for a signal does not keep the process alive.
  const alive = setInterval(() => undefined, 2 ** 30);
  await Promise.race(SIGNALS.map((signal) => once(process, signal)));
  clearInterval(alive);
}

function exitAfter(signal: NodeJS.Signals): void {
  process.exit(128 + constants.signals[signal]);
}

function print(line: string): void {
  process.stderr.write(`${line}\n`);
}
