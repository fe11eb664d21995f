import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Upstream } from '../../../app-plane/gateway/upstream/upstream.ts';
import { poll } from './fixture.ts';
import { answer, ask, type Peer, startRawTask, withTask } from './raw-task.ts';

/** Answers each request with its path. */
const echoPath = (peer: Peer, asked: string): void => void peer.socket.write(answer(asked));
const until = (condition: () => boolean): Promise<true> => poll(() => (condition() ? true : undefined));

describe('connections to a task', () => {
  test('are used again', () =>
    withTask(echoPath, {}, async (upstream, task) => {
      for (const path of ['/a', '/b', '/c']) {
        const asked = ask(upstream, path);
        expect(upstream.active).toBe(1);
        expect(await asked.outcome()).toBe('end');
        expect(asked.text()).toBe(path);
        expect(upstream.active).toBe(0);
      }
      expect(task.peers).toHaveLength(1);
    }));

  test('are no more than allowed; requests beyond wait, and are served in their order', () =>
    withTask(
      () => undefined,
      { connections: 2 },
      async (upstream, task) => {
        const paths = Array.from({ length: 6 }, (_, i) => `/${i}`);
        const asked = paths.map((path) => ask(upstream, path));
        expect(upstream.active).toBe(6);
        for (let round = 1; round <= 3; round++) {
          await until(() => task.asked().length === 2 * round);
          for (const { socket, received } of task.peers) {
            socket.write(answer(received.match(/.*\/(\d) HTTP/s)?.[1] ?? ''));
          }
        }
        expect(await Promise.all(asked.map((one) => one.outcome()))).toEqual(paths.map(() => 'end'));
        expect(asked.map((one) => `/${one.text()}`)).toEqual(paths);
        expect(task.peers.map(({ received }) => received.match(/(?<=\/)\d(?= HTTP)/g))).toEqual([
          ['0', '2', '4'],
          ['1', '3', '5'],
        ]);
      },
    ));

  test('are not used again after Connection: close, nor after a hint that they end at once', () =>
    withTask(
      (peer, asked) =>
        void peer.socket.write(answer('', asked === '/close' ? 'Connection: close' : 'Keep-Alive: timeout=1')),
      {},
      async (upstream, task) => {
        for (const path of ['/close', '/hint', '/close']) expect(await ask(upstream, path).outcome()).toBe('end');
        expect(task.peers).toHaveLength(3);
        await until(() => task.open() === 0);
      },
    ));

  test('end by themselves a second before the task would end them', () =>
    withTask(
      (peer) => void peer.socket.write(answer('', 'Keep-Alive: timeout=2')),
      { headersTimeoutMs: 500 },
      async (upstream, task) => {
        const asked = ask(upstream, '/');
        await asked.outcome();
        const since = performance.now();
        await until(() => task.open() === 0);
        expect(performance.now() - since).toBeGreaterThan(900);
        expect(performance.now() - since).toBeLessThan(1_900);
      },
    ));

  test('that the task ended while they were idle are not used again', () =>
    withTask(echoPath, {}, async (upstream, task) => {
      await ask(upstream, '/a').outcome();
      task.peers[0]?.socket.end();
      await until(() => task.open() === 0);
      const asked = ask(upstream, '/b');
      expect(await asked.outcome()).toBe('end');
      expect(task.peers[1]?.received).toMatch(/^GET \/b /);
    }));

  test('SE-1: on which something comes that nobody asked for are ended', () =>
    withTask(echoPath, {}, async (upstream, task) => {
      await ask(upstream, '/a').outcome();
      task.peers[0]?.socket.write(answer('/another tenant`s'));
      await until(() => task.open() === 0);
      const asked = ask(upstream, '/b');
      expect(await asked.outcome()).toBe('end');
      expect(asked.text()).toBe('/b');
    }));

  test('SE-1: are not used again after a read so long that the task may be in the middle of a write', () =>
    withTask(
      (peer, asked) => void peer.socket.write(answer('x'.repeat(Number(asked.slice(1))))),
      {},
      async (upstream, task) => {
        for (const length of [30_000, 30_000, 36_500]) expect(await ask(upstream, `/${length}`).outcome()).toBe('end');
        expect(task.peers).toHaveLength(1);
        await until(() => task.open() === 0);
      },
    ));

  test('SE-1: carry nothing to the next request of what came with an answer and is no part of it', async () => {
    const forged = answer('/of another tenant');
    // Longer ones fill the gateway's buffer of 64 KiB to the last byte, so that the rest is still to be read.
    for (const spare of [0, 1, 7]) {
      const head = 'HTTP/1.1 200 OK\r\nContent-Length: 65000\r\nA: \r\n\r\n'.length;
      const filled = answer('x'.repeat(65_000), `A: ${'y'.repeat(64 * 1024 - 65_000 - head - spare)}`);
      for (const first of [answer('12345'), filled]) {
        await withTask(
          (peer, asked) => void peer.socket.write(asked === '/bad' ? first + forged : answer(asked)),
          { connections: 1 },
          async (upstream) => {
            const bad = ask(upstream, '/bad');
            const next = ask(upstream, '/next');
            expect(['end', 'malformed']).toContain(await bad.outcome());
            expect(await next.outcome()).toBe('end');
            expect(next.text()).toBe('/next');
          },
        );
      }
    }
  });
});

