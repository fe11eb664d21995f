import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { openLineFile } from '../../adapters/embedded/line-file.ts';
import { systemClock } from '../../adapters/shared/clock.ts';
import { CONFIG_EXIT_CODE, isDomainError } from '../../core/errors.ts';
import type { Log } from '../../core/ports/log.ts';
import { oncePerMillisecond } from '../../core/time/once-per-millisecond.ts';
import { pause } from '../../core/time/wait.ts';
import type { Variables } from './environment.ts';

/** A log line is written within this time, or when the process ends. */
const LOG_FLUSH_MS = 250;
/** In characters. */
const MAX_LOG_BUFFERED = 2 ** 20;

/**
 * The environment of the process, as `read` returns it. Exits with 78 and the list of errors if it is not valid.
 * @param name the service; TIERPLANE_SERVICE overrides it
 */
export function environmentOrExit<T>(name: string, read: (variables: Variables) => T): T {
  try {
    return read({ TIERPLANE_SERVICE: name, ...process.env });
  } catch (error) {
    if (!isDomainError(error, 'CONFIG')) throw error;
    process.stderr.write(`${name}: ${error.message}\n`);
    process.exit(CONFIG_EXIT_CODE);
  }
}

/** pino's `time` field in ISO 8601. */
const timeField = oncePerMillisecond((epochMs) => `,"time":"${new Date(epochMs).toISOString()}"`);

/**
 * Writes one JSON line per message to standard output, in batches: a write per request would cost a quarter of the throughput.
 * @param base fields of every line
 */
export function openLog(base: Readonly<Record<string, string>>): Log {
  const output = openLineFile(1, { flushMs: LOG_FLUSH_MS, maxBuffered: MAX_LOG_BUFFERED });
  process.on('exit', output.flushSync);
  return pino(
    {
      base,
      timestamp: () => timeField(Date.now()),
      formatters: { level: (level) => ({ level }) },
    },
    output,
  );
}

/**
 * Ends the process once the requests in progress have their responses.
 *
 * @param options.lingerMs requests that are on their way when the drain begins arrive within this time
 * @param options.deadlineMs the process ends after this time, even if requests are in progress
 */
export async function drain(
  app: FastifyInstance,
  options: {
    readonly log: Log;
    readonly lingerMs: number;
    readonly deadlineMs: number;
    readonly closeStore: () => unknown;
  },
): Promise<void> {
  options.log.info({}, 'draining');
  systemClock.after(options.deadlineMs, () => process.exit(0));
  // Clients close their connections themselves, so that none breaks while it carries a request.
  app.server.prependListener('request', (_request: unknown, response: ServerResponse) => {
    response.shouldKeepAlive = false;
  });
  await pause(systemClock, options.lingerMs);
  await app.close();
  await options.closeStore();
  process.exit(0);
}
