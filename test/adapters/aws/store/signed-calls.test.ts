import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterEach, describe, expect, test } from '@jest/globals';
import { openSignedCalls } from '../../../../adapters/aws/store/signed-calls.ts';
import { openTableWith } from '../../../../adapters/aws/store/table.ts';
import { sdkCalls, type TableCalls } from '../../../../adapters/aws/store/table-calls.ts';
import { systemClock, systemRandom } from '../../../../adapters/shared/clock.ts';
import { ConditionFailed } from '../../../../core/errors.ts';
import { put, type Table } from '../../../../core/ports/table.ts';
import { closeServer, listen } from '../../../support/http-server.ts';

const KEY = { pk: 'tenantaaaa#products', sk: 'x' };
const WRITE = put({ ...KEY, version: 1, data: {} }, 'absent' as const);
const NAMESPACE = 'com.amazonaws.dynamodb.v20120810';
/** More responses than there are attempts at one call. */
const MANY = 10;

interface Received {
  readonly headers: IncomingMessage['headers'];
  readonly body: { readonly ClientRequestToken?: string };
}

type Respond = (response: ServerResponse) => unknown;

const open: (() => Promise<void>)[] = [];

interface Options {
  readonly timeoutMs?: number;
  /** Whether a client of the SDK makes the calls. */
  readonly bySdk?: boolean;
}

/** A table whose DynamoDB gives these responses one after the other, and then `{}`. */
async function tableWith(responses: Respond[], { timeoutMs = 5_000, bySdk = false }: Options = {}) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    received.push({ headers: request.headers, body: JSON.parse(text) as Received['body'] });
    const respond = responses.shift();
    if (respond) respond(response);
    else response.end('{}');
  });
  const { url } = await listen(server);
  const expiration = new Date(systemClock.now() + 3_600_000);
  const session = { accessKeyId: 'ASIATENANT', secretAccessKey: 'secret', sessionToken: 'session', expiration };
  const config = { endpoint: url, region: 'eu-central-1', credentials: session };
  const client = new DynamoDBClient(config);
  const signed = openSignedCalls({ ...config, timeoutMs });
  open.push(async () => {
    signed.close();
    client.destroy();
    await closeServer(server);
  });
  const others = { tableName: 'products', clock: systemClock, random: systemRandom, tenantScoped: true };
  const tableBy = (calls: TableCalls) => openTableWith({ calls, ...others });
  const tableOfTenant = () => tableBy(signed.callsWith(async () => session));
  return { table: bySdk ? tableBy(sdkCalls(client)) : tableOfTenant(), tableOfTenant, received };
}

/** How many attempts the SDK makes at a call to which DynamoDB always responds like this. */
async function attemptsOfSdk(respond: Respond): Promise<number> {
  const { table, received } = await tableWith(
    Array.from({ length: MANY }, () => respond),
    { bySdk: true },
  );
  await expect(table.get(KEY)).rejects.toThrow();
  return received.length;
}

function failure(status: number, name: string, more: object = {}): Respond {
  return (response) => {
    response
      .writeHead(status)
      .end(JSON.stringify({ __type: `${NAMESPACE}#${name}`, message: 'of arn:aws:x', ...more }));
  };
}