describe('a request that nobody wants any more', () => {
  test('is never sent if it was waiting', () =>
    withTask(
      () => undefined,
      { connections: 1 },
      async (upstream, task) => {
        const asked = ['/a', '/b', '/c'].map((path) => ask(upstream, path));
        asked[1]?.call.abort();
        asked[1]?.call.abort();
        expect(upstream.active).toBe(2);
        for (const path of ['/a', '/c']) {
          await until(() => task.asked().at(-1)?.includes(path) === true);
          task.peers[0]?.socket.write(answer(path));
        }
        expect(await asked[2]?.outcome()).toBe('end');
        expect(asked[1]?.told.outcome).toBeUndefined();
        expect(task.asked().join()).not.toContain('/b');
      },
    ));

  test('ends its own connection, not its neighbours`, and makes room for what waits', () =>
    withTask(
      (peer, asked) => void (asked !== '/held' && peer.socket.write(answer(asked))),
      { connections: 2 },
      async (upstream, task) => {
        const held = [ask(upstream, '/held'), ask(upstream, '/held')];
        const waiting = ask(upstream, '/waiting');
        await until(() => task.asked().length === 2);
        held[0]?.call.abort();
        expect(upstream.active).toBe(2);
        expect(await waiting.outcome()).toBe('end');
        const [first, second] = task.peers;
        await until(() => first?.closed === true || second?.closed === true);
        expect(task.open()).toBe(2);
        for (const { closed, socket } of task.peers) if (!closed) socket.write(answer('late'));
        expect(await held[1]?.outcome()).toBe('end');
        expect(held[0]?.told).toMatchObject({ status: undefined, outcome: undefined });
      },
    ));

  test('is told nothing more, even if it is given up while it is being told', () =>
    withTask(
      (peer) =>
        void peer.socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n'),
      {},
      async (upstream, task) => {
        const atHead = ask(upstream, '/', {}, { onHead: () => atHead.call.abort() });
        await until(() => atHead.told.status === 200);
        expect(upstream.active).toBe(0);
        const atData = ask(upstream, '/', {}, { onData: () => atData.call.abort() });
        await until(() => atData.told.body.length > 0);
        await until(() => task.peers.length === 2 && task.open() === 0);
        expect([atHead.text(), atData.text()]).toEqual(['', 'a']);
        expect([atHead.told.outcome, atData.told.outcome]).toEqual([undefined, undefined]);
      },
    ));

  test('gives up nobody else`s when it has long ended', () =>
    withTask(
      (peer, asked) => void (asked !== '/held' && peer.socket.write(answer(asked))),
      { connections: 1 },
      async (upstream, task) => {
        const ended = ask(upstream, '/ended');
        await ended.outcome();
        const held = ask(upstream, '/held');
        await until(() => task.asked().length === 2);
        ended.call.pause();
        ended.call.abort();
        task.peers[0]?.socket.write(answer('late'));
        expect(await held.outcome()).toBe('end');
      },
    ));
});

