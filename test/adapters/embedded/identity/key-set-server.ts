import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JWK } from 'jose';

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
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/jwks`,
    requests: () => count,
    async close() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
