import { validExchange } from './corpus.ts';
import type { Exchange, FuzzCase } from './fuzz-case.ts';
import type { Random } from './random.ts';

/** Characters and words that HTTP/1.1 parsers are known to disagree on. */
const FRAGMENTS = [
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '\n\n',
  '\t',
  ' ',
  '\0',
  '\x0b',
  '\x7f',
  '\x80',
  '\xa0',
  '\xff',
  ':',
  ';',
  ',',
  '"',
  '\\',
  '=',
  '0',
  '1',
  '5',
  'a',
  'F',
  '-',
  '+',
  '0x',
  'g',
  '00000000',
  'ffffffff',
  '100000000',
  'fffffffffffffffff',
  '18446744073709551616',
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.0 ',
  'HTTP/2.0 ',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\n\r\n',
  'Content-Length: 0\r\n',
  'Content-Length: 5\r\n',
  'content-length : 5\r\n',
  'Content-Length: 5, 5\r\n',
  'Content-Length:\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: identity\r\n',
  'Transfer-Encoding: gzip, chunked\r\n',
  'Transfer-Encoding: chunked, identity\r\n',
  'Transfer-Encoding:\r\n chunked\r\n',
  'Transfer-Encoding: chunked\t\r\n',
  'Connection: close\r\n',
  'Connection: upgrade\r\nUpgrade: websocket\r\n',
  'Connection: close, keep-alive\r\n',
  'Keep-Alive: timeout=0\r\n',
  'X: y\r\n',
  ' folded\r\n',
  '\tfolded: y\r\n',
  'no colon\r\n',
  ': no name\r\n',
  'X Y: z\r\n',
  '0\r\n\r\n',
  '1\r\na\r\n',
  '5;x=y\r\nhello\r\n',
  '5 ;x\r\nhello\r\n',
  '5; x = "y"\r\nhello\r\n',
  '5;"\r\nhello\r\n',
  '0\r\nX: y\r\n\r\n',
  '0\r\nContent-Length: 1\r\n\r\n',
  '0\r\nTransfer-Encoding: chunked\r\n\r\n',
  '0\r\nno colon\r\n\r\n',
] as const;

const LONG = [
  'x'.repeat(1_100),
  'x'.repeat(17_000),
  'X: y\r\n'.repeat(40),
  `X: ${'y'.repeat(900)}\r\n`.repeat(20),
] as const;

type Mutation = (text: string, random: Random) => string;

const MUTATIONS: readonly Mutation[] = [
  // Insert a fragment.
  (text, random) => spliced(text, placeIn(text, random), 0, random.pick(FRAGMENTS)),
  (text, random) => spliced(text, lineStart(text, random), 0, random.pick(FRAGMENTS)),
  // Replace a byte.
  (text, random) => spliced(text, placeIn(text, random), 1, random.pick(FRAGMENTS)),
  (text, random) => spliced(text, placeIn(text, random), 1, String.fromCharCode(random.int(256))),
  // Remove bytes.
  (text, random) => spliced(text, placeIn(text, random), 1, ''),
  (text, random) => spliced(text, placeIn(text, random), 1 + random.int(8), ''),
  (text, random) => text.slice(0, placeIn(text, random)),
  // Repeat a part elsewhere.
  (text, random) => {
    const from = placeIn(text, random);
    return spliced(text, placeIn(text, random), 0, text.slice(from, from + 1 + random.int(24)));
  },
  (text, random) => {
    const lines = text.split('\r\n');
    return spliced(text, lineStart(text, random), 0, `${random.pick(lines)}\r\n`);
  },
  // Change a digit, or the case of a letter.
  (text, random) => replaced(text, /\d/g, random, () => random.pick('0123456789ab'.split(''))),
  (text, random) =>
    replaced(text, /[a-z]/gi, random, (letter) => (letter < 'a' ? letter.toLowerCase() : letter.toUpperCase())),
  // Change a line end.
  (text, random) =>
    replaced(text, /\r\n/g, random, () => random.pick(['\n', '\r', '\r\r\n', '\n\r', ' \r\n', '\t\r\n'])),
];

const RARE_MUTATION: Mutation = (text, random) => spliced(text, lineStart(text, random), 0, random.pick(LONG));

/** A case of one to three exchanges, most of them mutated and split. */
export function mutatedCase(random: Random): FuzzCase {
  const count = random.pick([1, 1, 1, 2, 3]);
  return { exchanges: Array.from({ length: count }, () => split(mutated(validExchange(random), random), random)) };
}

function mutated(exchange: Exchange, random: Random): Exchange {
  let { bytes } = exchange;
  // Later exchanges are reached only if the earlier ones are valid, so many stay as they are.
  for (let i = random.pick([0, 1, 1, 1, 2, 3]); i > 0; i--) bytes = random.pick(MUTATIONS)(bytes, random);
  if (random.chance(0.01)) bytes = RARE_MUTATION(bytes, random);
  return { ...exchange, bytes };
}

function split(exchange: Exchange, random: Random): Exchange {
  const { length } = exchange.bytes;
  if (length < 600 && random.chance(0.1))
    return { ...exchange, splits: Array.from({ length: Math.max(0, length - 1) }, (_, i) => i + 1) };
  const places = new Set(Array.from({ length: random.int(4) }, () => 1 + random.int(Math.max(1, length - 1))));
  return { ...exchange, splits: [...places].sort((a, b) => a - b) };
}

function placeIn(text: string, random: Random): number {
  return random.int(text.length + 1);
}

/** The start of a line, or of what looks like one in a body. */
function lineStart(text: string, random: Random): number {
  const starts = [...text.matchAll(/\r\n/g)].map(({ index }) => index + 2);
  return starts.length === 0 ? 0 : random.pick(starts);
}

function spliced(text: string, at: number, remove: number, insert: string): string {
  return text.slice(0, at) + insert + text.slice(at + remove);
}

function replaced(text: string, pattern: RegExp, random: Random, replace: (match: string) => string): string {
  const matches = [...text.matchAll(pattern)];
  if (matches.length === 0) return text;
  const { index, 0: match } = random.pick(matches);
  return spliced(text, index, match.length, replace(match));
}
