import { write, writeSync } from 'node:fs';
import { RotatingFile } from './rotating-file.ts';

export interface LineFileOptions {
  /** Longest time a line waits in the buffer, in ms. @default 100 */
  readonly flushMs?: number;
  /** Most characters in the buffer, so that a hanging disk does not fill the memory. @default 4_194_304 */
  readonly maxBuffered?: number;
  /** A file with a path is rotated before it exceeds this many bytes. @default 10_485_760 (10 MiB) */
  readonly largestBytes?: number;
}

export interface LineFile {
  /** Buffers a line, which must end with a newline. If the buffer is full, drops and counts the line. */
  write(line: string): void;
  /** Writes the buffer before it returns, for a process that ends at once. Gives up on a full pipe after 100 ms. */
  flushSync(): void;
  /** Writes the buffer, then closes the file. */
  close(): Promise<void>;
}

const FLUSH_LENGTH = 64 * 1024;
const NOTHING = Buffer.alloc(0);
const FULL_PIPE_ATTEMPTS = 10;
const FULL_PIPE_PAUSE_MS = 10;

/** Where batches of lines are written. */
interface Output {
  /** Appends a batch. Resolves with the part to try again later, because a pipe is full; the rest is written or lost. */
  append(batch: Buffer): Promise<{ readonly unwritten: Buffer; readonly failed: boolean }>;
  appendNow(batch: Buffer): void;
  close(): Promise<void>;
}

/**
 * Appends lines to a file in asynchronous batches, so that callers never wait for the disk. A full disk loses lines and
 * has no other effect. A killed process loses at most the lines of the last `flushMs`.
 *
 * @param target the file's path, created for this user only if it does not exist, and rotated as it grows (RotatingFile);
 * or an open file descriptor, left open
 * @throws if the file cannot be opened
 */
export function openLineFile(
  target: string | number,
  { flushMs = 100, maxBuffered = 4 * 2 ** 20, largestBytes }: LineFileOptions = {},
): LineFile {
  const output = typeof target === 'string' ? fileOutput(target, largestBytes) : descriptorOutput(target);
  let buffered = '';
  let dropped = 0;
  /** The part of the current batch that is not written yet. */
  let batch: Buffer = NOTHING;
  let writing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  function takeBuffered(): Buffer {
    const note = dropped > 0 ? `${JSON.stringify({ level: 'error', msg: `${dropped} lines dropped` })}\n` : '';
    const bytes = Buffer.from(buffered + note);
    buffered = '';
    dropped = 0;
    return bytes;
  }

  function flushSoon(): void {
    timer ??= setTimeout(flush, flushMs).unref();
  }

  function stopTimer(): void {
    clearTimeout(timer);
    timer = undefined;
  }

  function flush(): void {
    stopTimer();
    if (writing) return;
    if (batch.length === 0) batch = takeBuffered();
    if (batch.length > 0) writing = writeBatch();
  }

  async function writeBatch(): Promise<void> {
    const { unwritten, failed } = await output.append(batch);
    batch = unwritten;
    writing = undefined;
    if (!failed && buffered.length >= FLUSH_LENGTH) flush();
    else if (batch.length > 0 || buffered !== '') flushSoon();
  }

  function flushSync(): void {
    stopTimer();
    // A write under way runs in a thread, which the process lets finish.
    const rest = writing ? NOTHING : batch;
    if (!writing) batch = NOTHING;
    output.appendNow(Buffer.concat([rest, takeBuffered()]));
  }

  return {
    write(line) {
      if (buffered.length > maxBuffered) {
        dropped += 1;
        return;
      }
      buffered += line;
      if (buffered.length >= FLUSH_LENGTH) flush();
      else flushSoon();
    },
    flushSync,
    async close() {
      // A batch that has ended may have started the next one.
      while (writing) await writing;
      flushSync();
      await output.close();
    },
  };
}

function fileOutput(path: string, largestBytes: number | undefined): Output {
  const file = new RotatingFile(path, largestBytes);
  return {
    append: async (batch) => ({ unwritten: NOTHING, failed: !(await file.append(batch)) }),
    appendNow: (batch) => file.appendNow(batch),
    close: () => file.close(),
  };
}

function descriptorOutput(fd: number): Output {
  return {
    append: (batch) =>
      new Promise((resolve) => {
        const writeRest = (rest: Buffer): void =>
          write(fd, rest, (error, written) => {
            if (error) return resolve({ unwritten: isFullPipe(error) ? rest : NOTHING, failed: true });
            if (written < rest.length) writeRest(rest.subarray(written));
            else resolve({ unwritten: NOTHING, failed: false });
          });
        writeRest(batch);
      }),
    appendNow: (batch) => writeNow(fd, batch),
    close: async () => undefined,
  };
}

/** Writes synchronously. Bytes that cannot be written are lost. */
function writeNow(fd: number, bytes: Buffer): void {
  let offset = 0;
  let attempts = 0;
  while (offset < bytes.length && attempts < FULL_PIPE_ATTEMPTS) {
    try {
      offset += writeSync(fd, bytes, offset);
    } catch (error) {
      if (!isFullPipe(error)) return;
      attempts += 1;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE_PAUSE_MS);
    }
  }
}

/** Whether the error is that of a pipe or terminal whose reader must read on first. */
function isFullPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN';
}
