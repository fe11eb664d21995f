import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';

/** The address where Node opens its inspector on SIGUSR1. Only one process at a time can have it. */
const INSPECTOR = 'http://127.0.0.1:9229/json';
const TIMEOUT_MS = 5_000;
const POLL_MS = 50;

/**
 * Makes a Node process collect all garbage, through its inspector, so that its memory is what it retains.
 * @throws if the process does not open its inspector or respond within 5 s, or if another process uses the inspector's port
 */
export async function collectGarbage(pid: number): Promise<void> {
  process.kill(pid, 'SIGUSR1');
  const socket = new WebSocket(await inspectorUrl());
  await once(socket, 'open', timeout());
  const found = await command(socket, 'Runtime.evaluate', { expression: 'process.pid' });
  if (found.result?.value !== pid)
    throw new Error(`${INSPECTOR} belongs to another process than ${pid}; end it to free the port`);
  await command(socket, 'HeapProfiler.collectGarbage');
  // Closing the inspector also closes this connection, so there is no response.
  const closed = once(socket, 'close', timeout());
  send(socket, 'Runtime.evaluate', { expression: "process.getBuiltinModule('node:inspector').close()" });
  await closed;
}

async function inspectorUrl(): Promise<string> {
  const deadline = performance.now() + TIMEOUT_MS;
  while (performance.now() < deadline) {
    try {
      const targets = (await (await fetch(INSPECTOR)).json()) as { webSocketDebuggerUrl: string }[];
      if (targets[0]) return targets[0].webSocketDebuggerUrl;
    } catch {
      // The inspector is not open yet.
    }
    await wait(POLL_MS);
  }
  throw new Error(`no inspector on ${INSPECTOR} within ${TIMEOUT_MS} ms`);
}

interface Result {
  readonly result?: { readonly value?: unknown };
}

/** Sends one command at a time, so the next message is its response. */
async function command(socket: WebSocket, method: string, params?: object): Promise<Result> {
  const response = once(socket, 'message', timeout());
  send(socket, method, params);
  const [{ data }] = (await response) as [{ data: string }];
  return (JSON.parse(data) as { result: Result }).result;
}

/** A failing socket emits another event than the awaited one, so every wait has a time limit. */
function timeout() {
  return { signal: AbortSignal.timeout(TIMEOUT_MS) };
}

function send(socket: WebSocket, method: string, params: object = {}): void {
  socket.send(JSON.stringify({ id: 1, method, params }));
}
