/** One request on a connection, and the bytes that the task sends after it. */
export interface Exchange {
  readonly method: 'GET' | 'HEAD';
  /** latin1 */
  readonly bytes: string;
  /** Where the bytes are split into reads, ascending. */
  readonly splits: readonly number[];
}

/** The requests on one connection, in order. The task closes the connection after the last one's bytes. */
export interface FuzzCase {
  readonly exchanges: readonly Exchange[];
}

/** The bytes of an exchange as they are read. No piece is empty. */
export function piecesOf({ bytes, splits }: Exchange): Buffer[] {
  const whole = Buffer.from(bytes, 'latin1');
  const ends = [...splits.filter((place) => place > 0 && place < whole.length), whole.length];
  return ends.map((end, i) => whole.subarray(i === 0 ? 0 : ends[i - 1], end)).filter(({ length }) => length > 0);
}

/** How a client reads the response to one request. */
export interface Reading {
  readonly status: number;
  /** `name, value, name, value ...`, without hop-by-hop and internal headers. */
  readonly headers: readonly string[];
  /** latin1 */
  readonly body: string;
  /** Number of the exchange's bytes that belong to the response. */
  readonly end: number;
  /** The response is complete only because the task closed the connection. */
  readonly untilClose: boolean;
  /** Whether the client uses the connection again. */
  readonly reusable: boolean;
}
