import { withoutQuery } from '../../core/http/request-target.ts';
import { oncePerMillisecond } from '../../core/time/once-per-millisecond.ts';
import type { Exchange } from './exchange.ts';

/** Where lines are written. */
export interface LineSink {
  write(line: string): void;
}

/** What nginx logs when the client disconnects before the response begins. */
const CLIENT_CLOSED_REQUEST = 499;

/** Longest path in a line, in characters. The path of a refused request can be much longer. */
const MAX_PATH = 256;

function shortPath(url: string): string {
  const path = withoutQuery(url);
  return path.length > MAX_PATH ? `${path.slice(0, MAX_PATH)}…` : path;
}

const isoTime = oncePerMillisecond((epochMs) => new Date(epochMs).toISOString());

/** The parts of an exchange that are logged. */
export type LoggedExchange = Pick<
  Exchange,
  'requestId' | 'clientAddress' | 'startedAt' | 'route' | 'service' | 'bytes'
> & {
  readonly request: Pick<Exchange['request'], 'method' | 'url'>;
  readonly response: Pick<Exchange['response'], 'headersSent' | 'statusCode'>;
};

/**
 * One line of JSON about a finished exchange: no query, token or body. It is built by hand because it runs once per
 * request; only the path can contain characters that JSON must escape.
 * @param monotonicMs now, on the clock of `exchange.startedAt`
 * @param epochMs now
 */
export function accessLine(exchange: LoggedExchange, monotonicMs: number, epochMs: number): string {
  const { request, response, requestId, clientAddress, route, service, bytes } = exchange;
  const status = response.headersSent ? response.statusCode : CLIENT_CLOSED_REQUEST;
  const ms = (monotonicMs - exchange.startedAt).toFixed(1);
  return (
    `{"time":"${isoTime(epochMs)}","level":"${status >= 500 ? 'error' : 'info'}","requestId":"${requestId}","client":"${clientAddress}",` +
    `"method":"${request.method ?? ''}","path":${JSON.stringify(shortPath(request.url ?? ''))},"status":${status},"ms":${ms},` +
    (route === undefined ? '' : `"tenantId":"${route.tenantId}","tier":"${route.tier}",`) +
    (service === undefined ? '' : `"service":"${service}",`) +
    `"bytes":${bytes}}\n`
  );
}
