/** What takes longer is explained, in milliseconds. */
const SLOW_MS = 1_000;

/** A reader that has had enough (`| head`) is no failure: the command ends quietly. Call it once, before any output. */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
}

/** stdout carries results alone, so that it can be piped; everything else goes to stderr. */
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

/** Runs `work`; after a second the user is told, on stderr, what is being waited for: by the outermost of them alone. */
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

/** Columns as wide as their widest cell; headings in capitals. An empty list prints `empty`. */
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

/** Name and value, one a line, aligned. */
export function printFields(fields: Record<string, string | number | boolean | undefined>): void {
  const shown = Object.entries(fields).filter(([, value]) => value !== undefined && value !== '');
  const width = Math.max(...shown.map(([name]) => name.length));
  for (const [name, value] of shown) printLine(`${name.padEnd(width)}  ${value}`);
}

/** `1.2 s`, `340 ms` */
export function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
