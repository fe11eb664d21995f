import { closeSync, openSync, write, writeSync } from 'node:fs';

export interface LineFileOptions {
  /** So long at most a line waits for others to be written with, in milliseconds. @default 100 */
  readonly flushMs?: number;
  /** In characters: a disk that hangs must not eat the memory. @default 16_777_216 */
  readonly maxBuffered?: number;
}

export interface LineFile {
  /** Takes a line with its end; counts and drops it if too much is buffered. */
  write(line: string): void;
  /** Writes what is buffered before it returns, for a process that ends at once. Gives up on a full pipe after 100 ms. */
  flushSync(): void;
  /** Writes what is buffered and ends. */
  close(): Promise<void>;
}

const FLUSH_LENGTH = 64 * 1024;
const NOTHING = Buffer.alloc(0);
const FULL_PIPE_TRIES = 10;
const FULL_PIPE_PAUSE_MS = 10;

/**
 * Appends lines to a file, in batches off the caller's path: nobody waits for the disk, a full one costs lines and nothing
 * else, and a process that is killed loses at most what `flushMs` brought.
 *
 * @param target the file's name, made for this user alone if it is not there; or an open file descriptor, left open
 * @throws if the file cannot be opened
 */
export function openLineFile(
  target: string | number,
  { flushMs = 100, maxBuffered = 16 * 1024 * 1024 }: LineFileOptions = {},
): LineFile {
  const fd = typeof target === 'string' ? openSync(target, 'a', 0o600) : target;
  let buffered = '';
  let dropped = 0;
  /** What is left to be written of the batch taken last. */
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
    // A write under way is a thread's, which the process lets finish.
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

/** What cannot be written is lost. */
function writeNow(fd: number, bytes: Buffer): void {
  let offset = 0;
  let tries = 0;
  while (offset < bytes.length && tries < FULL_PIPE_TRIES) {
    try {
      offset += writeSync(fd, bytes, offset);
    } catch (error) {
      if (!isFullPipe(error)) return;
      tries += 1;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE_PAUSE_MS);
    }
  }
}

/** Of a pipe or terminal that takes no more until its reader has read on. */
function isFullPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN';
}
