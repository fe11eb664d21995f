import { createServer, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { openUsersInvocation } from '../../../../adapters/aws/identity/users-invocation.ts';
import type { UsersCall } from '../../../../core/identity/users-api/users-call.ts';
import { closeServer, listen } from '../../../support/http-server.ts';

const CALL: UsersCall = {
  ...{ realm: 'pool', method: 'POST', path: '/users', body: { email: 'jo@a.example' } },
  ...{ authorization: 'Bearer x.y.z', requestId: 'request-1' },
};
/** In milliseconds. */
const TIMEOUT = 2_000;

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Lambda's endpoint, which responds as given. */
async function lambdaThat(respond: (response: ServerResponse) => void) {
  const received: { readonly path: string | undefined; readonly body: string }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    received.push({ path: request.url, body: Buffer.concat(chunks).toString() });
    respond(response);
  });
  const { url } = await listen(server);
  closing.push(async () => {
    server.closeAllConnections();
    await closeServer(server);
  });
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const transport = openUsersInvocation('tenant-users', { endpoint: url, region: 'us-east-1', credentials }, TIMEOUT);
  closing.push(() => transport.close());
  return { transport, received };
}

describe('calls of the function tenant-users', () => {
  test('send the call as one event, and return status, body and Retry-After', async () => {
    const returned = { status: 429, headers: { 'retry-after': '360' }, body: { message: 'too many mails' } };
    const { transport, received } = await lambdaThat((response) => response.end(JSON.stringify(returned)));
    await expect(transport.send(CALL)).resolves.toEqual({ status: 429, body: returned.body, retryAfter: 360 });
    expect(received.map(({ path }) => path)).toEqual(['/2015-03-31/functions/tenant-users/invocations']);
    expect(JSON.parse(received[0]?.body ?? '')).toEqual({ ...CALL, body: '{"email":"jo@a.example"}' });
  });

  test('return no body where there is none', async () => {
    const { transport } = await lambdaThat((response) => response.end('{"status":204,"headers":{}}'));
    await expect(transport.send(CALL)).resolves.toEqual({ status: 204, body: undefined });
  });

  test.each<[string, (response: ServerResponse) => void]>([
    ['does not respond', () => {}],
    ['ends the connection', (response) => response.destroy()],
    ['fails', (response) => response.writeHead(500).end('{"message":"secret"}')],
    ['throttles', (response) => response.writeHead(429, { 'x-amzn-errortype': 'TooManyRequestsException' }).end('{}')],
    [
      'refuses the role',
      (response) => response.writeHead(403, { 'x-amzn-errortype': 'AccessDeniedException' }).end('{}'),
    ],
    [
      'reports that the function failed',
      (response) => response.setHeader('x-amz-function-error', 'Unhandled').end('{}'),
    ],
    ['returns no JSON', (response) => response.end('<html>')],
    ['returns something else', (response) => response.end('{"statusCode":200}')],
    ['returns nothing', (response) => response.end()],
  ])('end in UNAVAILABLE where Lambda %s, and are not repeated', async (_what, respond) => {
    const { transport, received } = await lambdaThat(respond);
    await expect(transport.send(CALL)).rejects.toMatchObject({
      ...{ code: 'UNAVAILABLE', message: 'identity does not respond; try again' },
    });
    expect(received).toHaveLength(1);
  });
});