describe('a task that fails', () => {
  test.each([
    ['before the answer', ''],
    ['in the head', 'HTTP/1.1 200 OK\r\nContent-'],
    ['in a body with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab'],
    ['in a body in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n'],
  ])('%s: the request is broken, and the next one is served', (_where, part) =>
    withTask(
      (peer, asked) => void (asked === '/bad' ? peer.socket.end(part) : peer.socket.write(answer(asked))),
      { connections: 1 },
      async (upstream) => {
        const [bad, next] = [ask(upstream, '/bad'), ask(upstream, '/next')];
        expect(await bad.outcome()).toBe('broken');
        expect(bad.text()).toBe(part.includes('ab') ? 'ab' : '');
        expect(await next.outcome()).toBe('end');
        expect(next.text()).toBe('/next');
      },
    ),
  );

  test('by saying what is no answer: malformed, and the connection is not used again', () =>
    withTask(
      (peer, asked) => void peer.socket.write(asked === '/bad' ? 'HTTP/1.1 OK\r\n\r\n' : answer(asked)),
      { connections: 1 },
      async (upstream, task) => {
        const [bad, next] = [ask(upstream, '/bad'), ask(upstream, '/next')];
        expect([await bad.outcome(), await next.outcome()]).toEqual(['malformed', 'end']);
        expect(task.peers).toHaveLength(2);
      },
    ));

  test('an answer that ends with its connection is whole', () =>
    withTask(
      (peer) => void peer.socket.end('HTTP/1.1 200 OK\r\n\r\nall of it'),
      {},
      async (upstream, task) => {
        const [one, other] = [ask(upstream, '/'), ask(upstream, '/')];
        expect([await one.outcome(), await other.outcome()]).toEqual(['end', 'end']);
        expect([one.text(), other.text()]).toEqual(['all of it', 'all of it']);
        expect(task.peers).toHaveLength(2);
      },
    ));

  test('a listener that throws fails its own request, and wedges no other', () =>
    withTask(echoPath, { connections: 1 }, async (upstream) => {
      const throwing = (): never => {
        throw new Error('of the listener');
      };
      const bad = ask(upstream, '/bad', {}, { onHead: throwing });
      const next = ask(upstream, '/next');
      expect([await bad.outcome(), await next.outcome()]).toEqual(['malformed', 'end']);
    }));
});

describe('an end', () => {
  const held = (peer: Peer, asked: string): void => void (asked !== '/held' && peer.socket.write(answer(asked)));

  test('by close() finishes what is under way and what waits, serves what still comes, and leaves no connection', () =>
    withTask(held, { connections: 2 }, async (upstream, task) => {
      await Promise.all([ask(upstream, '/a').outcome(), ask(upstream, '/b').outcome()]);
      const [one, waiting] = [ask(upstream, '/held'), ask(upstream, '/held'), ask(upstream, '/waiting')];
      void waiting;
      await until(() => task.asked().length === 4);
      upstream.close();
      for (const { socket } of task.peers) socket.write(answer('late'));
      expect(await one?.outcome()).toBe('end');
      expect(await ask(upstream, '/after').outcome()).toBe('end');
      await until(() => upstream.active === 0 && task.open() === 0);
    }));

  test('by close() lets go of idle connections at once', () =>
    withTask(held, {}, async (upstream, task) => {
      await Promise.all(['/a', '/b', '/c'].map((path) => ask(upstream, path).outcome()));
      upstream.close();
      await until(() => task.open() === 0);
    }));

  test('by destroy() ends all at once; what is sent afterwards fails, and not before send has returned', () =>
    withTask(held, { connections: 2 }, async (upstream, task) => {
      const all = ['/held', '/held', '/waiting', '/waiting'].map((path) => ask(upstream, path));
      await until(() => task.asked().length === 2);
      upstream.destroy();
      expect(all.map(({ told }) => told.outcome)).toEqual(['broken', 'broken', 'unreachable', 'unreachable']);
      expect(upstream.active).toBe(0);
      await until(() => task.open() === 0);
      // The directory may let go of it once more.
      upstream.close();
      const after = ask(upstream, '/after');
      expect(after.told.outcome).toBeUndefined();
      expect(await after.outcome()).toBe('unreachable');
      const aborted = ask(upstream, '/after');
      aborted.call.abort();
      expect(await ask(upstream, '/after').outcome()).toBe('unreachable');
      expect(aborted.told.outcome).toBeUndefined();
      expect(task.asked()).toHaveLength(2);
    }));

  test('by destroy() leaves no connection behind, though those that fail are sent again at once', () =>
    withTask(held, { connections: 2 }, async (upstream, task) => {
      let again = 0;
      const resend = (): void => void ask(upstream, '/again', {}, { onFault: () => (again += 1) });
      for (const path of ['/held', '/held', '/waiting']) ask(upstream, path, {}, { onFault: resend });
      await until(() => task.asked().length === 2);
      upstream.destroy();
      await until(() => again === 3 && task.open() === 0);
      expect(task.peers).toHaveLength(2);
    }));
});

