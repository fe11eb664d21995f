import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ChunkJoiner } from './chunk-joiner.ts';
import { letNextPass } from './stopped-request.ts';

type Parse = (data: Buffer) => void;

/** What a connection may cost in a turn of the event loop, in bytes: 0.2 ms for chunks of one byte. One read brings up to 64 KB. */
const MAX_BYTES_IN_TURN = 16 * 1024;

const readers = new WeakMap<Duplex, ChunkedReader>();

/**
 * Lets Node read a chunked request again, at which its parser has stopped, now with joined chunks. Everything else that Node
 * does for a request and a connection stays as it is: time limits, trailers, the next requests.
 * @param rest what the client has sent after the headers
 */
export function readJoined(server: Server, request: IncomingMessage, rest: Buffer): void {
  const { socket } = request;
  letNextPass(socket);
  // Attaches a new parser (https://nodejs.org/api/http.html#event-connection).
  server.emit('connection', socket);
  const [parse] = socket.listeners('data') as Parse[];
  if (!parse) return void socket.destroy();
  socket.off('data', parse);
  const reader = new ChunkedReader(socket, parse);
  readers.set(socket, reader);
  reader.begin(headOf(request), rest);
}

/** Node's parser has stopped, and gets no more data. */
export function stopReading(socket: Duplex): void {
  readers.get(socket)?.stop();
  readers.delete(socket);
}

/** Passes the data of a connection to Node's parser: joined, and little in each turn of the event loop. */
class ChunkedReader {
  readonly #socket: Socket;
  readonly #parse: Parse;
  readonly #joiner = new ChunkJoiner();
  readonly #resume: Socket['resume'];
  #rests = false;
  #stopped = false;

  constructor(socket: Socket, parse: Parse) {
    this.#socket = socket;
    this.#parse = parse;
    this.#resume = socket.resume;
  }

  begin(head: Buffer, rest: Buffer): void {
    const socket = this.#socket;
    // Node resumes the connection whenever the body is read.
    socket.resume = () => (this.#rests ? socket : this.#resume.call(socket));
    if (rest.length > 0) socket.unshift(rest);
    socket.on('data', this.#read);
    this.#pass(head);
  }

  stop(): void {
    this.#stopped = true;
    this.#socket.off('data', this.#read).resume = this.#resume;
  }

  readonly #read = (data: Buffer): void => {
    const joined = this.#joiner.join(data.subarray(0, MAX_BYTES_IN_TURN));
    if (joined.length > 0) this.#pass(joined);
    else this.#rest();
    // The connection is paused now, so that this does not come back at once.
    if (data.length > MAX_BYTES_IN_TURN && !this.#socket.destroyed) {
      this.#socket.unshift(data.subarray(MAX_BYTES_IN_TURN));
    }
  };

  #pass(data: Buffer): void {
    this.#parse(data);
    // Node pauses the connection while nobody reads the body.
    if (!this.#socket.isPaused()) this.#rest();
  }

  /** Without this, one poll of the event loop reads up to 32 times from a connection that always has data. */
  #rest(): void {
    if (this.#stopped) return;
    this.#socket.pause();
    this.#rests = true;
    setImmediate(() => {
      this.#rests = false;
      if (!this.#stopped) this.#socket.resume();
    });
  }
}

function headOf({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  let head = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) head += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  return Buffer.from(`${head}\r\n`, 'latin1');
}
