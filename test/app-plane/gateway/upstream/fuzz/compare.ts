import { type Exchange, type FuzzCase, piecesOf, type Reading } from './fuzz-case.ts';
import { NodeConnection, type NodeResponse } from './node-reader.ts';
import { type PartialReading, readWithOwn } from './own-reader.ts';

/** What a run of many cases reports about one of them. */
export interface Comparison {
  /** How Node reads an accepted response differently, or undefined if it reads all of them the same. */
  readonly difference: string | undefined;
  /** Number of responses that the own parser accepted. */
  readonly accepted: number;
}

/**
 * Compares Tierplane's own parser with Node's. The own parser may refuse more. Each response that it accepts must have
 * the same status, headers, body and end for Node; and if it uses the connection again, so must Node.
 * @param readOwn replaced in tests of the comparison itself
 */
export async function compare(fuzzCase: FuzzCase, readOwn = readWithOwn): Promise<Comparison> {
  const { accepted, partial } = readOwn(fuzzCase);
  const node = new NodeConnection();
  try {
    for (const [i, own] of accepted.entries()) {
      const exchange = fuzzCase.exchanges[i] as Exchange;
      const difference = await compareAccepted(node, exchange, own);
      if (difference) return { difference: `response ${i + 1}: ${difference}`, accepted: accepted.length };
    }
    const next = fuzzCase.exchanges[accepted.length];
    const difference = partial && next && (await comparePartial(node, next, partial));
    return { difference: difference && `response ${accepted.length + 1}: ${difference}`, accepted: accepted.length };
  } finally {
    node.destroy();
  }
}

/** Feeds Node up to the last byte of the response, then that byte: only then may it be complete. */
async function compareAccepted(node: NodeConnection, exchange: Exchange, own: Reading): Promise<string | undefined> {
  const response = await node.send(exchange.method);
  const whole = Buffer.from(exchange.bytes, 'latin1');
  const last = own.untilClose ? own.end : own.end - 1;
  for (const piece of piecesOf({ ...exchange, bytes: exchange.bytes.slice(0, last) })) await node.receive(piece);
  if (response.complete) return 'Node reads an earlier end';
  if (own.untilClose) await node.end();
  else await node.receive(whole.subarray(last, own.end));
  if (response.error !== undefined) return `Node refuses it: ${response.error}`;
  if (!response.complete) return 'Node reads a later end';
  if (own.reusable && !node.reusable) return 'Node does not use the connection again';
  return compareContent(response, own) ?? (response.body === own.body ? undefined : differs('body', response, own));
}

/** The head and the body so far were passed on before the response was refused, so Node must read the same. */
async function comparePartial(
  node: NodeConnection,
  exchange: Exchange,
  own: PartialReading,
): Promise<string | undefined> {
  const response = await node.send(exchange.method);
  for (const piece of piecesOf(exchange)) await node.receive(piece);
  if (response.status === undefined) return `Node refuses the head: ${response.error ?? 'incomplete'}`;
  const [short, long] = [response.body, own.body].sort((a, b) => a.length - b.length);
  return compareContent(response, own) ?? (long?.startsWith(short ?? '') ? undefined : differs('body', response, own));
}

function compareContent(response: NodeResponse, own: PartialReading): string | undefined {
  if (response.status !== own.status) return differs('status', response, own);
  const headers = passedOn(response.rawHeaders);
  if (JSON.stringify(headers) !== JSON.stringify(own.headers)) return differs('headers', { headers }, own);
  return undefined;
}

function differs<K extends string>(
  what: K,
  node: Record<K, unknown> | NodeResponse,
  own: Record<K, unknown> | PartialReading,
): string {
  const of = (reading: object): string => JSON.stringify((reading as Record<string, unknown>)[what]);
  return `${what}: Node ${of(node)}, own ${of(own)}`;
}

/** The gateway's rule for response headers, written again so that an error in it shows. */
const NOT_PASSED =
  /^(?:connection|keep-alive|transfer-encoding|trailer|upgrade|x-request-id|x-tierplane-.*|proxy-.*)$/i;

function passedOn(rawHeaders: readonly string[]): string[] {
  const passed: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (!NOT_PASSED.test(name)) passed.push(name, rawHeaders[i + 1] ?? '');
  }
  return passed;
}
