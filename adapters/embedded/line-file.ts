import { closeSync, openSync, write, writeSync } from 'node:fs';

export interface LineFileOptions {
  /** Longest time a line waits in the buffer, in ms. @default 100 */
  readonly flushMs?: number;
  /** Most characters in the buffer, so that a hanging disk does not fill the memory. @default 16_777_216 */
  readonly maxBuffered?: number;
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

/**
 * Appends lines to a file in asynchronous batches, so that callers never wait for the disk. A full disk loses lines and
 * has no other effect. A killed process loses at most the lines of the last `flushMs`.
 *
 * @param target the file's path, created for this user only if it does not exist; or an open file descriptor, left open
 * @throws if the file cannot be opened
 */
export function openLineFile(
  target: string | number,
  { flushMs = 100, maxBuffered = 16 * 1024 * 1024 }: LineFileOptions = {},
): LineFile {
  const fd = typeof target === 'string' ? openSync(target, 'a', 0o600) : target;
  let buffered = '';
  let dropped = 0;
  /** The part of the current batch that is not written yet. */
  let batch: Buffer = NOTHING;
  let writing = false;
  let timer: NodeJS.Timeout | undefined;
  let whenWritten: (() => void) | undefined;

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
    if (batch.length > 0) writeBatch();
  }

  function writeBatch(): void {
    writing = true;
    write(fd, batch, (error, written) => {
      batch = error && !isFullPipe(error) ? NOTHING : batch.subarray(written);
      if (!error && batch.length > 0) return writeBatch();
      writing = false;
      if (whenWritten) whenWritten();
      else if (!error && buffered.length >= FLUSH_LENGTH) flush();
      else if (batch.length > 0 || buffered !== '') flushSoon();
    });
  }

  function flushSync(): void {
    stopTimer();
    // A write under way runs in a thread, which the process lets finish.
    const rest = writing ? NOTHING : batch;
    if (!writing) batch = NOTHING;
    writeNow(fd, Buffer.concat([rest, takeBuffered()]));
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
      if (writing) await new Promise<void>((resolve) => (whenWritten = resolve));
      flushSync();
      if (typeof target === 'string') closeSync(fd);
    },
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
