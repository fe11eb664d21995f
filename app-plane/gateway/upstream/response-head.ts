import { Lru } from '../../../core/collections/lru.ts';

/** How an answer's body ends. */
export type Framing =
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until-close' };

/** What stands before an answer's body. */
export interface AnswerHead {
  readonly status: number;
  /** `name, value, name, value ...` as they came, without those that are between two neighbours only. */
  readonly headers: string[];
  readonly framing: Framing;
  /** For how long the connection may be used again, in ms; 0: not at all. */
  readonly keepAliveMs: number;
}

/**
 * An answer that is no HTTP/1.1, or one that two parties might read differently. Where one connection carries the answers
 * of several tenants, a misread end would show one what is another's: so nothing doubtful is passed on.
 */
export class MalformedAnswer extends Error {}

/** What a header means to the connection; all others are only passed on. */
type Meaning = 'content-length' | 'transfer-encoding' | 'connection' | 'keep-alive' | 'drop' | 'pass';

const MEANINGS: ReadonlyMap<string, Meaning> = new Map([
  ['content-length', 'content-length'],
  ['transfer-encoding', 'transfer-encoding'],
  ['connection', 'connection'],
  ['keep-alive', 'keep-alive'],
  ['trailer', 'drop'],
  ['upgrade', 'drop'],
  // The gateway says its own.
  ['x-request-id', 'drop'],
]);

/** Headers as services spell them are few; the bound keeps one of them from filling memory with inventions. */
const MAX_KNOWN = 1_000;
const known = new Lru<Meaning>(MAX_KNOWN);

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: .*)?$/;
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
/** Anything but tab and visible characters, and line ends that are not `CR LF` (RFC 9112, 2.2). */
const UNSAFE = /[^\t\r\n\x20-\x7e\x80-\xff]|\r(?!\n)|(?<!\r)\n/;
const DIGITS = /^\d{1,15}$/;
const HINT = /(?:^|[\s,])timeout=(\d{1,6})/i;

/** Connections are used again for at most this long after an answer, and for less where the task says so. */
const KEEP_ALIVE_MS = 4_000;
/** The task's clock began to run before ours: it may close this much earlier. */
const MARGIN_MS = 1_000;

/**
 * Reads the head of an answer: status line and headers, without the empty line at its end.
 * @param bodiless the request's method or nothing else can have a body in its answer, whatever the head says
 * Throws MalformedAnswer.
 */
export function parseHead(text: string, bodiless: boolean): AnswerHead {
  if (UNSAFE.test(text)) throw new MalformedAnswer('a head must have no control characters');
  const headers: string[] = [];
  let length: number | undefined;
  let chunked = false;
  let keepAliveMs = KEEP_ALIVE_MS;

  const endOfLine = lineEnd(text, 0);
  const [, minor, digits] = STATUS_LINE.exec(text.slice(0, endOfLine)) ?? [];
  if (digits === undefined) throw new MalformedAnswer('a status line of HTTP/1.1 was wanted');
  if (minor === '0') keepAliveMs = 0;

  for (let at = endOfLine + 2; at < text.length; ) {
    const end = lineEnd(text, at);
    const colon = text.indexOf(':', at);
    if (colon < 0 || colon > end) throw new MalformedAnswer('a header must have a colon');
    const name = text.slice(at, colon);
    const value = trimmed(text, colon + 1, end);
    at = end + 2;
    switch (meaningOf(name)) {
      case 'pass':
        headers.push(name, value);
        break;
      case 'content-length':
        if (length !== undefined || !DIGITS.test(value)) throw new MalformedAnswer('content-length must be one number');
        length = Number(value);
        headers.push(name, value);
        break;
      case 'transfer-encoding':
        if (chunked || minor === '0' || value.toLowerCase() !== 'chunked')
          throw new MalformedAnswer('transfer-encoding must be chunked, once');
        chunked = true;
        break;
      case 'connection':
        if (/(?:^|[\s,])close(?:$|[\s,])/i.test(value)) keepAliveMs = 0;
        break;
      case 'keep-alive':
        keepAliveMs = Math.min(keepAliveMs, hintOf(value));
        break;
    }
  }

  if (chunked && length !== undefined) throw new MalformedAnswer('an answer is chunked or has a length, not both');
  const status = Number(digits);
  if (bodiless || status < 200 || status === 204 || status === 304)
    return { status, headers, framing: { kind: 'length', bytes: 0 }, keepAliveMs };
  if (chunked) return { status, headers, framing: { kind: 'chunked' }, keepAliveMs };
  if (length !== undefined) return { status, headers, framing: { kind: 'length', bytes: length }, keepAliveMs };
  return { status, headers, framing: { kind: 'until-close' }, keepAliveMs: 0 };
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\r\n', from);
  return end < 0 ? text.length : end;
}

/** Without spaces and tabs around it. String's own trim takes more: half a letter of UTF-8 looks to it as a space. */
function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function meaningOf(name: string): Meaning {
  const cached = known.get(name);
  if (cached !== undefined) return cached;
  if (!TOKEN.test(name)) throw new MalformedAnswer('the name of a header must be a token');
  const lower = name.toLowerCase();
  const internal = lower.startsWith('x-tierplane-') || lower.startsWith('proxy-');
  const meaning = internal ? 'drop' : (MEANINGS.get(lower) ?? 'pass');
  known.set(name, meaning);
  return meaning;
}

/** The last hint, as tasks give the same one each time. */
let lastHint = '';
let lastHintMs = KEEP_ALIVE_MS;

/** @returns how long an idle connection is surely open, by `Keep-Alive: timeout=<seconds>` */
function hintOf(value: string): number {
  if (value === lastHint) return lastHintMs;
  const seconds = HINT.exec(value)?.[1];
  lastHint = value;
  lastHintMs = seconds === undefined ? KEEP_ALIVE_MS : Math.max(0, Number(seconds) * 1_000 - MARGIN_MS);
  return lastHintMs;
}
