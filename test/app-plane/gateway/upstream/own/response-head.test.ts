import { describe, expect, test } from '@jest/globals';
import { ResponseParser } from '../../../../../app-plane/gateway/upstream/own/response-parser.ts';
import { bytesOf, OK, read, readWith } from './read-response.ts';

describe('the headers of an answer', () => {
  const headersOf = (...lines: string[]): readonly string[] =>
    read(`${OK}${lines.map((line) => `${line}\r\n`).join('')}\r\n`).headers;

  test.each([
    'Connection: x-a',
    'KEEP-ALIVE: timeout=5',
    'Transfer-Encoding: chunked',
    'Trailer: X-A',
    'Upgrade: h2c',
    'Proxy-Authenticate: Basic',
    'Proxy-Connection: keep-alive',
    'proxy-anything: x',
    'X-Tierplane-Tenant: globex001',
    'x-tierplane-anything: x',
    'X-Request-ID: of-the-task',
  ])('"%s" is not passed on', (line) => expect(headersOf('A: b', line, 'C: d')).toEqual(['A', 'b', 'C', 'd']));

  test('duplicates stay duplicates, in their order and spelling', () => {
    const lines = ['Set-Cookie: a=1', 'Vary: x', 'set-cookie: b=2', 'SET-COOKIE: a=1'];
    expect(headersOf(...lines)).toEqual(lines.flatMap((line) => line.split(': ')));
  });

  test('spaces and tabs around a value are no part of it; all else is', () => {
    expect(headersOf('A: \t b c \t', 'B:', 'C: \t', 'D:e:f')).toEqual(['A', 'b c', 'B', '', 'C', '', 'D', 'e:f']);
    const utf8 = Buffer.from('voilà').toString('latin1');
    expect(headersOf(`A: ${utf8}`, `B: \xa0b\xa0`)).toEqual(['A', utf8, 'B', '\xa0b\xa0']);
  });

  test('names that JavaScript`s objects know are names as any other', () => {
    const lines = ['constructor: 1', '__proto__: 2', 'hasOwnProperty: 3'];
    expect(headersOf(...lines)).toEqual(lines.flatMap((line) => line.split(': ')));
  });
});

describe('how long a connection may be used again', () => {
  test.each([
    ['without a word of it', 'A: b', 4_000],
    ['keep-alive', 'Connection: keep-alive', 4_000],
    ['close', 'Connection: close', 0],
    ['close in capitals', 'Connection: CLOSE', 0],
    ['close among others', 'Connection: x-a, close ,x-b', 0],
    ['a name that only contains it', 'Connection: closed, x-close', 4_000],
    ['a hint above the default', 'Keep-Alive: timeout=65', 4_000],
    ['a hint of five seconds, as Node gives it', 'Keep-Alive: timeout=5', 4_000],
    ['a hint of three seconds', 'Keep-Alive: max=100, timeout=3', 2_000],
    ['a hint of one second', 'Keep-Alive: timeout=1', 0],
    ['a hint of none', 'Keep-Alive: timeout=0', 0],
    ['a hint that is no hint', 'Keep-Alive: xtimeout=1', 4_000],
    ['close and a hint', 'Keep-Alive: timeout=3\r\nConnection: close', 0],
    ['a hint and close', 'Connection: close\r\nKeep-Alive: timeout=3', 0],
  ])('%s', (_what, lines, wanted) => {
    const parser = new ResponseParser();
    for (let answer = 0; answer < 2; answer++) {
      readWith(parser, [bytesOf(`${OK}Content-Length: 0\r\n${lines}\r\n\r\n`)]);
      expect(parser.keepAliveMs).toBe(wanted);
    }
  });

  test('not at all after HTTP/1.0, and after a body that ends with the connection', () => {
    const parser = new ResponseParser();
    readWith(parser, [bytesOf('HTTP/1.0 204 No\r\nConnection: keep-alive\r\n\r\n')]);
    expect(parser.keepAliveMs).toBe(0);
    readWith(parser, [bytesOf(`${OK}\r\n`)]);
    expect(parser.keepAliveMs).toBe(0);
  });

  test('is each answer`s own', () => {
    const parser = new ResponseParser();
    const lengths = ['Connection: close', 'A: b', 'Keep-Alive: timeout=2', 'A: b'].map((line) => {
      readWith(parser, [bytesOf(`${OK}Content-Length: 0\r\n${line}\r\n\r\n`)]);
      return parser.keepAliveMs;
    });
    expect(lengths).toEqual([0, 4_000, 1_000, 4_000]);
  });
});
