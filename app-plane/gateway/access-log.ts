import { closeSync, openSync, write, writeSync } from 'node:fs';

/** One request, as the access log tells it. Never a query, a token or a body. */
export interface AccessRecord {
  readonly requestId: string;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** 499 where the client left before there was an answer. */
  readonly status: number;
  readonly ms: number;
  readonly tenantId?: string | undefined;
  readonly tier?: string | undefined;
  readonly service?: string | undefined;
  /** Of the response's body, as sent. */
  readonly bytes: number;
}

/** Where lines go. */
export interface LineSink {
  write(line: string): void;
  /** Writes what is buffered and ends. */
  close(): Promise<void>;
}

const FLUSH_MS = 100;
const FLUSH_LENGTH = 64 * 1024;
/** A disk that hangs must not eat the memory: lines beyond this are counted and dropped. */
const MAX_BUFFERED = 16 * 1024 * 1024;

/**
 * Appends lines to a file, in batches off the request's path: no request waits for the disk, and a crash loses at most
 * the last 100 ms. Throws if the file cannot be opened.
 */
export function openLineFile(file: string): LineSink {
  const fd = openSync(file, 'a', 0o600);
  let buffered = '';
  let dropped = 0;
  let timer: NodeJS.Timeout | undefined;
  let writing = false;
  let idle: (() => void) | undefined;

  function takeBuffered(): Buffer {
    const note = dropped > 0 ? `${JSON.stringify({ level: 'error', message: `${dropped} lines dropped` })}\n` : '';
    const bytes = Buffer.from(buffered + note);
    buffered = '';
    dropped = 0;
    return bytes;
  }

  function writeAll(bytes: Buffer, offset = 0): void {
    write(fd, bytes, offset, (error, written) => {
      if (!error && offset + written < bytes.length) return writeAll(bytes, offset + written);
      writing = false;
      if (buffered.length >= FLUSH_LENGTH) flush();
      else idle?.();
    });
  }

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (writing || buffered === '') return;
    writing = true;
    writeAll(takeBuffered());
  }

  return {
    write(line) {
      if (buffered.length > MAX_BUFFERED) {
        dropped += 1;
        return;
      }
      buffered += line;
      if (buffered.length >= FLUSH_LENGTH) flush();
      else timer ??= setTimeout(flush, FLUSH_MS).unref();
    },
    async close() {
      clearTimeout(timer);
      if (writing) await new Promise<void>((resolve) => (idle = resolve));
      try {
        writeSync(fd, takeBuffered());
      } catch {
        // The disk is full: these lines are lost, and nothing else.
      } finally {
        closeSync(fd);
      }
    },
  };
}

/** Built by hand, as this runs once per request: only the path can hold what JSON must escape. */
export function accessLine(record: AccessRecord, epochMs: number): string {
  const { requestId, method, path, status, ms, tenantId, tier, service, bytes } = record;
  return (
    `{"time":"${isoTime(epochMs)}","level":"${status >= 500 ? 'error' : 'info'}","requestId":"${requestId}",` +
    `"method":"${method}","path":${JSON.stringify(path)},"status":${status},"ms":${ms.toFixed(1)},` +
    (tenantId === undefined ? '' : `"tenantId":"${tenantId}","tier":"${tier}",`) +
    (service === undefined ? '' : `"service":"${service}",`) +
    `"bytes":${bytes}}\n`
  );
}

let lastMs = Number.NaN;
let lastIso = '';

/** Many requests share a millisecond. */
function isoTime(epochMs: number): string {
  if (epochMs !== lastMs) {
    lastMs = epochMs;
    lastIso = new Date(epochMs).toISOString();
  }
  return lastIso;
}
