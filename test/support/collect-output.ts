import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';

/** The output of a process so far; it grows until the process has closed. */
export interface Output {
  stdout: string;
  stderr: string;
}

export function collectOutput(child: ChildProcessByStdio<null, Readable, Readable>): Output {
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  return output;
}
