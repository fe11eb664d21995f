import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { messageOf } from '../core/errors.ts';
import { type EmulatedAccount, startEmulatedAccount } from './emulated-account.ts';
import { rehearse, type StepResult } from './steps.ts';

/**
 * `npm run aws:rehearse [-- --json]`: installs the AWS home into an emulated account on this machine and uses it, with
 * permissions enforced. Exits with 0 if every step succeeds, with 1 otherwise, and with 128 plus the signal's number after
 * a signal. No process and no file remains.
 */
const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const print = (line: string): void => void process.stderr.write(`${line}\n`);

// Exit handlers remove files and end processes.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(128 + constants.signals[signal]));
}

const steps: StepResult[] = [];
let account: EmulatedAccount | undefined;
try {
  const started = performance.now();
  account = await startEmulatedAccount({ progress: print });
  report({ name: 'an emulated account starts', ms: performance.now() - started, ok: true });
  for await (const step of rehearse(account)) report(step);
} catch (error) {
  report({
    name: 'the rehearsal runs',
    ms: 0,
    ok: false,
    reason: messageOf(error),
  });
} finally {
  await account?.close();
}
const ok = steps.every((step) => step.ok);
if (values.json) process.stdout.write(`${JSON.stringify({ ok, steps })}\n`);
process.exitCode = ok ? 0 : 1;

function report(step: StepResult): void {
  steps.push({ ...step, ms: Math.round(step.ms) });
  print(`${step.ok ? '✓' : '✗'} ${step.name} (${Math.round(step.ms)} ms)${step.reason ? `: ${step.reason}` : ''}`);
}
