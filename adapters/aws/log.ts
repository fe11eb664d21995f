import { isDomainError } from '../../core/errors.ts';
import type { Log } from '../../core/ports/log.ts';

/** Writes one JSON line per call to standard output, which Lambda sends to CloudWatch. */
export const functionLog: Log = {
  debug() {},
  info: (fields, message) => write('info', fields, message),
  warn: (fields, message) => write('warn', fields, message),
  error: (fields, message) => write('error', fields, message),
};

function write(level: string, fields: object, msg: string): void {
  const shown = Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? describe(value) : value]);
  process.stdout.write(`${JSON.stringify({ level, msg, ...Object.fromEntries(shown) })}\n`);
}

/** Omits the message of an SDK's error, because it may quote the request. */
function describe(error: Error): object {
  const cause = error.cause instanceof Error ? { cause: error.cause.name } : {};
  if (isDomainError(error)) return { code: error.code, message: error.message, ...cause };
  return { name: error.name, stack: error.stack?.match(/^ +at .*$/gm)?.join('\n'), ...cause };
}
