import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { UPSTREAM_CLIENTS } from '../../../../app-plane/gateway/upstream-clients.ts';
import { until } from '../../../support/until.ts';
import { testUnlessUndici } from './differences.ts';
import { createUpstream, type Peer, send, startRawTask, withTask } from './raw-task.ts';

const MS = 60;
const MIB = 1024 * 1024;
const never = (): void => undefined;

describe.each(UPSTREAM_CLIENTS)('timeouts of the %s client', (client) => {
  testUnlessUndici(client, 'connect timeout by its own clock')(
    'for a connection fail the request and leave its body untouched',
    async () => {
      const task = await startRawTask(never);
      const upstream = await createUpstream(client, task.socketPath, { connectTimeoutMs: 20, connections: 1 });
      try {
        const body = new PassThrough();
        // The kernel connects at once, but the busy loop below keeps the gateway from noticing within the timeout.
        await new Promise(setImmediate);
        const [first, waiting] = [send(upstream, '/', { method: 'POST', body }), send(upstream, '/waiting')];
        for (const since = performance.now(); performance.now() - since < 25; );
        expect(await first.outcome()).toBe('connect-timeout');
        expect([body.destroyed, body.readableFlowing]).toEqual([false, null]);
        await until(() => task.requestLines().join() === 'GET /waiting HTTP/1.1');
        waiting.call.abort();
        await until(() => upstream.active === 0 && task.open() === 0);
      } finally {
        upstream.destroy();
        await task.close();
      }
    },
  );

  const waitForHead = async (first: string, again: string): Promise<void> => {
    const timers: NodeJS.Timeout[] = [];
    await withTask(
      client,
      ({ socket }) => {
        if (first !== '') socket.write(first);
        if (again !== '') timers.push(setInterval(() => socket.write(again), MS / 6));
      },
      { headersTimeoutMs: MS },
      async (upstream, task) => {
        const since = performance.now();
        expect(await send(upstream, '/').outcome()).toBe('headers-timeout');
        expect(performance.now() - since).toBeGreaterThanOrEqual(MS - 1);
        await until(() => task.open() === 0);
      },
    ).finally(() => timers.forEach(clearInterval));
  };

  test('for the head, while the task sends nothing', () => waitForHead('', ''));
  test('for the head, while the task sends a partial head', () => waitForHead('HTTP/1.1 200 OK\r\nA: ', 'b'));
  testUnlessUndici(client, 'headers timeout restarts with a 1xx response')(
    'for the head, while the task sends 1xx responses',
    () => waitForHead('', 'HTTP/1.1 102 Processing\r\n\r\n'),
  );

  test('for a body that stalls, but not while it is paused', () =>
    withTask(
      client,
      (peer) => void peer.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab'),
      { bodyTimeoutMs: MS },
      async (upstream, task) => {
        const paused = send(upstream, '/', {}, { onData: (piece) => String(piece) === 'ab' && paused.call.pause() });
        await until(() => task.peers.length === 1);
        for (let round = 0; round < 2; round++) expect(await send(upstream, '/').outcome()).toBe('body-timeout');
        expect(paused.received.outcome).toBeUndefined();
        task.peers[0]?.socket.write('cd');
        paused.call.resume();
        expect(await paused.outcome()).toBe('end');
        expect(paused.text()).toBe('abcd');
      },
    ));

  test('for the head do not apply while the client is slow to send its body', () =>
    withTask(
      client,
      (peer: Peer) =>
        void (peer.received.endsWith('end') && peer.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')),
      { headersTimeoutMs: MS },
      async (upstream, task) => {
        const body = new PassThrough();
        body.write('beginning');
        const slow = send(upstream, '/', { method: 'POST', body, length: 12 });
        await until(() => task.peers.length === 1);
        for (let round = 0; round < 2; round++) expect(await send(upstream, '/').outcome()).toBe('headers-timeout');
        expect(slow.received.outcome).toBeUndefined();
        body.end('end');
        expect(await slow.outcome()).toBe('end');
        expect(task.peers[0]?.received).toMatch(/beginningend$/);
      },
    ));

  test('for the head apply while the task does not read the body', () =>
    withTask(client, never, { headersTimeoutMs: MS }, async (upstream, task) => {
      const body = new PassThrough();
      const sent = send(upstream, '/', { method: 'POST', body });
      body.write('a');
      await until(() => task.peers.length === 1);
      task.peers[0]?.socket.pause();
      body.write(Buffer.alloc(2 * MIB));
      expect(await sent.outcome()).toBe('headers-timeout');
      expect(body.destroyed).toBe(true);
      task.peers[0]?.socket.resume();
    }));
});
