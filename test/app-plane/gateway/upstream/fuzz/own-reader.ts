import { MalformedResponse } from '../../../../../app-plane/gateway/upstream/malformed-response.ts';
import { ResponseParser } from '../../../../../app-plane/gateway/upstream/own/response-parser.ts';
import { type Exchange, type FuzzCase, piecesOf, type Reading } from './fuzz-case.ts';

/** The start of a response that was refused later. The gateway has passed it on by then. */
export type PartialReading = Pick<Reading, 'status' | 'headers' | 'body'>;

export interface OwnReadings {
  /** The responses that were accepted, in order. */
  readonly accepted: readonly Reading[];
  /** The start of the response after them, if its head was accepted. */
  readonly partial: PartialReading | undefined;
}

/** Reads a connection with Tierplane's own parser, as `Connection` does. Stops where the connection would be closed. */
export function readWithOwn({ exchanges }: FuzzCase): OwnReadings {
  const parser = new ResponseParser();
  const accepted: Reading[] = [];
  for (const [i, exchange] of exchanges.entries()) {
    const { reading, partial } = readOne(parser, exchange, i === exchanges.length - 1);
    if (!reading) return { accepted, partial };
    accepted.push(reading);
    if (!reading.reusable) break;
  }
  return { accepted, partial: undefined };
}

function readOne(
  parser: ResponseParser,
  exchange: Exchange,
  closes: boolean,
): { reading?: Reading; partial?: PartialReading } {
  const response = { status: 0, headers: [] as readonly string[], body: '' };
  parser.begin(
    {
      onHead: (status, headers) => Object.assign(response, { status, headers }),
      onData: (piece) => {
        response.body += piece.toString('latin1');
      },
    },
    exchange.method === 'HEAD',
  );
  let end = 0;
  try {
    for (const piece of piecesOf(exchange)) {
      end += piece.length;
      if (parser.feed(piece)) {
        // More bytes arrive while the connection is idle, which closes it.
        const reusable = parser.keepAliveMs > 0 && end === exchange.bytes.length;
        return { reading: { ...response, end, untilClose: false, reusable } };
      }
    }
  } catch (error) {
    if (!(error instanceof MalformedResponse)) throw error;
    return response.status > 0 ? { partial: response } : {};
  }
  if (closes && parser.end()) return { reading: { ...response, end, untilClose: true, reusable: false } };
  return response.status > 0 ? { partial: response } : {};
}
