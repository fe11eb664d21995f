import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';

export interface HeldRequest {
  /** The response to a request whose body never becomes complete. */
  early(): Promise<{ readonly status: number }>;
  /** Sends the rest of the body. @returns the response */
  finish(): Promise<{ readonly status: number; readonly text: string }>;
}

/**
 * Sends a request up to the middle of its body, in chunks unless it has a content-length, and resolves when the server has accepted the head. So a test
 * can change something between the head and the end of a request.
 */
export async function holdRequest(
  url: string,
  options: {
    readonly method: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    /** @default - the URL's host */
    readonly socketPath?: string;
  },
): Promise<HeldRequest> {
  const { method, headers, body, socketPath } = options;
  const framing = 'content-length' in headers ? {} : { 'transfer-encoding': 'chunked' };
  const sent = request(url, {
    method,
    agent: false,
    headers: { 'content-type': 'application/json', ...framing, ...headers, expect: '100-continue' },
    ...(socketPath !== undefined && { socketPath }),
  });
  const response = once(sent, 'response') as Promise<[IncomingMessage]>;
  sent.flushHeaders();
  // A refusal of the head comes instead of the permission to send the body.
  await Promise.race([once(sent, 'continue'), response]);
  const middle = Math.floor(body.length / 2);
  sent.write(body.slice(0, middle));
  return {
    async early() {
      const [received] = await response;
      sent.destroy();
      return { status: received.statusCode ?? 0 };
    },
    async finish() {
      sent.end(body.slice(middle));
      const [received] = await response;
      return { status: received.statusCode ?? 0, text: await text(received) };
    },
  };
}