test('SE-1: however the task cuts its bytes, and whoever gives up, each gets its own answer or none', async () => {
  const calls = fc.record({
    abort: fc.constantFrom('never', 'never', 'never', 'at once', 'at the head'),
    size: fc.integer({ min: 0, max: 400 }),
    how: fc.constantFrom('length', 'chunks', 'close', 'malformed', 'too much'),
    cuts: fc.array(fc.nat(600), { maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(calls, { minLength: 1, maxLength: 12 }), async (all) => {
      const bytesOf = (i: number): string => {
        const { size = 0, how = 'length' } = all[i] ?? {};
        const body = `<${i}>`.repeat(size);
        if (how === 'chunks')
          return `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body && `${body.length.toString(16)}\r\n${body}\r\n`}0\r\n\r\n`;
        if (how === 'close') return answer(body, 'Connection: close');
        if (how === 'malformed') return `HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\n${body}`;
        return answer(body) + (how === 'too much' ? answer(body) : '');
      };
      const served = (peer: Peer, asked: string): void => {
        const bytes = bytesOf(Number(asked.slice(1)));
        // What is too much comes with the last of what is not: later it could be told from no answer.
        const cuts = all[Number(asked.slice(1))]?.how === 'too much' ? [] : (all[Number(asked.slice(1))]?.cuts ?? []);
        const places = [0, ...cuts.map((place) => place % bytes.length).sort((a, b) => a - b), bytes.length];
        const next = (i: number): void => {
          if (i + 1 >= places.length || peer.closed) return;
          peer.socket.write(bytes.slice(places[i], places[i + 1]), 'latin1', () => setImmediate(next, i + 1));
        };
        next(0);
      };
      await withTask(served, { connections: 3 }, async (upstream) => {
        const asked = all.map(({ abort }, i) => {
          const one = ask(upstream, `/${i}`, {}, { onHead: () => abort === 'at the head' && one.call.abort() });
          if (abort === 'at once') one.call.abort();
          return one;
        });
        await until(() => upstream.active === 0);
        for (const [i, one] of asked.entries()) {
          const { size = 0, how, abort } = all[i] ?? {};
          expect(`<${i}>`.repeat(size).startsWith(one.text())).toBe(true);
          if (abort === 'never' && how !== 'malformed' && how !== 'too much') expect(one.told.outcome).toBe('end');
          if (one.told.outcome === 'end') expect(one.text()).toBe(`<${i}>`.repeat(size));
        }
      });
    }),
    { numRuns: 40 },
  );
});

test('a task that is not there is unreachable, told after send has returned', async () => {
  const task = await startRawTask(() => undefined);
  await task.close();
  const upstream = new Upstream(task.socketPath, { connections: 1 });
  const asked = [ask(upstream, '/a'), ask(upstream, '/b'), ask(upstream, '/c')];
  asked[1]?.call.abort();
  expect(asked.map(({ told }) => told.outcome)).toEqual([undefined, undefined, undefined]);
  expect([await asked[0]?.outcome(), await asked[2]?.outcome()]).toEqual(['unreachable', 'unreachable']);
  expect(upstream.active).toBe(0);
});
