import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRequest, type RequestParts } from '../../../../app-plane/gateway/upstream/request.ts';
import type {
  ResponseListener,
  Upstream,
  UpstreamCall,
  UpstreamFailure,
  UpstreamLimits,
} from '../../../../app-plane/gateway/upstream/upstream.ts';
import { loadUpstreamClient, type UpstreamClient } from '../../../../app-plane/gateway/upstream-clients.ts';
import { until } from '../../../support/until.ts';

/** The task's side of a connection. */
export interface Peer {
  readonly socket: Socket;
  /** Everything received, as latin1. */
  received: string;
  closed: boolean;
}

/** A task that sends bytes of the test's choice, whether they are HTTP or not. */
export interface RawTask {
  readonly socketPath: string;
  /** In the order in which they connected, with those that are closed. */
  readonly peers: Peer[];
  /** Number of open connections. */
  open(): number;
  /** Request lines received so far, of all connections. */
  requestLines(): string[];
  close(): Promise<void>;
}

/** What a task does when bytes arrive. `path` is that of the last request received. */
export type OnData = (peer: Peer, path: string) => void;

export async function startRawTask(onData: OnData): Promise<RawTask> {
  const dir = mkdtempSync(join(tmpdir(), 'up-'));
  const socketPath = join(dir, 'task.sock');
  const peers: Peer[] = [];
  const server = createServer((socket) => {
    const peer: Peer = { socket, received: '', closed: false };
    peers.push(peer);
    socket.setEncoding('latin1');
    socket.on('error', () => undefined);
    socket.on('close', () => {
      peer.closed = true;
    });
    socket.on('data', (text) => {
      peer.received += text;
      onData(peer, requestLines(peer.received).at(-1)?.split(' ')[1] ?? '');
    });
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return {
    socketPath,
    peers,
    open: () => peers.filter(({ closed }) => !closed).length,
    requestLines: () => peers.flatMap(({ received }) => requestLines(received)),
    async close() {
      for (const { socket } of peers) socket.destroy();
      if (server.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function requestLines(received: string): string[] {
  return received.match(/^[A-Z]+ \S+ HTTP\/1\.1(?=\r\n)/gm) ?? [];
}

/** What the listener of a request received. */
export interface Received {
  status: number | undefined;
  headers: readonly string[];
  body: Buffer[];
  /** `end` or a failure. Undefined while the request is in progress, and after it was aborted. */
  outcome: 'end' | UpstreamFailure | undefined;
  cause: unknown;
}

export interface SentRequest {
  readonly call: UpstreamCall;
  readonly received: Received;
  /** Waits for the outcome. Rejects if there is none for ten seconds. */
  outcome(): Promise<'end' | UpstreamFailure>;
  /** The body received so far. */
  text(): string;
}

/** Sends a GET of `path`, changed by `parts`. @param hooks called after the listener has recorded the event */
export function send(
  upstream: Upstream,
  path: string,
  parts: Partial<RequestParts> = {},
  hooks: Partial<ResponseListener> = {},
): SentRequest {
  const request = createRequest({ method: 'GET', path, headers: ['host', 'x'], body: undefined, ...parts });
  if (!request) throw new Error('the request cannot be written');
  const received: Received = { status: undefined, headers: [], body: [], outcome: undefined, cause: undefined };
  const finish = (outcome: 'end' | UpstreamFailure): void => {
    if (received.outcome !== undefined) throw new Error(`${outcome} after ${received.outcome}`);
    received.outcome = outcome;
  };
  const call = upstream.send(request, {
    onHead(status, headers) {
      Object.assign(received, { status, headers });
      hooks.onHead?.(status, headers);
    },
    onData(piece) {
      received.body.push(piece);
      hooks.onData?.(piece);
    },
    onEnd() {
      finish('end');
      hooks.onEnd?.();
    },
    onFailure(failure, cause) {
      finish(failure);
      received.cause = cause;
      hooks.onFailure?.(failure, cause);
    },
  });
  return {
    call,
    received,
    outcome: () => until(() => received.outcome),
    text: () => Buffer.concat(received.body).toString('latin1'),
  };
}

/** Runs with a task and an upstream client of it. Fails if a request or connection is left afterwards. */
export async function withTask(
  client: UpstreamClient,
  onData: OnData,
  limits: UpstreamLimits,
  run: (upstream: Upstream, task: RawTask) => Promise<void>,
): Promise<void> {
  const task = await startRawTask(onData);
  const upstream = await createUpstream(client, task.socketPath, limits);
  try {
    await run(upstream, task);
    upstream.close();
    await until(() => upstream.active === 0 && task.open() === 0);
  } finally {
    upstream.destroy();
    await task.close();
  }
}

export async function createUpstream(
  client: UpstreamClient,
  socketPath: string,
  limits: UpstreamLimits,
): Promise<Upstream> {
  const create = await loadUpstreamClient(client);
  return create(socketPath, limits);
}

/** A response with Content-Length, as bytes. */
export function response(body: string, ...lines: string[]): string {
  const headers = [`Content-Length: ${body.length}`, ...lines].map((line) => `${line}\r\n`).join('');
  return `HTTP/1.1 200 OK\r\n${headers}\r\n${body}`;
}
