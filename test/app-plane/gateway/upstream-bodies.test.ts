import { PassThrough, Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { writeRequest } from '../../../app-plane/gateway/upstream/request-writer.ts';
import { Upstream } from '../../../app-plane/gateway/upstream/upstream.ts';
import { poll } from './fixture.ts';
import { answer, ask, type Peer, startRawTask, withTask } from './raw-task.ts';

const until = (condition: () => boolean): Promise<true> => poll(() => (condition() ? true : undefined));
const MIB = 1024 * 1024;

/** Answers once what came ends like this. */
const answerAfter =
  (end: string) =>
  (peer: Peer): void =>
    void (peer.received.endsWith(end) && peer.socket.write(answer('fine')));
const never = (): void => undefined;

describe('the body of a request', () => {
  test('is framed as it is: none, in memory, of a known length, in chunks', () =>
    withTask(
      (peer) => void (/(\r\n\r\n|-)$/.test(peer.received) && peer.socket.write(answer(''))),
      {},
      async (upstream, task) => {
        const sent = async (parts: Parameters<typeof ask>[2]): Promise<string> => {
          const peer = task.peers[0];
          if (peer) peer.received = '';
          expect(await ask(upstream, '/', parts).outcome()).toBe('end');
          return task.peers[0]?.received ?? '';
        };
        const head = (method: string, ...lines: string[]): string =>
          [`${method} / HTTP/1.1`, 'host: x', ...lines, '', ''].join('\r\n');
        const pieces = (): Readable => Readable.from([Buffer.from('ab'), Buffer.alloc(0), Buffer.from('0123456789c-')]);
        expect(await sent({})).toBe(head('GET'));
        expect(await sent({ method: 'DELETE' })).toBe(head('DELETE'));
        for (const method of ['POST', 'PUT', 'PATCH']) {
          expect(await sent({ method })).toBe(head(method, 'content-length: 0'));
        }
        expect(await sent({ method: 'POST', body: Buffer.from('ab-') })).toBe(
          `${head('POST', 'content-length: 3')}ab-`,
        );
        const known = { method: 'POST', body: pieces(), length: 14 };
        expect(await sent(known)).toBe(`${head('POST', 'content-length: 14')}ab0123456789c-`);
        const chunks = '2\r\nab\r\nc\r\n0123456789c-\r\n0\r\n\r\n';
        expect(await sent({ method: 'GET', body: pieces() })).toBe(
          `${head('GET', 'transfer-encoding: chunked')}${chunks}`,
        );
        expect(task.peers).toHaveLength(1);
      },
    ));

  test('is read no faster than the task takes it, and arrives whole', () =>
    withTask(answerAfter('end'), {}, async (upstream, task) => {
      let read = 0;
      const body = new Readable({
        read() {
          read += 1;
          if (read > 128) this.push(null);
          else this.push(read === 128 ? Buffer.from('end') : Buffer.alloc(64 * 1024, read));
        },
      });
      const asked = ask(upstream, '/', { method: 'POST', body, length: 127 * 64 * 1024 + 3 });
      await until(() => task.peers.length === 1);
      task.peers[0]?.socket.pause();
      let before = -1;
      // It comes to a stand when every buffer on the way is full.
      await poll(() => {
        const stands = read > 0 && before === read;
        before = read;
        return stands ? true : undefined;
      });
      expect(read).toBeLessThan(64);
      task.peers[0]?.socket.resume();
      expect(await asked.outcome()).toBe('end');
      const [, sent = ''] = task.peers[0]?.received.split('\r\n\r\n') ?? [];
      const wanted = Array.from({ length: 127 }, (_, i) => String.fromCharCode(i + 1).repeat(64 * 1024)).join('');
      expect(sent === `${wanted}end`).toBe(true);
    }));

  test('that is answered before its end: the answer arrives, the body is let go of, the connection not used again', () =>
    withTask(
      (peer, asked) => void peer.socket.write(answer(asked)),
      { connections: 1 },
      async (upstream, task) => {
        const body = new PassThrough();
        body.write('the beginning');
        const early = ask(upstream, '/early', { method: 'POST', body, length: 100 });
        const next = ask(upstream, '/next');
        expect(await early.outcome()).toBe('end');
        expect(early.text()).toBe('/early');
        expect(body.destroyed).toBe(true);
        expect(await next.outcome()).toBe('end');
        expect(task.peers.map(({ received }) => received.split(' ')[1])).toEqual(['/early', '/next']);
      },
    ));

  test('that fails: its cause is told, and the task sees no end of it', () =>
    withTask(never, {}, async (upstream, task) => {
      for (const [before, length] of [100, undefined].entries()) {
        const body = new PassThrough();
        body.write('the beginning');
        const asked = ask(upstream, '/', { method: 'POST', body, length });
        await until(() => task.peers[before]?.received.includes('beginning') === true);
        const cause = new Error('of the client');
        body.destroy(cause);
        expect(await asked.outcome()).toBe('body');
        expect(asked.told.cause).toBe(cause);
        await until(() => task.open() === 0);
        expect(task.peers.at(-1)?.received).not.toMatch(/0\r\n\r\n$/);
      }
    }));

  test('that closes without an end fails too, as does one that failed while it waited', () =>
    withTask(never, { connections: 1 }, async (upstream, task) => {
      const closing = new PassThrough();
      const closed = ask(upstream, '/', { method: 'POST', body: closing, length: 100 });
      const failing = new PassThrough();
      const failed = ask(upstream, '/waiting', { method: 'POST', body: failing });
      await until(() => task.asked().length === 1);
      const cause = new Error('while it waited');
      failing.destroy(cause);
      await until(() => failing.closed);
      expect(failed.told.outcome).toBeUndefined();
      closing.destroy();
      expect([await closed.outcome(), await failed.outcome()]).toEqual(['body', 'body']);
      expect(failed.told.cause).toBe(cause);
    }));

  test.each([
    ['more', 'abcdefgh'],
    ['less', 'ab'],
  ])('SE-1: of which %s comes than was said reaches no other request', (_what, text) =>
    withTask(answerAfter('never'), { connections: 1 }, async (upstream, task) => {
      const asked = ask(upstream, '/', { method: 'POST', body: Readable.from([Buffer.from(text)]), length: 5 });
      expect(await asked.outcome()).toBe('body');
      await until(() => task.peers.length === 1 && task.open() === 0);
      expect(task.peers[0]?.received).not.toContain('f');
    }),
  );

  test('stays untouched where there is no connection, so that it can be sent elsewhere', async () => {
    const gone = await startRawTask(never);
    await gone.close();
    const away = new Upstream(gone.socketPath, {});
    const body = new PassThrough();
    body.end('all of it');
    const parts = { method: 'POST', body, length: 9 };
    expect(await ask(away, '/', parts).outcome()).toBe('unreachable');
    expect([body.destroyed, body.readableLength, body.readableFlowing]).toEqual([false, 9, null]);
    await withTask(answerAfter('all of it'), {}, async (upstream) => {
      expect(await ask(upstream, '/', parts).outcome()).toBe('end');
    });
  });
});

describe('an answer that is more than its reader takes', () => {
  const BODY = Buffer.alloc(8 * MIB, 'tierplane');

  test('waits in the task while it is paused, and arrives whole', () =>
    withTask(
      ({ socket }) => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n`);
        socket.write(BODY);
      },
      {},
      async (upstream, task) => {
        const asked = ask(upstream, '/', {}, { onData: () => asked.call.pause() });
        const received = (): number => asked.told.body.reduce((sum, { length }) => sum + length, 0);
        await until(() => received() > 0);
        const few = received();
        const waiting = task.peers[0]?.socket.writableLength ?? 0;
        expect(few).toBeLessThan(128 * 1024);
        // Another request's round trip, by which more would have come.
        const other = ask(upstream, '/', {}, { onHead: () => other.call.abort() });
        await until(() => other.told.status === 200);
        expect([received(), task.peers[0]?.socket.writableLength]).toEqual([few, waiting]);
        expect(waiting).toBeGreaterThan(4 * MIB);
        await poll(() => {
          asked.call.resume();
          return asked.told.outcome;
        });
        expect(asked.told.outcome).toBe('end');
        expect(Buffer.compare(Buffer.concat(asked.told.body), BODY)).toBe(0);
      },
    ));

  test('that ends while it is paused ends, and does not stop the next one', () =>
    withTask(
      (peer, asked) => void peer.socket.write(answer(asked)),
      { connections: 1 },
      async (upstream, task) => {
        for (let round = 0; round < 3; round++) {
          const paused = ask(upstream, '/paused', {}, { onData: () => paused.call.pause() });
          const next = ask(upstream, '/next');
          expect([await paused.outcome(), await next.outcome()]).toEqual(['end', 'end']);
          paused.call.resume();
        }
        expect(task.peers).toHaveLength(1);
      },
    ));

  test('can be paused before there is a connection, and given up while it is paused', () =>
    withTask(
      ({ socket }) => void socket.write(answer('fine')),
      {},
      async (upstream, task) => {
        const early = ask(upstream, '/');
        early.call.pause();
        await until(() => task.asked().length === 1);
        expect(early.told.status).toBeUndefined();
        early.call.resume();
        expect(await early.outcome()).toBe('end');
        const given = ask(upstream, '/', {}, { onHead: () => given.call.pause() });
        given.call.abort();
        await until(() => task.open() === 0);
        expect(upstream.active).toBe(0);
      },
    ));
});

describe('time-outs', () => {
  const MS = 60;

  test('for a connection: told as such, and the body is untouched', async () => {
    const task = await startRawTask(never);
    const upstream = new Upstream(task.socketPath, { connectTimeoutMs: 20, connections: 1 });
    try {
      const body = new PassThrough();
      // The kernel connects at once; here the gateway gets to hear of it only after its patience has ended.
      await new Promise(setImmediate);
      const asked = [ask(upstream, '/', { method: 'POST', body }), ask(upstream, '/waiting')];
      for (const since = performance.now(); performance.now() - since < 25; );
      expect(await asked[0]?.outcome()).toBe('connect-timeout');
      expect([body.destroyed, body.readableFlowing]).toEqual([false, null]);
      await until(() => task.asked().join() === 'GET /waiting HTTP/1.1');
      asked[1]?.call.abort();
      await until(() => upstream.active === 0 && task.open() === 0);
    } finally {
      upstream.destroy();
      await task.close();
    }
  });

  test('for the head: while the task says nothing, only crumbs, or only that it is at work', async () => {
    for (const [first, again] of [
      ['', ''],
      ['HTTP/1.1 200 OK\r\nA: ', 'b'],
      ['', 'HTTP/1.1 102 Processing\r\n\r\n'],
    ] as const) {
      const timers: NodeJS.Timeout[] = [];
      await withTask(
        ({ socket }) => {
          if (first !== '') socket.write(first);
          if (again !== '') timers.push(setInterval(() => socket.write(again), MS / 6));
        },
        { headersTimeoutMs: MS },
        async (upstream, task) => {
          const since = performance.now();
          expect(await ask(upstream, '/').outcome()).toBe('headers-timeout');
          expect(performance.now() - since).toBeGreaterThanOrEqual(MS - 1);
          await until(() => task.open() === 0);
        },
      ).finally(() => timers.forEach(clearInterval));
    }
  });

  test('for a body that stalls, but not while it is paused', () =>
    withTask(
      (peer) => void peer.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab'),
      { bodyTimeoutMs: MS },
      async (upstream, task) => {
        const paused = ask(upstream, '/', {}, { onData: () => paused.call.pause() });
        for (let round = 0; round < 2; round++) expect(await ask(upstream, '/').outcome()).toBe('body-timeout');
        expect(paused.told.outcome).toBeUndefined();
        task.peers[0]?.socket.write('cd');
        paused.call.resume();
        expect(await paused.outcome()).toBe('end');
        expect(paused.text()).toBe('abcd');
      },
    ));

  test('for the head are not for a client that is slow to send its body', () =>
    withTask(answerAfter('end'), { headersTimeoutMs: MS }, async (upstream, task) => {
      const body = new PassThrough();
      body.write('beginning');
      const slow = ask(upstream, '/', { method: 'POST', body, length: 12 });
      for (let round = 0; round < 2; round++) expect(await ask(upstream, '/').outcome()).toBe('headers-timeout');
      expect(slow.told.outcome).toBeUndefined();
      body.end('end');
      expect(await slow.outcome()).toBe('end');
      expect(task.peers[0]?.received).toMatch(/beginningend$/);
    }));

  test('for the head are for a task that does not take the body', () =>
    withTask(never, { headersTimeoutMs: MS }, async (upstream, task) => {
      const body = new PassThrough();
      const asked = ask(upstream, '/', { method: 'POST', body });
      await until(() => task.peers.length === 1);
      task.peers[0]?.socket.pause();
      body.write(Buffer.alloc(2 * MIB));
      expect(await asked.outcome()).toBe('headers-timeout');
      expect(body.destroyed).toBe(true);
      task.peers[0]?.socket.resume();
    }));
});

describe('what would begin another line is not written', () => {
  const parts = { method: 'GET', path: '/a', headers: ['host', 'x'], body: undefined };

  test.each(['/a b', '/a\r\nX: y', '/a\n', '/a\r', '/a\0', '/a\t', '/a\x7f', '/ā', '/a\u010d\u010a'])(
    'the path %j',
    (path) => expect(writeRequest({ ...parts, path })).toBeUndefined(),
  );

  test.each(['a\r\nX: y', 'a\n', '\r', 'a\0', 'a\x7f', 'ā', '\u010d\u010aX-Tierplane-Tenant: b', '\u2028'])(
    'the value %j',
    (value) => expect(writeRequest({ ...parts, headers: ['host', 'x', 'a', value] })).toBeUndefined(),
  );

  test('bytes beyond ASCII pass as they are', () => {
    const request = writeRequest({ ...parts, path: '/caf\xe9', headers: ['a', 'b\t\xff'] });
    expect(request?.head).toBe('GET /caf\xe9 HTTP/1.1\r\na: b\t\xff\r\n\r\n');
  });

  test('SE-1: no path and no value make more lines than there are headers', () => {
    const text = fc.string({ unit: 'binary', maxLength: 20 });
    fc.assert(
      fc.property(text, fc.array(text, { maxLength: 3 }), (path, values) => {
        const request = writeRequest({ ...parts, path: `/${path}`, headers: values.flatMap((value) => ['a', value]) });
        if (!request) return;
        expect(Buffer.from(request.head, 'latin1').toString('latin1')).toBe(request.head);
        expect(request.head.split(/[\r\n]+/)).toHaveLength(values.length + 2);
        expect(request.head).toMatch(/^GET \/\S* HTTP\/1\.1\r\n/);
      }),
    );
  });
});
