import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly fields: Readonly<Record<string, string>>;
}

export type Respond = (request: Received) => {
  readonly status: number;
  readonly body?: unknown;
  readonly location?: string;
};

/** An HTTP server whose responses a test decides, for what no real issuer does on request. */
export interface ScriptedServer extends AsyncDisposable {
  readonly url: string;
  readonly received: Received[];
}

export async function startScriptedServer(respond: Respond): Promise<ScriptedServer> {
  const received: Received[] = [];
  const server = createServer((req, res) => void handle(req, res, received, respond));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function handle(
  req: IncomingMessage,
  res: ServerResponse,
  received: Received[],
  respond: Respond,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
  const request = {
    method: req.method ?? '',
    path: req.url ?? '',
    authorization: req.headers.authorization,
    fields: Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString())),
  };
  received.push(request);
  const { status, body, location } = respond(request);
  res.writeHead(status, { 'content-type': 'application/json', ...(location !== undefined && { location }) });
  res.end(body === undefined ? '' : JSON.stringify(body));
}
