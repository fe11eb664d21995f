/** A command reports what it waits for after this time, in milliseconds. */
const SLOW_MS = 1_000;

/** Ends the command quietly when the reader of its output closes the pipe (`| head`). Call it once, before any output. */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
}

/** Prints a result. Only results go to stdout, so that it can be piped; everything else goes to stderr. */
export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  printLine(JSON.stringify(value));
}

export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

let waiting = false;

/** Runs `work` and reports on stderr what it waits for, after a second. Of nested calls only the outermost reports. */
export async function withNote<T>(waitingFor: string, work: () => Promise<T>): Promise<T> {
  if (waiting) return work();
  waiting = true;
  const timer = setTimeout(() => note(`${waitingFor} ...`), SLOW_MS);
  try {
    return await work();
  } finally {
    waiting = false;
    clearTimeout(timer);
  }
}

/** Prints a table with headings in capitals. Without rows it prints `empty` to stderr. */
export function printTable(headings: readonly string[], rows: readonly (readonly string[])[], empty: string): void {
  if (rows.length === 0) {
    note(empty);
    return;
  }
  const lines = [headings.map((heading) => heading.toUpperCase()), ...rows];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  for (const line of lines) {
    printLine(
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  }
}

/** Prints names and values, one pair per line, aligned. Skips empty values. */
export function printFields(fields: Record<string, string | number | boolean | undefined>): void {
  const shown = Object.entries(fields).filter(([, value]) => value !== undefined && value !== '');
  const width = Math.max(...shown.map(([name]) => name.length));
  for (const [name, value] of shown) printLine(`${name.padEnd(width)}  ${value}`);
}

/** `1.2 s`, `340 ms` */
export function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
