import { PassThrough, Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { UPSTREAM_CLIENTS } from '../../../../app-plane/gateway/upstream-clients.ts';
import { until } from '../../../support/until.ts';
import { testUnlessUndici } from './differences.ts';
import { createUpstream, type Peer, response, send, startRawTask, withTask } from './raw-task.ts';

const MIB = 1024 * 1024;

/** Responds once the bytes received end like this. */
const respondAfter =
  (end: string) =>
  (peer: Peer): void =>
    void (peer.received.endsWith(end) && peer.socket.write(response('fine')));
const never = (): void => undefined;

describe.each(UPSTREAM_CLIENTS)('the body of a request, with the %s client', (client) => {
  testUnlessUndici(client, 'own framing of the request')(
    'is framed by its kind: none, a buffer, a stream of known length, a stream in chunks',
    () =>
      withTask(
        client,
        (peer) => void (/(\r\n\r\n|-)$/.test(peer.received) && peer.socket.write(response(''))),
        {},
        async (upstream, task) => {
          const written = async (parts: Parameters<typeof send>[2]): Promise<string> => {
            const peer = task.peers[0];
            if (peer) peer.received = '';
            expect(await send(upstream, '/', parts).outcome()).toBe('end');
            return task.peers[0]?.received ?? '';
          };
          const head = (method: string, ...lines: string[]): string =>
            [`${method} / HTTP/1.1`, 'host: x', ...lines, '', ''].join('\r\n');
          const stream = (): Readable =>
            Readable.from([Buffer.from('ab'), Buffer.alloc(0), Buffer.from('0123456789c-')]);
          expect(await written({})).toBe(head('GET'));
          expect(await written({ method: 'DELETE' })).toBe(head('DELETE'));
          for (const method of ['POST', 'PUT', 'PATCH'])
            expect(await written({ method })).toBe(head(method, 'content-length: 0'));
          expect(await written({ method: 'POST', body: Buffer.from('ab-') })).toBe(
            `${head('POST', 'content-length: 3')}ab-`,
          );
          const known = { method: 'POST', body: stream(), length: 14 };
          expect(await written(known)).toBe(`${head('POST', 'content-length: 14')}ab0123456789c-`);
          const chunks = '2\r\nab\r\nc\r\n0123456789c-\r\n0\r\n\r\n';
          expect(await written({ method: 'GET', body: stream() })).toBe(
            `${head('GET', 'transfer-encoding: chunked')}${chunks}`,
          );
          expect(task.peers).toHaveLength(1);
        },
      ),
  );

  test('arrives complete, whatever its kind', () =>
    withTask(client, respondAfter('-\r\n0\r\n\r\n'), {}, async (upstream, task) => {
      const body = Readable.from([Buffer.from('ab'), Buffer.alloc(0), Buffer.from('c-')]);
      expect(await send(upstream, '/', { method: 'POST', body }).outcome()).toBe('end');
      expect(task.peers[0]?.received).toMatch(/2\r\nab\r\n2\r\nc-\r\n0\r\n\r\n$/);
    }));

  test('is read no faster than the task reads it, and arrives complete', () =>
    withTask(client, respondAfter('end'), {}, async (upstream, task) => {
      let read = 0;
      const body = new Readable({
        read() {
          read += 1;
          if (read > 128) this.push(null);
          else this.push(read === 128 ? Buffer.from('end') : Buffer.alloc(64 * 1024, read));
        },
      });
      const sent = send(upstream, '/', { method: 'POST', body, length: 127 * 64 * 1024 + 3 });
      await until(() => task.peers.length === 1);
      task.peers[0]?.socket.pause();
      let before = -1;
      // Reading stops when every buffer on the way is full.
      await until(() => {
        const stopped = read > 0 && before === read;
        before = read;
        return stopped;
      });
      expect(read).toBeLessThan(64);
      task.peers[0]?.socket.resume();
      expect(await sent.outcome()).toBe('end');
      const [, received = ''] = task.peers[0]?.received.split('\r\n\r\n') ?? [];
      const expected = Array.from({ length: 127 }, (_, i) => String.fromCharCode(i + 1).repeat(64 * 1024)).join('');
      expect(received === `${expected}end`).toBe(true);
    }));

  test('is destroyed if the response arrives before its end, and the connection is not used again', () =>
    withTask(
      client,
      (peer, path) => void peer.socket.write(response(path)),
      { connections: 1 },
      async (upstream, task) => {
        const body = new PassThrough();
        body.write('the beginning');
        const early = send(upstream, '/early', { method: 'POST', body, length: 100 });
        const next = send(upstream, '/next');
        expect(await early.outcome()).toBe('end');
        expect(early.text()).toBe('/early');
        await until(() => body.destroyed);
        expect(await next.outcome()).toBe('end');
        expect(task.peers.map(({ received }) => received.split(' ')[1])).toEqual(['/early', '/next']);
      },
    ));

  test('that fails makes the request fail with its cause, and the task receives no end of the body', () =>
    withTask(client, never, {}, async (upstream, task) => {
      for (const [before, length] of [100, undefined].entries()) {
        const body = new PassThrough();
        body.write('the beginning');
        const sent = send(upstream, '/', { method: 'POST', body, length });
        await until(() => task.peers[before]?.received.includes('beginning') === true);
        const cause = new Error('of the client');
        body.destroy(cause);
        expect(await sent.outcome()).toBe('request-body');
        expect(sent.received.cause).toBe(cause);
        await until(() => task.open() === 0);
        expect(task.peers.at(-1)?.received).not.toMatch(/0\r\n\r\n$/);
      }
    }));

  test('fails the request if it closes before its end, or failed while it waited', () =>
    withTask(client, never, { connections: 1 }, async (upstream, task) => {
      const closing = new PassThrough();
      closing.write('a');
      const closed = send(upstream, '/', { method: 'POST', body: closing, length: 100 });
      const failing = new PassThrough();
      const failed = send(upstream, '/waiting', { method: 'POST', body: failing });
      await until(() => task.requestLines().length === 1);
      const cause = new Error('while it waited');
      failing.destroy(cause);
      await until(() => failing.closed);
      closing.destroy();
      expect([await closed.outcome(), await failed.outcome()]).toEqual(['request-body', 'request-body']);
      expect(failed.received.cause).toBe(cause);
    }));

  test.each([
    ['longer', 'abcdefgh'],
    ['shorter', 'ab'],
  ])('SE-1: that is %s than declared reaches no other request', (_what, text) =>
    withTask(client, respondAfter('never'), { connections: 1 }, async (upstream, task) => {
      const sent = send(upstream, '/', { method: 'POST', body: Readable.from([Buffer.from(text)]), length: 5 });
      expect(await sent.outcome()).toBe('request-body');
      await until(() => task.open() === 0);
      expect(task.peers[0]?.received ?? '').not.toContain('f');
    }),
  );

  test('is untouched if there is no connection, so that it can be sent to another task', async () => {
    const gone = await startRawTask(never);
    await gone.close();
    const unreachable = await createUpstream(client, gone.socketPath, {});
    const body = new PassThrough();
    body.end('all of it');
    const parts = { method: 'POST', body, length: 9 };
    expect(await send(unreachable, '/', parts).outcome()).toBe('unreachable');
    unreachable.destroy();
    expect([body.destroyed, body.readableLength, body.readableFlowing]).toEqual([false, 9, null]);
    await withTask(client, respondAfter('all of it'), {}, async (upstream) => {
      expect(await send(upstream, '/', parts).outcome()).toBe('end');
    });
  });
});

describe.each(UPSTREAM_CLIENTS)('a response larger than its reader accepts, with the %s client', (client) => {
  const BODY = Buffer.alloc(8 * MIB, 'tierplane');

  test('waits in the task while it is paused, and arrives complete', () =>
    withTask(
      client,
      ({ socket }) => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n`);
        socket.write(BODY);
      },
      {},
      async (upstream, task) => {
        const sent = send(upstream, '/', {}, { onData: () => sent.call.pause() });
        const received = (): number => sent.received.body.reduce((sum, { length }) => sum + length, 0);
        await until(() => received() > 0);
        const few = received();
        expect(few).toBeLessThan(128 * 1024);
        // By the time another request has its response, more would have arrived.
        const other = send(upstream, '/', {}, { onHead: () => other.call.abort() });
        await until(() => other.received.status === 200);
        expect(received()).toBe(few);
        expect(task.peers[0]?.socket.writableLength).toBeGreaterThan(4 * MIB);
        await until(() => {
          sent.call.resume();
          return sent.received.outcome;
        });
        expect(sent.received.outcome).toBe('end');
        expect(Buffer.compare(Buffer.concat(sent.received.body), BODY)).toBe(0);
      },
    ));

  testUnlessUndici(client, 'a paused response ends after it is resumed')(
    'ends while it is paused, and does not stop the next one',
    () =>
      withTask(
        client,
        (peer, path) => void peer.socket.write(response(path)),
        { connections: 1 },
        async (upstream, task) => {
          for (let round = 0; round < 3; round++) {
            const paused = send(upstream, '/paused', {}, { onData: () => paused.call.pause() });
            const next = send(upstream, '/next');
            expect([await paused.outcome(), await next.outcome()]).toEqual(['end', 'end']);
            paused.call.resume();
          }
          expect(task.peers).toHaveLength(1);
        },
      ),
  );

  test('can be paused before there is a connection, and aborted while it is paused', () =>
    withTask(
      client,
      ({ socket }) => void socket.write(response('fine')),
      {},
      async (upstream, task) => {
        const early = send(upstream, '/');
        early.call.pause();
        await until(() => task.requestLines().length === 1);
        early.call.resume();
        expect(await early.outcome()).toBe('end');
        const aborted = send(upstream, '/', {}, { onHead: () => aborted.call.pause() });
        await until(() => aborted.received.status === 200);
        aborted.call.abort();
        await until(() => task.open() === 0);
        expect(upstream.active).toBe(0);
      },
    ));
});
