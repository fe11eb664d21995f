import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ChunkJoiner } from '../../../app-plane/gateway/chunk-joiner.ts';

/** Joins a body that arrives in pieces. */
function join(...pieces: string[]): string {
  const joiner = new ChunkJoiner();
  return pieces.map((piece) => joiner.join(Buffer.from(piece, 'latin1')).toString('latin1')).join('');
}

/** The data and what follows the last chunk, read by the letter of RFC 9112, 7.1. */
function decode(body: string): { data: string; rest: string } {
  let data = '';
  let at = 0;
  for (;;) {
    const end = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.slice(at, end), 16);
    if (size === 0) return { data, rest: body.slice(end + 2) };
    data += body.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}

/** Cuts a text at places that are given as fractions of its length. */
function cut(text: string, fractions: readonly number[]): string[] {
  const places = [0, ...fractions.map((f) => Math.floor(f * text.length)).sort((a, b) => a - b), text.length];
  return places.slice(1).map((place, i) => text.slice(places[i], place));
}

describe('SE-6: chunks are joined', () => {
  test.each([
    ['one byte each', ['1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n'], '3\r\nabc\r\n0\r\n\r\n'],
    ['in two reads', ['1\r\na\r\n1\r\nb', '\r\n1\r\nc\r\n0\r\n\r\n'], '2\r\nab\r\n1\r\nc\r\n0\r\n\r\n'],
    ['of a read that ends within a chunk', ['1\r\na\r\n5\r\nbc'], '3\r\nabc\r\n'],
    ['none, if only a part of a size has arrived', ['000'], ''],
    ['with capitals and leading zeros', ['0000A\r\n0123456789\r\n0\r\n\r\n'], 'a\r\n0123456789\r\n0\r\n\r\n'],
    ['without their extensions', ['1;a=b\r\nx\r\n1;c="d\\"; e"\r\ny\r\n0;f\r\n\r\n'], '2\r\nxy\r\n0\r\n\r\n'],
    [
      'without an extension that is empty or has spaces',
      ['1;\r\nx\r\n1; a\r\n', 'y\r\n0\r\n\r\n'],
      '1\r\nx\r\n1\r\ny\r\n0\r\n\r\n',
    ],
    ['that hold line ends and sizes', ['6\r\n\r\n0\r\n\r\r\n0\r\n\r\n'], '6\r\n\r\n0\r\n\r\r\n0\r\n\r\n'],
    ['before trailers', ['1\r\nx\r\n0\r\nChecksum: 1\r\n\r\n'], '1\r\nx\r\n0\r\nChecksum: 1\r\n\r\n'],
    ['before another request', ['1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n'], '1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n'],
    ['none, in an empty body', ['0\r\n\r\n'], '0\r\n\r\n'],
  ])('%s', (_what, pieces, joined) => {
    expect(join(...pieces)).toBe(joined);
  });

  test.each([
    ['no size', '\r\nx\r\n'],
    ['a size that is not a number', 'z\r\nx\r\n'],
    ['a negative size', '-1\r\nx\r\n'],
    ['a size with 0x', '0x1\r\nx\r\n'],
    ['white space before the size', ' 1\r\nx\r\n'],
    ['white space after the size', '1 \r\nx\r\n'],
    ['a size of 14 digits', `${'0'.repeat(13)}1\r\nx\r\n`],
    ['a size that ends with a line feed alone', '1\nx\r\n'],
    ['a carriage return alone', '1\rx\r\n'],
    ['data that is longer than its size', '1\r\nxy\r\n'],
    ['data that ends with a line feed alone', '1\r\nx\n1\r\ny\r\n'],
    ['a line feed within an extension', '1;a\n0\r\n\r\n'],
    ['a control character within an extension', '1;a\u0000\r\nx\r\n'],
    ['extensions of more than 16 KiB', `1;a\r\nx\r\n`.repeat(9_000)],
  ])('until one has %s, which becomes what Node refuses', (_what, body) => {
    expect(join(`1\r\na\r\n${body}1\r\nb\r\n0\r\n\r\n`)).toMatch(/malformed\r\n$/);
    expect(join('1\r\na\r\n', body)).toMatch(/malformed\r\n$/);
  });

  test('however a body is divided into chunks and reads, with the same data, at most one chunk in each read', () => {
    const chunk = fc.record({
      data: fc.string({ minLength: 1, maxLength: 40, unit: 'binary-ascii' }),
      zeros: fc.nat(5),
    });
    const fractions = fc.array(fc.float({ min: 0, max: Math.fround(0.999), noNaN: true }), { maxLength: 8 });
    fc.assert(
      fc.property(
        fc.array(chunk, { maxLength: 30 }),
        fc.string({ unit: 'binary-ascii' }),
        fractions,
        (chunks, rest, places) => {
          const lines = chunks.map(
            ({ data, zeros }) => `${'0'.repeat(zeros)}${data.length.toString(16)}\r\n${data}\r\n`,
          );
          const joined = cut(`${lines.join('')}0\r\n${rest}`, places);
          const joiner = new ChunkJoiner();
          const reads = joined.map((piece) => joiner.join(Buffer.from(piece, 'latin1')).toString('latin1'));
          expect(decode(reads.join(''))).toEqual({ data: chunks.map(({ data }) => data).join(''), rest });
        },
      ),
    );
  });
});
