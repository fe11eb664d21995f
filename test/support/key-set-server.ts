import { createServer } from 'node:http';
import type { JWK } from 'jose';
import { closeServer, listen } from './http-server.ts';

export interface KeySetServer {
  readonly url: string;
  /** Requests so far. */
  requests(): number;
  close(): Promise<void>;
}

/** Publishes a key set over HTTP. */
export async function startKeySetServer(keys: readonly JWK[]): Promise<KeySetServer> {
  let count = 0;
  const http = createServer((_req, res) => {
    count += 1;
    res.end(JSON.stringify({ keys }));
  });
  const { url } = await listen(http);
  return { url: `${url}/jwks`, requests: () => count, close: () => closeServer(http) };
}
