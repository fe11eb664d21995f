import type { Exchange } from './fuzz-case.ts';
import type { Random } from './random.ts';

const STATUS_LINES = [
  'HTTP/1.1 200 OK',
  'HTTP/1.1 200 OK',
  'HTTP/1.1 200',
  'HTTP/1.1 201 Created',
  'HTTP/1.1 204 No Content',
  'HTTP/1.1 304 Not Modified',
  'HTTP/1.1 404 ',
  'HTTP/1.1 500 Internal Server Error',
  'HTTP/1.1 999 \xe9',
  'HTTP/1.0 200 OK',
] as const;

const HEADERS = [
  'Content-Type: application/json',
  'content-type:text/plain',
  'Set-Cookie: a=1; Path=/',
  'set-cookie:  b=2 ',
  'X-Empty:',
  'ETag: "a"',
  'Vary: \t accept \t',
  'X-Latin: caf\xe9',
  'Connection: keep-alive',
  'Connection: close',
  'Connection: x-a, close',
  'Connection: keep-alive, Upgrade',
  'Upgrade: h2c',
  'Keep-Alive: timeout=5',
  'Keep-Alive: timeout=1, max=100',
  'Trailer: X-T',
  'Proxy-Connection: keep-alive',
  'X-Request-Id: r1',
  'X-Tierplane-Tenant: t1',
  'Date: Thu, 01 Jan 1970 00:00:00 GMT',
] as const;

const INFORMATIONAL = [
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 102 Processing\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nLink: <a>\r\nContent-Length: 9\r\n\r\n',
] as const;

/** Bodies that look like parts of a response. */
const BODIES = [
  '',
  'a',
  'hello',
  '{"a":[1,2]}',
  '0\r\n\r\n',
  '\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
];
const EXTENSIONS = ['', '', '', ';a', ';a=b', ';a="b;c"', ';a=1;b=2'] as const;
const TRAILERS = ['', '', 'X-T: 1\r\n', 'X-T: 1\r\nX-U:2 \r\n', 'ETag: "b"\r\n'] as const;

/** A valid response, with bytes of the task's choice. */
export function validExchange(random: Random): Exchange {
  const method = random.chance(0.15) ? 'HEAD' : 'GET';
  const status = random.pick(STATUS_LINES);
  const headers: string[] = Array.from({ length: random.int(4) }, () => random.pick(HEADERS));
  const content = Array.from({ length: random.int(3) }, () => random.pick(BODIES)).join('');
  const framing = random.pick(['length', 'length', 'chunked', 'chunked', 'until-close'] as const);
  const hasBody = method === 'GET' && !status.includes(' 204') && !status.includes(' 304');
  const prefix = random.chance(0.15) ? random.pick(INFORMATIONAL) : '';
  let body = hasBody ? content : '';
  if (framing === 'length') headers.push(`${random.pick(['Content-Length', 'content-length'])}: ${content.length}`);
  if (framing === 'chunked' && !status.startsWith('HTTP/1.0')) {
    headers.push(`${random.pick(['Transfer-Encoding', 'transfer-encoding'])}: ${random.pick(['chunked', 'Chunked'])}`);
    body = hasBody ? chunked(content, random) : '';
  }
  shuffle(headers, random);
  const head = [status, ...headers].map((line) => `${line}\r\n`).join('');
  return { method, bytes: `${prefix}${head}\r\n${body}`, splits: [] };
}

function chunked(content: string, random: Random): string {
  let text = '';
  for (let at = 0; at < content.length; ) {
    const size = 1 + random.int(content.length - at);
    const digits = size.toString(16).padStart(1 + random.int(3), '0');
    text += `${random.chance(0.5) ? digits.toUpperCase() : digits}${random.pick(EXTENSIONS)}\r\n`;
    text += `${content.slice(at, at + size)}\r\n`;
    at += size;
  }
  return `${text}0${random.pick(EXTENSIONS)}\r\n${random.pick(TRAILERS)}\r\n`;
}

function shuffle(items: unknown[], random: Random): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [items[i], items[j]] = [items[j], items[i]];
  }
}
