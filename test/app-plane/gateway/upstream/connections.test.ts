import { describe, expect, test } from '@jest/globals';
import { UPSTREAM_CLIENTS } from '../../../../app-plane/gateway/upstream-clients.ts';
import { until } from '../../../support/until.ts';
import { testUnlessUndici } from './differences.ts';
import { type Peer, response, send, withTask } from './raw-task.ts';

/** Responds to each request with its path. */
const echoPath = (peer: Peer, path: string): void => void peer.socket.write(response(path));
const never = (): void => undefined;

describe.each(UPSTREAM_CLIENTS)('connections of the %s client', (client) => {
  test('are used again', () =>
    withTask(client, echoPath, {}, async (upstream, task) => {
      for (const path of ['/a', '/b', '/c']) {
        const sent = send(upstream, path);
        expect(upstream.active).toBe(1);
        expect(await sent.outcome()).toBe('end');
        expect(sent.text()).toBe(path);
        expect(upstream.active).toBe(0);
      }
      expect(task.peers).toHaveLength(1);
    }));

  test('do not exceed the limit; further requests wait and are served in order', () =>
    withTask(client, never, { connections: 2 }, async (upstream, task) => {
      const paths = Array.from({ length: 6 }, (_, i) => `/${i}`);
      const sent = paths.map((path) => send(upstream, path));
      expect(upstream.active).toBe(6);
      for (let round = 1; round <= 3; round++) {
        await until(() => task.requestLines().length === 2 * round);
        for (const { socket, received } of task.peers) {
          socket.write(response(received.match(/.*\/(\d) HTTP/s)?.[1] ?? ''));
        }
      }
      expect(await Promise.all(sent.map((one) => one.outcome()))).toEqual(paths.map(() => 'end'));
      expect(sent.map((one) => `/${one.text()}`)).toEqual(paths);
      expect(task.peers).toHaveLength(2);
    }));

  test('are closed after Connection: close, and after a Keep-Alive timeout that leaves no time', () =>
    withTask(
      client,
      (peer, path) =>
        void peer.socket.write(response('', path === '/close' ? 'Connection: close' : 'Keep-Alive: timeout=1')),
      {},
      async (upstream, task) => {
        for (const path of ['/close', '/hint', '/close']) expect(await send(upstream, path).outcome()).toBe('end');
        await until(() => task.open() === 0);
        expect(task.peers).toHaveLength(3);
      },
    ));

  test('are closed one second before the task would close them', () =>
    withTask(
      client,
      (peer) => void peer.socket.write(response('', 'Keep-Alive: timeout=2')),
      { headersTimeoutMs: 500 },
      async (upstream, task) => {
        await send(upstream, '/').outcome();
        const since = performance.now();
        await until(() => task.open() === 0);
        expect(performance.now() - since).toBeGreaterThan(900);
        expect(performance.now() - since).toBeLessThan(1_900);
      },
    ));

  test('that the task closed while they were idle are not used again', () =>
    withTask(client, echoPath, {}, async (upstream, task) => {
      await send(upstream, '/a').outcome();
      task.peers[0]?.socket.end();
      await until(() => task.open() === 0);
      expect(await send(upstream, '/b').outcome()).toBe('end');
      expect(task.peers[1]?.received).toMatch(/^GET \/b /);
    }));

  test('SE-1: are closed when a response arrives without a request', () =>
    withTask(client, echoPath, {}, async (upstream, task) => {
      await send(upstream, '/a').outcome();
      task.peers[0]?.socket.write(response("/another tenant's"));
      await until(() => task.open() === 0);
      const sent = send(upstream, '/b');
      expect(await sent.outcome()).toBe('end');
      expect(sent.text()).toBe('/b');
    }));

  testUnlessUndici(client, 'closes after a long read')(
    'SE-1: are closed after a read so long that more of the same write may follow',
    () =>
      withTask(
        client,
        (peer, path) => void peer.socket.write(response('x'.repeat(Number(path.slice(1))))),
        {},
        async (upstream, task) => {
          for (const length of [30_000, 30_000, 36_500])
            expect(await send(upstream, `/${length}`).outcome()).toBe('end');
          expect(task.peers).toHaveLength(1);
          await until(() => task.open() === 0);
        },
      ),
  );

  test('SE-1: never pass bytes that follow a response to the next request', async () => {
    const forged = response("/another tenant's");
    // The longer responses fill the gateway's buffer of 64 KiB, so that the forged one is still to be read.
    for (const spare of [0, 1, 7]) {
      const head = 'HTTP/1.1 200 OK\r\nContent-Length: 65000\r\nA: \r\n\r\n'.length;
      const filled = response('x'.repeat(65_000), `A: ${'y'.repeat(64 * 1024 - 65_000 - head - spare)}`);
      for (const first of [response('12345'), filled]) {
        await withTask(
          client,
          (peer, path) => void peer.socket.write(path === '/bad' ? first + forged : response(path)),
          { connections: 1 },
          async (upstream) => {
            const bad = send(upstream, '/bad');
            const next = send(upstream, '/next');
            expect(['end', 'malformed-response']).toContain(await bad.outcome());
            expect(await next.outcome()).toBe('end');
            expect(next.text()).toBe('/next');
          },
        );
      }
    }
  });
});

