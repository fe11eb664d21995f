import { createServer, type IncomingMessage } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { openKeyCheck } from '../../../../adapters/aws/metering/key-check.ts';
import { systemRandom } from '../../../../adapters/shared/clock.ts';
import { type KeyCheck, keyCheckKey, ticketIn } from '../../../../core/routing/key-check.ts';
import { closeServer, listen } from '../../../support/http-server.ts';
import { openScratchTable } from '../../../support/scratch-table.ts';

const KEY = { tenantId: 'acme0000', tier: 'basic', value: 'value-that-nobody-can-guess-1' } as const;
const API = 'https://abcdef12.execute-api.eu-west-1.amazonaws.com/prod';

let scratch: Awaited<ReturnType<typeof openScratchTable>>;
let status: number;
let endpointUrl: string;
/** What the API receives, with the permission that its authorizer finds. */
const received: { url: string; host: string | undefined; check: KeyCheck | undefined }[] = [];
let lastTicket = '';

const server = createServer((request, response) => {
  void permissionOf(request).then((check) => {
    received.push({ url: request.url ?? '', host: request.headers.host, check });
    response.writeHead(status).end('{"message":"Forbidden"}');
  });
});
async function permissionOf({ headers }: IncomingMessage): Promise<KeyCheck | undefined> {
  lastTicket = ticketIn(headers.authorization) ?? '';
  return (await scratch.table.get(keyCheckKey(lastTicket)))?.data;
}
beforeAll(async () => {
  endpointUrl = (await listen(server)).url;
});
afterAll(() => closeServer(server));
beforeEach(async () => {
  scratch = await openScratchTable();
  received.length = 0;
});
afterEach(() => scratch.close());

const works = (url = endpointUrl) => {
  const { table, clock } = scratch;
  return openKeyCheck({ apiUrl: API, table, clock, random: systemRandom, endpointUrl: url })(KEY);
};

test.each([
  [200, true],
  [429, true],
  [403, false],
])('a key for which the API responds with %i works: %s', async (got, expected) => {
  status = got;
  expect(await works()).toBe(expected);
  expect(received).toEqual([
    {
      url: '/prod/key-check',
      host: 'abcdef12.execute-api.eu-west-1.amazonaws.com',
      check: { tenantId: KEY.tenantId, apiKey: KEY.value, until: scratch.clock.now() + 60_000 },
    },
  ]);
});

test('SE-1.10: each request has a permission of its own, which ends with it', async () => {
  status = 403;
  await works();
  const first = lastTicket;
  await works();
  expect(lastTicket).not.toBe(first);
  for (const ticket of [first, lastTicket]) expect(await scratch.table.get(keyCheckKey(ticket))).toBeUndefined();
});

test('is not known while the API fails or does not respond, and the permission ends, too', async () => {
  status = 503;
  await expect(works()).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: "GET /prod/key-check of the tenants' API must respond with 200, got 503",
  });
  expect(await scratch.table.get(keyCheckKey(lastTicket))).toBeUndefined();
  await expect(works('http://127.0.0.1:1')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});
