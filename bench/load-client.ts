import { connect, type NetConnectOpts } from 'node:net';

/**
 * A process that generates closed-loop HTTP load: each connection has one request in flight. It reads a LoadOrder as JSON
 * from the first argument, prints a LoadResult as JSON, and exits. The load goes to this machine only.
 */
export interface LoadOrder {
  /** A loopback port, or a Unix socket. */
  readonly target: { readonly port: number } | { readonly path: string };
  /** The complete request head with its empty line. Of several, each connection repeats one. */
  readonly request: string | readonly string[];
  readonly connections: number;
  readonly seconds: number;
}

export interface LoadResult {
  readonly requestsPerSecond: number;
  /** The share of one core that this process used. Near 1, the load itself was the bottleneck. */
  readonly cpuShare: number;
  /** Responses by status. */
  readonly statuses: Record<string, number>;
}

const HEAD_END = '\r\n\r\n';

function run({ target, request, connections, seconds }: LoadOrder): Promise<LoadResult> {
  const statuses: Record<string, number> = {};
  let responses = 0;
  let stopped = false;
  const onResponse = (status: string): boolean => {
    statuses[status] = (statuses[status] ?? 0) + 1;
    responses += 1;
    return !stopped;
  };
  const requests = [request].flat().map((one) => Buffer.from(one));
  const started = performance.now();
  const cpuAtStart = process.cpuUsage();
  for (let i = 0; i < connections; i++) repeat(target, requests[i % requests.length] as Buffer, onResponse);
  return new Promise((resolve) => {
    setTimeout(() => {
      stopped = true;
      const tookMs = performance.now() - started;
      const { user, system } = process.cpuUsage(cpuAtStart);
      const cpuShare = (user + system) / 1000 / tookMs;
      resolve({ requestsPerSecond: (responses * 1000) / tookMs, cpuShare, statuses });
    }, seconds * 1000);
  });
}

/** Sends `bytes` over one connection, again after each response, while `onResponse` returns true. */
function repeat(target: LoadOrder['target'], bytes: Buffer, onResponse: (status: string) => boolean): void {
  const socket = connect(target as NetConnectOpts, () => socket.write(bytes));
  let pending = '';
  socket.setNoDelay(true);
  socket.on('error', () => onResponse('error'));
  socket.on('data', (chunk: Buffer) => {
    pending = pending === '' ? chunk.toString('latin1') : pending + chunk.toString('latin1');
    const length = responseLength(pending);
    if (length === undefined || pending.length < length) return;
    const status = pending.slice(9, 12);
    pending = pending.slice(length);
    if (onResponse(status)) socket.write(bytes);
    else socket.destroy();
  });
}

/** The length of the first response, or undefined while its head is incomplete. Bodies have a content-length. */
function responseLength(text: string): number | undefined {
  const end = text.indexOf(HEAD_END);
  if (end < 0) return undefined;
  const head = text.slice(0, end).toLowerCase();
  const at = head.indexOf('content-length:');
  const length = at < 0 ? 0 : Number.parseInt(head.slice(at + 15), 10);
  return end + HEAD_END.length + length;
}

const result = await run(JSON.parse(process.argv[2] ?? '') as LoadOrder);
process.stdout.write(JSON.stringify(result), () => process.exit(0));