describe.each(UPSTREAM_CLIENTS)('an aborted request of the %s client', (client) => {
  test('is never sent if it was waiting', () =>
    withTask(client, never, { connections: 1 }, async (upstream, task) => {
      const [first, second, third] = ['/a', '/b', '/c'].map((path) => send(upstream, path));
      second?.call.abort();
      second?.call.abort();
      expect(upstream.active).toBe(2);
      for (const path of ['/a', '/c']) {
        await until(() => task.requestLines().at(-1)?.includes(path) === true);
        task.peers.at(-1)?.socket.write(response(path));
      }
      expect(await third?.outcome()).toBe('end');
      expect(first?.received.outcome).toBe('end');
      expect(second?.received.outcome).toBeUndefined();
      expect(task.requestLines().join()).not.toContain('/b');
    }));

  test('closes its own connection only, and makes room for a waiting request', () =>
    withTask(
      client,
      (peer, path) => void (path !== '/held' && peer.socket.write(response(path))),
      { connections: 2 },
      async (upstream, task) => {
        const held = [send(upstream, '/held'), send(upstream, '/held')];
        const waiting = send(upstream, '/waiting');
        await until(() => task.requestLines().length === 2);
        held[0]?.call.abort();
        expect(upstream.active).toBe(2);
        expect(await waiting.outcome()).toBe('end');
        const [first, second] = task.peers;
        await until(() => first?.closed === true || second?.closed === true);
        expect(task.open()).toBe(2);
        for (const { closed, socket } of task.peers) if (!closed) socket.write(response('late'));
        expect(await held[1]?.outcome()).toBe('end');
        expect(held[0]?.received).toMatchObject({ status: undefined, outcome: undefined });
      },
    ));

  test('notifies its listener of nothing more, even if the listener itself aborts', () =>
    withTask(
      client,
      (peer) =>
        void peer.socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n'),
      {},
      async (upstream, task) => {
        const atHead = send(upstream, '/', {}, { onHead: () => atHead.call.abort() });
        await until(() => atHead.received.status === 200);
        expect(upstream.active).toBe(0);
        let pieces = 0;
        const onData = (): void => {
          pieces += 1;
          atData.call.abort();
        };
        const atData = send(upstream, '/', {}, { onData });
        await until(() => atData.received.body.length > 0);
        await until(() => task.peers.length === 2 && task.open() === 0);
        expect([atHead.text(), pieces]).toEqual(['', 1]);
        expect([atHead.received.outcome, atData.received.outcome]).toEqual([undefined, undefined]);
      },
    ));

  test('does not affect another request if it had ended before', () =>
    withTask(
      client,
      (peer, path) => void (path !== '/held' && peer.socket.write(response(path))),
      { connections: 1 },
      async (upstream, task) => {
        const ended = send(upstream, '/ended');
        await ended.outcome();
        const held = send(upstream, '/held');
        await until(() => task.requestLines().length === 2);
        ended.call.pause();
        ended.call.abort();
        task.peers[0]?.socket.write(response('late'));
        expect(await held.outcome()).toBe('end');
      },
    ));
});
