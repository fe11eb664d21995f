import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { testUnless } from './requirements.ts';
import { until } from './until.ts';

const SCRIPT = '/usr/bin/script';

/** A test of a command at a terminal. */
export const testAtTerminal = testUnless(existsSync(SCRIPT) ? undefined : `there is no ${SCRIPT}`);

/** What is typed once the terminal has shown a prompt. */
export interface Typing {
  readonly prompt: string;
  readonly keys: string;
}

/**
 * Runs a command at a pseudo terminal, and types at each of its prompts in turn.
 * @returns its exit code, and everything that the terminal has shown
 */
export async function typeAt(
  command: readonly string[],
  typings: readonly Typing[],
): Promise<{ code: number | null; shown: string }> {
  const line = command.map((word) => `'${word}'`).join(' ');
  const child = spawn(SCRIPT, ['--quiet', '--return', '--command', line, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
  });
  const closed = once(child, 'close');
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
  });
  try {
    let from = 0;
    for (const { prompt, keys } of typings) {
      await until(() => shown.includes(prompt, from) || child.exitCode !== null);
      from = shown.indexOf(prompt, from) + prompt.length;
      child.stdin.write(keys);
    }
    const [code] = (await closed) as [number | null];
    return { code, shown };
  } finally {
    child.kill();
  }
}

/** The last line that a terminal has shown. */
export function lastLine(shown: string): string | undefined {
  return shown.trimEnd().split('\r\n').at(-1);
}
