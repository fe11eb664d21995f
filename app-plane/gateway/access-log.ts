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
