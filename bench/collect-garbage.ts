import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';

/** Where Node opens its inspector on SIGUSR1; one process at a time can. */
const INSPECTOR = 'http://127.0.0.1:9229/json';
const PATIENCE_MS = 5_000;
const LOOK_EVERY_MS = 50;

/**
 * Has a Node process collect all its garbage, by its inspector, so that what it takes is what it keeps.
 * Throws if it does not open its inspector or answer within 5 s, or another process has the inspector's port.
 */
export async function collectGarbage(pid: number): Promise<void> {
  process.kill(pid, 'SIGUSR1');
  const socket = new WebSocket(await inspectorUrl());
  await once(socket, 'open', patience());
  const found = await ask(socket, 'Runtime.evaluate', { expression: 'process.pid' });
  if (found.result?.value !== pid) throw new Error(`${INSPECTOR} is not process ${pid}: free its port`);
  await ask(socket, 'HeapProfiler.collectGarbage');
  // Closing it ends this connection too, so no answer comes.
  const closed = once(socket, 'close', patience());
  send(socket, 'Runtime.evaluate', { expression: "process.getBuiltinModule('node:inspector').close()" });
  await closed;
}

async function inspectorUrl(): Promise<string> {
  const deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline) {
    try {
      const targets = (await (await fetch(INSPECTOR)).json()) as { webSocketDebuggerUrl: string }[];
      if (targets[0]) return targets[0].webSocketDebuggerUrl;
    } catch {
      // It is not open yet.
    }
    await wait(LOOK_EVERY_MS);
  }
  throw new Error(`no inspector opened on ${INSPECTOR}`);
}

interface Answer {
  readonly result?: { readonly value?: unknown };
}

/** One question at a time, so that what comes next is its answer. */
async function ask(socket: WebSocket, method: string, params?: object): Promise<Answer> {
  const answered = once(socket, 'message', patience());
  send(socket, method, params);
  const [{ data }] = (await answered) as [{ data: string }];
  return (JSON.parse(data) as { result: Answer }).result;
}

/** A socket that fails says so by an event of its own, which nobody waits for. */
function patience() {
  return { signal: AbortSignal.timeout(PATIENCE_MS) };
}

function send(socket: WebSocket, method: string, params: object = {}): void {
  socket.send(JSON.stringify({ id: 1, method, params }));
}
