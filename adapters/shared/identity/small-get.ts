import type { IncomingMessage } from 'node:http';

/** An `import` statement for these modules would also load Node's fetch, which costs 13 MB and 40 ms. */
const { get: getByHttp } = process.getBuiltinModule('node:http');
const { get: getByHttps } = process.getBuiltinModule('node:https');

const TIMEOUT_MS = 3_000;
const MAX_BYTES = 64 * 1024;

/**
 * Reads a short text. Uses Node's own client: undici would cost 8 MB per tenant for one request in ten minutes
 * (docs/performance.md). Throws if the server does not respond within 3 seconds, or sends more than 64 KiB.
 *
 * @param uri an http(s) URL, or `unix:<socket path>:<request path>`
 */
export async function smallGet(
  uri: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number | undefined; readonly text: string }> {
  const response = await request(uri, headers);
  return { status: response.statusCode, text: await limitedText(response) };
}

function request(uri: string, headers: Readonly<Record<string, string>>): Promise<IncomingMessage> {
  const { url, socketPath } = parseUri(uri);
  const options = { headers, socketPath, agent: false, signal: AbortSignal.timeout(TIMEOUT_MS) };
  return new Promise((resolve, reject) => {
    const sent = url.startsWith('https:') ? getByHttps(url, options, resolve) : getByHttp(url, options, resolve);
    sent.on('error', reject);
  });
}

/** Reads the body. Throws if it is too long, and leaves the rest unread, which closes the connection. */
async function limitedText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error(`the response must have at most ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseUri(uri: string): { url: string; socketPath?: string } {
  const unix = /^unix:([^:]+):(\/.*)$/.exec(uri);
  return unix?.[1] ? { url: `http://localhost${unix[2]}`, socketPath: unix[1] } : { url: uri };
}
