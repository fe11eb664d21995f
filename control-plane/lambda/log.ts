import { isDomainError } from '../../core/errors.ts';
import type { Log } from '../../core/ports/log.ts';

/** One JSON line a call, on standard output, which is where CloudWatch takes it from. */
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

/** Of an SDK's error the name and where it came from: its message, of one line or more, may quote what was sent. */
function describe(error: Error): object {
  const cause = error.cause instanceof Error ? { cause: error.cause.name } : {};
  if (isDomainError(error)) return { code: error.code, message: error.message, ...cause };
  return { name: error.name, stack: error.stack?.match(/^ +at .*$/gm)?.join('\n'), ...cause };
}
