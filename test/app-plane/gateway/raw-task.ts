import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AnswerListener, Call, Fault } from '../../../app-plane/gateway/upstream/call.ts';
import { type RequestParts, writeRequest } from '../../../app-plane/gateway/upstream/request-writer.ts';
import { Upstream, type UpstreamLimits } from '../../../app-plane/gateway/upstream/upstream.ts';
import { poll } from './fixture.ts';

/** The task's side of a connection. */
export interface Peer {
  readonly socket: Socket;
  /** All that came, as latin1. */
  received: string;
  closed: boolean;
}

/** A task that speaks bytes, not HTTP. */
export interface RawTask {
  readonly socketPath: string;
  /** In the order of their connecting, those closed included. */
  readonly peers: Peer[];
  /** Connections that are open. */
  open(): number;
  /** Request lines so far, of all connections. */
  asked(): string[];
  close(): Promise<void>;
}

/** @param onData what the task does whenever bytes came; `asked`: the path of the request that is the last to have come */
export async function startRawTask(onData: (peer: Peer, asked: string) => void): Promise<RawTask> {
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
    asked: () => peers.flatMap(({ received }) => requestLines(received)),
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

/** What was told of an answer. */
export interface Told {
  status: number | undefined;
  headers: readonly string[];
  body: Buffer[];
  /** `end` or a fault, once there is one of them. */
  outcome: 'end' | Fault | undefined;
  cause: unknown;
}

export interface Asked {
  readonly call: Call;
  readonly told: Told;
  /** Its outcome, or an error if there is none for long. */
  outcome(): Promise<'end' | Fault>;
  text(): string;
}

/** Sends a GET of `path`, or what `parts` say. @param hooks run after it was noted what the listener was told */
export function ask(
  upstream: Upstream,
  path: string,
  parts: Partial<RequestParts> = {},
  hooks: Partial<AnswerListener> = {},
): Asked {
  const request = writeRequest({ method: 'GET', path, headers: ['host', 'x'], body: undefined, ...parts });
  if (!request) throw new Error('a request that cannot be written');
  const told: Told = { status: undefined, headers: [], body: [], outcome: undefined, cause: undefined };
  const settle = (outcome: 'end' | Fault): void => {
    if (told.outcome !== undefined) throw new Error(`${outcome} after ${told.outcome}`);
    told.outcome = outcome;
  };
  const call = upstream.send(request, {
    onHead(status, headers) {
      Object.assign(told, { status, headers });
      hooks.onHead?.(status, headers);
    },
    onData(piece) {
      told.body.push(piece);
      hooks.onData?.(piece);
    },
    onEnd() {
      settle('end');
      hooks.onEnd?.();
    },
    onFault(fault, cause) {
      settle(fault);
      told.cause = cause;
      hooks.onFault?.(fault, cause);
    },
  });
  return {
    call,
    told,
    outcome: () => poll(() => told.outcome),
    text: () => Buffer.concat(told.body).toString('latin1'),
  };
}

/** Runs with a task that answers by `onData`, and an upstream of it; asserts nothing is left under way after it. */
export async function withTask(
  onData: (peer: Peer, asked: string) => void,
  limits: UpstreamLimits,
  run: (upstream: Upstream, task: RawTask) => Promise<void>,
): Promise<void> {
  const task = await startRawTask(onData);
  const upstream = new Upstream(task.socketPath, limits);
  try {
    await run(upstream, task);
    upstream.close();
    await poll(() => (upstream.active === 0 && task.open() === 0 ? true : undefined));
  } finally {
    upstream.destroy();
    await task.close();
  }
}

/** An answer with a length, as bytes. */
export function answer(body: string, ...lines: string[]): string {
  const headers = [`Content-Length: ${body.length}`, ...lines].map((line) => `${line}\r\n`).join('');
  return `HTTP/1.1 200 OK\r\n${headers}\r\n${body}`;
}
