import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The yardstick for throughput: a bare node:http server that responds with the requested number of bytes. Prints its port. */
const body = Buffer.alloc(Number(process.argv[2] ?? 1_000), 'x');
const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
process.once('SIGTERM', () => process.exit(0));
