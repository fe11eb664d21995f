import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { UPSTREAM_CLIENTS } from '../../../../app-plane/gateway/upstream-clients.ts';
import { until } from '../../../support/until.ts';
import { createUpstream, type Peer, response, send, startRawTask, withTask } from './raw-task.ts';

/** Responds to each request with its path. */
const echoPath = (peer: Peer, path: string): void => void peer.socket.write(response(path));

describe.each(UPSTREAM_CLIENTS)('a failing task, with the %s client', (client) => {
  test.each([
    ['before the response', ''],
    ['in the head', 'HTTP/1.1 200 OK\r\nContent-'],
    ['in a body with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab'],
    ['in a chunked body', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n'],
  ])('that disconnects %s fails the request, and the next one is served', (_where, part) =>
    withTask(
      client,
      (peer, path) => void (path === '/bad' ? peer.socket.end(part) : peer.socket.write(response(path))),
      { connections: 1 },
      async (upstream) => {
        const [bad, next] = [send(upstream, '/bad'), send(upstream, '/next')];
        expect(await bad.outcome()).toBe('disconnected');
        expect(bad.text()).toBe(part.includes('ab') ? 'ab' : '');
        expect(await next.outcome()).toBe('end');
        expect(next.text()).toBe('/next');
      },
    ),
  );

  test('that sends a malformed response fails the request with the cause, and the connection is not used again', () =>
    withTask(
      client,
      (peer, path) => void peer.socket.write(path === '/bad' ? 'HTTP/1.1 OK\r\n\r\n' : response(path)),
      { connections: 1 },
      async (upstream, task) => {
        const [bad, next] = [send(upstream, '/bad'), send(upstream, '/next')];
        expect([await bad.outcome(), await next.outcome()]).toEqual(['malformed-response', 'end']);
        expect(bad.received.cause).toBeInstanceOf(Error);
        expect(task.peers).toHaveLength(2);
      },
    ));

  test('that ends a response by closing the connection has sent all of it', () =>
    withTask(
      client,
      (peer) => void peer.socket.end('HTTP/1.1 200 OK\r\n\r\nall of it'),
      {},
      async (upstream, task) => {
        const [one, other] = [send(upstream, '/'), send(upstream, '/')];
        expect([await one.outcome(), await other.outcome()]).toEqual(['end', 'end']);
        expect([one.text(), other.text()]).toEqual(['all of it', 'all of it']);
        expect(task.peers).toHaveLength(2);
      },
    ));

  test('is not affected by a listener that throws, which fails its own request only', () =>
    withTask(client, echoPath, { connections: 1 }, async (upstream) => {
      const throwing = (): never => {
        throw new Error('of the listener');
      };
      const bad = send(upstream, '/bad', {}, { onHead: throwing });
      const next = send(upstream, '/next');
      expect([await bad.outcome(), await next.outcome()]).toEqual(['malformed-response', 'end']);
    }));

  test('that does not exist is unreachable, and the listener is notified after send has returned', async () => {
    const task = await startRawTask(() => undefined);
    await task.close();
    const upstream = await createUpstream(client, task.socketPath, { connections: 1 });
    const [first, second, third] = [send(upstream, '/a'), send(upstream, '/b'), send(upstream, '/c')];
    second.call.abort();
    expect([first, second, third].map(({ received }) => received.outcome)).toEqual([undefined, undefined, undefined]);
    expect([await first.outcome(), await third.outcome()]).toEqual(['unreachable', 'unreachable']);
    expect(upstream.active).toBe(0);
    upstream.destroy();
  });
});

describe.each(UPSTREAM_CLIENTS)('the end of the %s client', (client) => {
  const held = (peer: Peer, path: string): void => void (path !== '/held' && peer.socket.write(response(path)));

  test('close() finishes requests, serves later ones, and leaves no connection', () =>
    withTask(client, held, { connections: 2 }, async (upstream, task) => {
      await Promise.all([send(upstream, '/a').outcome(), send(upstream, '/b').outcome()]);
      const one = send(upstream, '/held');
      send(upstream, '/held');
      send(upstream, '/waiting');
      await until(() => task.requestLines().length === 4);
      upstream.close();
      for (const { socket } of task.peers) socket.write(response('late'));
      expect(await one.outcome()).toBe('end');
      expect(await send(upstream, '/after').outcome()).toBe('end');
      await until(() => upstream.active === 0 && task.open() === 0);
    }));

  test('close() closes idle connections at once', () =>
    withTask(client, held, {}, async (upstream, task) => {
      await Promise.all(['/a', '/b', '/c'].map((path) => send(upstream, path).outcome()));
      upstream.close();
      await until(() => task.open() === 0);
    }));

  test('destroy() fails every request at once; later ones fail after send has returned', () =>
    withTask(client, held, { connections: 2 }, async (upstream, task) => {
      const all = ['/held', '/held', '/waiting', '/waiting'].map((path) => send(upstream, path));
      await until(() => task.requestLines().length === 2);
      upstream.destroy();
      expect(all.map(({ received }) => received.outcome)).toEqual([
        'disconnected',
        'disconnected',
        'unreachable',
        'unreachable',
      ]);
      expect(upstream.active).toBe(0);
      await until(() => task.open() === 0);
      // The task directory may close it once more.
      upstream.close();
      const after = send(upstream, '/after');
      expect(after.received.outcome).toBeUndefined();
      expect(await after.outcome()).toBe('unreachable');
      const aborted = send(upstream, '/after');
      aborted.call.abort();
      expect(await send(upstream, '/after').outcome()).toBe('unreachable');
      expect(aborted.received.outcome).toBeUndefined();
      expect(task.requestLines()).toHaveLength(2);
    }));

  test('destroy() leaves no connection, even if failed requests are sent again at once', () =>
    withTask(client, held, { connections: 2 }, async (upstream, task) => {
      let failedAgain = 0;
      const resend = (): void => void send(upstream, '/again', {}, { onFailure: () => (failedAgain += 1) });
      for (const path of ['/held', '/held', '/waiting']) send(upstream, path, {}, { onFailure: resend });
      await until(() => task.requestLines().length === 2);
      upstream.destroy();
      await until(() => failedAgain === 3 && task.open() === 0);
      expect(task.peers).toHaveLength(2);
    }));
});

/** How a task responds to one request, and when the client aborts it. */
interface Scripted {
  readonly abort: 'never' | 'at once' | 'at the head';
  readonly size: number;
  readonly how: 'length' | 'chunks' | 'close' | 'malformed' | 'too much';
  readonly cuts: readonly number[];
}

const scripted: fc.Arbitrary<Scripted> = fc.record({
  abort: fc.constantFrom('never', 'never', 'never', 'at once', 'at the head'),
  size: fc.integer({ min: 0, max: 400 }),
  how: fc.constantFrom('length', 'chunks', 'close', 'malformed', 'too much'),
  cuts: fc.array(fc.nat(600), { maxLength: 3 }),
});

function bytesOf({ size, how }: Scripted, i: number): string {
  const body = `<${i}>`.repeat(size);
  const chunk = body && `${body.length.toString(16)}\r\n${body}\r\n`;
  if (how === 'chunks') return `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}0\r\n\r\n`;
  if (how === 'close') return response(body, 'Connection: close');
  if (how === 'malformed') return `HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\n${body}`;
  return response(body) + (how === 'too much' ? response(body) : '');
}

/** Writes the bytes in pieces. Bytes beyond a response come with its end: later they would be the next response. */
function writeInPieces(peer: Peer, bytes: string, { how, cuts }: Scripted): void {
  const places = how === 'too much' ? [] : cuts.map((place) => place % bytes.length).sort((a, b) => a - b);
  const ends = [...places, bytes.length];
  const next = (i: number, from: number): void => {
    const end = ends[i];
    if (end === undefined || peer.closed) return;
    peer.socket.write(bytes.slice(from, end), 'latin1', () => setImmediate(next, i + 1, end));
  };
  next(0, 0);
}

const NOTHING: Scripted = { abort: 'never', size: 0, how: 'length', cuts: [] };

test.each(UPSTREAM_CLIENTS)(
  'SE-1: with the %s client each request gets its own response or none, however the task splits its bytes',
  async (client) => {
    await fc.assert(
      fc.asyncProperty(fc.array(scripted, { minLength: 1, maxLength: 12 }), async (all) => {
        const respond = (peer: Peer, path: string): void => {
          const i = Number(path.slice(1));
          writeInPieces(peer, bytesOf(all[i] ?? NOTHING, i), all[i] ?? NOTHING);
        };
        await withTask(client, respond, { connections: 3 }, async (upstream) => {
          const sent = all.map(({ abort }, i) => {
            const one = send(upstream, `/${i}`, {}, { onHead: () => abort === 'at the head' && one.call.abort() });
            if (abort === 'at once') one.call.abort();
            return one;
          });
          await until(() => upstream.active === 0);
          for (const [i, one] of sent.entries()) {
            const { size, how, abort } = all[i] ?? NOTHING;
            const body = `<${i}>`.repeat(size);
            expect(body.startsWith(one.text())).toBe(true);
            if (abort === 'never' && how !== 'malformed' && how !== 'too much')
              expect(one.received.outcome).toBe('end');
            if (one.received.outcome === 'end') expect(one.text()).toBe(body);
          }
        });
      }),
      { numRuns: 40 },
    );
  },
);
