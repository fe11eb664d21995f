import type { Log } from '../../core/ports/log.ts';

/** A log that adds each line to `lines` as JSON, with its message and with errors as text. */
export function recordingLog(lines: string[]): Log {
  const write = (fields: object, message: string): void => {
    const text = (_: string, value: unknown): unknown => (value instanceof Error ? String(value) : value);
    lines.push(JSON.stringify({ ...fields, message }, text));
  };
  return { debug: write, info: write, warn: write, error: write };
}
