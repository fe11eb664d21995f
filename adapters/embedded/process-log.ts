import type { Readable } from 'node:stream';
import { RotatingFile } from './rotating-file.ts';

const NEWLINE = 10;
const NOTHING: Buffer = Buffer.alloc(0);
/** A longer line is written in pieces. */
const LONGEST_LINE = 64 * 1024;
/** After the end of a process, a child of it may hold its output open. */
const CLOSE_TIMEOUT_MS = 500;

/**
 * A log with what child processes print, such as all tasks of a service. The parent writes it, so that the log stays within
 * its bound however much they print: a process that prints faster than the disk writes has to wait.
 */
export class ProcessLog {
  /** Undefined if the file cannot be opened (the disk is full): a process without a log is better than none. */
  readonly #file: RotatingFile | undefined;
  readonly #outputs = new Set<Promise<void>>();

  constructor(path: string, largestBytes?: number) {
    this.#file = open(path, largestBytes);
  }

  /** Writes what a process prints, in whole lines, until its output ends. */
  copy(output: Readable | null): void {
    if (!output) return;
    const copied = copyLines(output, (bytes) => this.#file?.append(bytes)).finally(() => this.#outputs.delete(copied));
    this.#outputs.add(copied);
  }

  /** Closes the file when everything that was printed is written. */
  async close(): Promise<void> {
    const timeout = Promise.withResolvers<void>();
    const timer = setTimeout(timeout.resolve, CLOSE_TIMEOUT_MS);
    await Promise.race([Promise.all(this.#outputs), timeout.promise]);
    clearTimeout(timer);
    await this.#file?.close();
  }
}

function open(path: string, largestBytes?: number): RotatingFile | undefined {
  try {
    return new RotatingFile(path, largestBytes);
  } catch {
    return undefined;
  }
}

type Append = (bytes: Buffer) => Promise<unknown> | undefined;

/** Reads on only when the lines before are written, so that a process cannot fill its parent's memory. */
async function copyLines(output: Readable, append: Append): Promise<void> {
  let partial: Buffer = NOTHING;
  try {
    for await (const chunk of output as AsyncIterable<Buffer>) {
      const bytes = partial.length === 0 ? chunk : Buffer.concat([partial, chunk]);
      const lines = bytes.lastIndexOf(NEWLINE) + 1;
      const end = lines === 0 && bytes.length > LONGEST_LINE ? bytes.length : lines;
      partial = bytes.subarray(end);
      if (end > 0) await append(bytes.subarray(0, end));
    }
  } catch {
    // The process has ended.
  }
  if (partial.length > 0) await append(partial);
}
