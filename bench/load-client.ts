import { connect, type NetConnectOpts } from 'node:net';

/**
 * Closed-loop HTTP load from a process of its own: each connection has one request under way. Reads its order as JSON from
 * the first argument, prints what it found as JSON. Goes to this machine only, and ends by itself.
 */
export interface LoadOrder {
  /** A loopback port, or a Unix socket. */
  readonly target: { readonly port: number } | { readonly path: string };
  /** The whole request head, with its empty line; of several, each connection sends one over and over. */
  readonly request: string | readonly string[];
  readonly connections: number;
  readonly seconds: number;
}

export interface LoadResult {
  readonly requestsPerSecond: number;
  /** Of one core, that offering this load took. Near 1, the load was the bottleneck and not what it was offered to. */
  readonly cpuShare: number;
  /** Answers by status. */
  readonly statuses: Record<string, number>;
}

const HEAD_END = '\r\n\r\n';

function run({ target, request, connections, seconds }: LoadOrder): Promise<LoadResult> {
  const statuses: Record<string, number> = {};
  let answered = 0;
  let stopped = false;
  const requests = [request].flat().map((one) => Buffer.from(one));
  const started = performance.now();
  const cpuAtStart = process.cpuUsage();

  function open(bytes: Buffer): void {
    const socket = connect(target as NetConnectOpts, () => socket.write(bytes));
    let pending = '';
    socket.setNoDelay(true);
    socket.on('error', () => count('error'));
    socket.on('data', (chunk: Buffer) => {
      pending = pending === '' ? chunk.toString('latin1') : pending + chunk.toString('latin1');
      const length = answerLength(pending);
      if (length === undefined || pending.length < length) return;
      count(pending.slice(9, 12));
      pending = pending.slice(length);
      if (stopped) socket.destroy();
      else socket.write(bytes);
    });
  }

  function count(status: string): void {
    statuses[status] = (statuses[status] ?? 0) + 1;
    answered += 1;
  }

  for (let i = 0; i < connections; i++) open(requests[i % requests.length] as Buffer);
  return new Promise((resolve) => {
    setTimeout(() => {
      stopped = true;
      const tookMs = performance.now() - started;
      const { user, system } = process.cpuUsage(cpuAtStart);
      const cpuShare = (user + system) / 1000 / tookMs;
      resolve({ requestsPerSecond: (answered * 1000) / tookMs, cpuShare, statuses });
    }, seconds * 1000);
  });
}

/** Length of the first answer, head and body; undefined while its head is not whole. Bodies have a content-length. */
function answerLength(text: string): number | undefined {
  const end = text.indexOf(HEAD_END);
  if (end < 0) return undefined;
  const head = text.slice(0, end).toLowerCase();
  const at = head.indexOf('content-length:');
  const length = at < 0 ? 0 : Number.parseInt(head.slice(at + 15), 10);
  return end + HEAD_END.length + length;
}

const result = await run(JSON.parse(process.argv[2] ?? '') as LoadOrder);
process.stdout.write(JSON.stringify(result), () => process.exit(0));