describe('calls of DynamoDB with the credentials of a tenant', () => {
  afterEach(async () => {
    for (const close of open.splice(0)) await close();
  });

  test("are signed with the tenant's session, and name their action", async () => {
    const { table, received } = await tableWith([]);
    await table.get(KEY);
    await table.query({ pk: KEY.pk, limit: 1 });
    await table.transact([WRITE]);
    const scope = `${new Date(systemClock.now()).toISOString().slice(0, 10).replaceAll('-', '')}/eu-central-1/dynamodb`;
    for (const { headers } of received) {
      expect(headers['x-amz-security-token']).toBe('session');
      expect(headers.authorization).toContain(`Credential=ASIATENANT/${scope}/aws4_request, SignedHeaders=`);
      expect(headers.authorization).toMatch(
        /SignedHeaders=content-type;host;x-amz-date;[^,]*x-amz-target, Signature=\w{64}$/,
      );
    }
    const actions = received.map(({ headers }) => headers['x-amz-target']);
    expect(actions).toEqual(['GetItem', 'Query', 'TransactWriteItems'].map((action) => `DynamoDB_20120810.${action}`));
  });

  test.each([
    ['throttling', failure(400, 'ProvisionedThroughputExceededException')],
    ['an internal error', failure(500, 'InternalServerError')],
    ['a response of a load balancer', (response: ServerResponse) => response.writeHead(503).end('<html></html>')],
    ['a broken connection', (response: ServerResponse) => response.destroy()],
  ])('are repeated after %s, as often as the SDK repeats them', async (_what, respond) => {
    const once = await tableWith([respond]);
    await once.table.transact([WRITE]);
    expect(once.received).toHaveLength(2);
    const tokens = new Set(once.received.map(({ body }) => body.ClientRequestToken));
    expect([...tokens]).toEqual([expect.stringMatching(/^[\w-]{36}$/)]);

    const always = await tableWith(Array.from({ length: MANY }, () => respond));
    await expect(always.table.get(KEY)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(always.received).toHaveLength(await attemptsOfSdk(respond));
  });

  test('are repeated for one tenant although those of another one have failed so often that they are not repeated any more', async () => {
    const fails = failure(500, 'InternalServerError');
    const responses: Respond[] = [];
    const { table, tableOfTenant, received } = await tableWith(responses);
    const attemptsAt = async (one: Table) => {
      const before = received.length;
      responses.splice(0, MANY, ...Array.from({ length: MANY }, () => fails));
      await expect(one.get(KEY)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      return received.length - before;
    };
    const first = await attemptsAt(table);
    expect(first).toBeGreaterThan(1);
    let attempts = first;
    for (let calls = 0; attempts > 1 && calls < 100; calls++) attempts = await attemptsAt(table);
    expect(attempts).toBe(1);
    expect(await attemptsAt(tableOfTenant())).toBe(first);
  });

  test('are repeated when DynamoDB does not respond in time', async () => {
    const silent: Respond = () => undefined;
    const { table, received } = await tableWith(
      Array.from({ length: MANY }, () => silent),
      { timeoutMs: 50 },
    );
    const unavailable = { code: 'UNAVAILABLE', message: 'DynamoDB failed: TimeoutError' };
    await expect(table.get(KEY)).rejects.toMatchObject(unavailable);
    expect(received.length).toBeGreaterThan(1);
    expect(received.length).toBeLessThan(MANY);
  });

  test.each([
    ['ACCESS_DENIED', 'AccessDeniedException'],
    ['INTERNAL', 'ValidationException'],
    ['INTERNAL', 'ResourceNotFoundException'],
    ['UNAVAILABLE', 'ExpiredTokenException'],
  ])('report %s for %s at once, without the message of AWS', async (code, name) => {
    const { table, received } = await tableWith([failure(400, name)]);
    const error: unknown = await table.get(KEY).then(undefined, (reason: unknown) => reason);
    expect(error).toMatchObject({ code, cause: { name } });
    expect(String(error)).not.toContain('arn:');
    expect(received).toHaveLength(1);
  });

  test('report the writes whose conditions failed', async () => {
    const CancellationReasons = [{ Code: 'None' }, { Code: 'ConditionalCheckFailed', Message: 'failed' }];
    const { table, received } = await tableWith([
      failure(400, 'TransactionCanceledException', { CancellationReasons }),
    ]);
    const attempt = table.transact([WRITE, put({ ...WRITE.put, sk: 'y' }, 'absent')]);
    await expect(attempt).rejects.toThrow(ConditionFailed);
    await expect(attempt).rejects.toMatchObject({ failed: [1] });
    expect(received).toHaveLength(1);
  });

  test('take the name of an error from the header if the body has none', async () => {
    const named: Respond = (response) =>
      response.writeHead(400, { 'x-amzn-errortype': 'ThrottlingException:http://internal.amazon.com/' }).end();
    const { table } = await tableWith(Array.from({ length: MANY }, () => named));
    await expect(table.get(KEY)).rejects.toMatchObject({ code: 'UNAVAILABLE', cause: { name: 'ThrottlingException' } });
  });
});
