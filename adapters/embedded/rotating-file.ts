import { closeSync, fstatSync, ftruncateSync, openSync, statSync, write, writeSync } from 'node:fs';
import { rename } from 'node:fs/promises';

/** Maximum size of a log file, in bytes. Each of its two old files has the same limit (docs/configuration.md). */
export const LARGEST_LOG_BYTES = 10 * 2 ** 20;

/**
 * A file that lines are appended to. Before a write would make it larger than its bound, the file becomes `<path>.1`, and
 * `<path>.1` becomes `<path>.2`. So the three files never hold more than three times the bound, whatever the rate of writing.
 * Nothing here waits for the disk, except `appendNow`.
 */
export class RotatingFile {
  readonly #path: string;
  readonly #largestBytes: number;
  #fd: number;
  #size: number;
  /** The writes so far, one after the other. */
  #last: Promise<boolean> = Promise.resolve(true);
  #closed = false;

  /** Creates the file, for this user only, if it does not exist. Throws if it cannot be opened. */
  constructor(path: string, largestBytes = LARGEST_LOG_BYTES) {
    this.#path = path;
    this.#largestBytes = largestBytes;
    this.#fd = openSync(path, 'a', 0o600);
    this.#size = fstatSync(this.#fd).size;
  }

  /** Appends bytes after all earlier ones. Resolves with false if they are lost, because the disk is full. */
  append(bytes: Uint8Array): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    this.#last = this.#last.then(() => this.#write(bytes));
    return this.#last;
  }

  /** Appends before it returns, for a process that ends at once, and does not rotate. */
  appendNow(bytes: Uint8Array): void {
    try {
      writeSync(this.#fd, bytes);
    } catch {
      // A full disk loses lines and has no other effect.
    }
  }

  /** Closes the file when everything is written. Later bytes are lost. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#last;
    closeSync(this.#fd);
  }

  async #write(bytes: Uint8Array): Promise<boolean> {
    for (let rest = bytes; rest.length > 0; ) {
      const piece = rest.subarray(0, this.#largestBytes);
      if (this.#size > 0 && this.#size + piece.length > this.#largestBytes) await this.#rotate();
      const written = await writeTo(this.#fd, piece);
      if (written === 0) return false;
      this.#size += written;
      rest = rest.subarray(written);
    }
    return true;
  }

  async #rotate(): Promise<void> {
    try {
      if (this.#isCurrent()) {
        await rename(`${this.#path}.1`, `${this.#path}.2`).catch(ignoreMissing);
        await rename(this.#path, `${this.#path}.1`);
      }
      const fd = openSync(this.#path, 'a', 0o600);
      closeSync(this.#fd);
      this.#fd = fd;
      this.#size = fstatSync(fd).size;
    } catch {
      // The bound holds even where files cannot be renamed.
      ftruncateSync(this.#fd);
      this.#size = 0;
    }
  }

  /** False if another process, such as the predecessor of this one, has rotated the file. */
  #isCurrent(): boolean {
    return statSync(this.#path, { throwIfNoEntry: false })?.ino === fstatSync(this.#fd).ino;
  }
}

/** @returns the number of bytes written; 0 if none can be written */
function writeTo(fd: number, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve) => write(fd, bytes, (error, written) => resolve(error ? 0 : written)));
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
