import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import type { Table } from '../../core/ports/table.ts';
import { ACCOUNT_ID, REGION } from '../../rehearsal/emulated-account.ts';
import { dataRolePolicy, dataRoleTrust } from '../../tenant-templates/data-role.ts';
import { assumeNewRole, createRole } from '../adapters/aws/store/roles.ts';
import { type Credentials, clientConfig, createTable, describeInAccount } from '../rehearsal/account.ts';
import { holdRequest } from '../support/held-request.ts';
import { closeServer, listen } from '../support/http-server.ts';
import { until } from '../support/until.ts';
import { createUserPool, type TestPool } from './user-pool.ts';
import { BOOK } from './world.ts';

jest.setTimeout(60_000);

const DIST = join(import.meta.dirname, '..', '..', 'dist', 'aws');
const TABLES = `arn:aws:dynamodb:${REGION}:${ACCOUNT_ID}:table/`;
const A = 'tenantaaaa';
const B = 'tenantbbbb';

interface Container {
  readonly process: ChildProcess;
  readonly url: string;
  log(): string;
}

interface Reply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests read responses of every shape
  readonly body: any;
}

test('a container whose environment is invalid exits with 78 and lists every error', () => {
  const env = { PATH: process.env.PATH, AWS_REGION: REGION, TIERPLANE_TABLE: '!' };
  const { status, stderr } = spawnSync(process.execPath, [join(DIST, 'products.cjs')], { env, encoding: 'utf8' });
  expect([status, stderr]).toEqual([
    78,
    expect.stringMatching(/^products: invalid environment of the task \(4 errors\):/),
  ]);
  for (const name of ['TABLE', 'DATA_ROLE', 'ISSUERS', 'USERS_FUNCTION'])
    expect(stderr).toContain(`  TIERPLANE_${name}: `);
});

describeInAccount('containers of the services in the emulated account', (account) => {
  const dir = mkdtempSync(join(tmpdir(), 'tp-aws-'));
  const closing: (() => unknown)[] = [];
  let task: Credentials;
  let dataRole: string;
  let pool: TestPool;
  let identityUrl: string;
  let root: Table;
  let products: Container;

  /** Starts a bundle as a container does: everything it knows comes from its environment. */
  async function start(service: string, over: Record<string, string> = {}): Promise<Container> {
    const log = join(dir, `${service}-${closing.length}.log`);
    const output = openSync(log, 'a');
    const child = spawn(process.execPath, [join(DIST, `${service}.cjs`)], {
      stdio: ['ignore', output, output],
      env: {
        PATH: process.env.PATH,
        AWS_REGION: REGION,
        AWS_ENDPOINT_URL: account().endpoint,
        AWS_ACCESS_KEY_ID: task.accessKeyId,
        AWS_SECRET_ACCESS_KEY: task.secretAccessKey,
        AWS_SESSION_TOKEN: task.sessionToken ?? '',
        TIERPLANE_PORT: '0',
        TIERPLANE_TABLE: 'items',
        TIERPLANE_DATA_ROLE: dataRole,
        TIERPLANE_ISSUERS: JSON.stringify([{ issuer: pool.issuer, realm: 'pool', clientIds: [pool.clientId] }]),
        TIERPLANE_IDENTITY_URL: identityUrl,
        ...over,
      },
    });
    closeSync(output);
    closing.unshift(() => child.kill('SIGKILL'));
    const read = () => readFileSync(log, 'utf8');
    const port = await until(() => /"address":"http:\/\/[^"]*:(\d+)"/.exec(read())?.[1]);
    return { process: child, url: `http://127.0.0.1:${port}`, log: read };
  }

  async function call(
    { url }: Container,
    token: string,
    path: string,
    { body, headers }: { body?: object; headers?: Record<string, string> } = {},
  ): Promise<Reply> {
    const response = await fetch(`${url}${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }), ...headers },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  }

  /** Access token of a user of the pool. */
  const tokenOf = async (tenantId: string, role = 'TenantAdmin') => (await pool.signIn(tenantId, role)).access;

  beforeAll(async () => {
    // A registry that agrees with every token.
    const identity = createServer((request, response) => {
      const { role, tenantId } = decodeJwt<{ role: string; tenantId: string }>(request.headers.authorization ?? '');
      response.end(JSON.stringify({ role, tenantId }));
    });
    identityUrl = (await listen(identity)).url;
    closing.push(() => closeServer(identity));
    root = await createTable(new DynamoDBClient(clientConfig(account())), 'items');
    const assume = { Effect: 'Allow', Action: ['sts:AssumeRole', 'sts:TagSession'], Resource: ['*'] } as const;
    task = await assumeNewRole(account(), 'task', [assume]);
    const trust = dataRoleTrust(`arn:aws:iam::${ACCOUNT_ID}:role/task`);
    dataRole = await createRole(account(), 'data', dataRolePolicy(`${TABLES}items`), trust);
    pool = await createUserPool(account(), 'pool');
    products = await start('products');
  });
  afterAll(async () => {
    for (const close of closing) await close();
    rmSync(dir, { recursive: true, force: true });
  });

  test('TI-2: products serves the tenants of a user pool, each with its own credentials and its own products', async () => {
    const [a, b] = [await tokenOf(A), await tokenOf(B)];
    expect(await call(products, a, '/v1/products')).toEqual({ status: 200, body: { data: [] } });
    const created = await call(products, a, '/v1/products', { body: BOOK });
    expect(created).toMatchObject({ status: 201, body: { name: BOOK.name } });
    expect((await call(products, a, '/v1/products')).body.data).toEqual([created.body]);
    expect(await call(products, b, '/v1/products')).toEqual({ status: 200, body: { data: [] } });
    expect((await call(products, b, `/v1/products/${created.body.productId}`)).status).toBe(404);
    expect((await root.query({ pk: `${A}#products`, limit: 10 })).items).toHaveLength(1);
  });

  test('SE-1.10: neither tokens nor credentials appear in the log', async () => {
    const token = await tokenOf(A);
    await call(products, token, '/v1/products');
    await call(products, `${token}x`, '/v1/products');
    await until(() => products.log().includes('"status":401'));
    const log = products.log();
    const secrets = [token, token.split('.')[2], task.secretAccessKey, task.sessionToken, 'ASIA', 'SecretAccessKey'];
    for (const secret of secrets) expect(log).not.toContain(secret);
  });

  test('reports that it is ready', async () => {
    for (const path of ['/healthz', '/readyz']) expect((await fetch(`${products.url}${path}`)).status).toBe(200);
  });

  test('is not ready without credentials of its own', async () => {
    const credentials = {
      AWS_ACCESS_KEY_ID: '',
      AWS_SECRET_ACCESS_KEY: '',
      AWS_EC2_METADATA_DISABLED: 'true',
      HOME: dir,
    };
    const without = await start('products', credentials);
    expect((await fetch(`${without.url}/readyz`)).status).toBe(503);
    expect((await call(without, await tokenOf(A), '/v1/products')).status).toBe(503);
  });

  describe('SE-1.2: refuses with 401', () => {
    const listed = async (token: string) => (await call(products, token, '/v1/products')).status;

    test('an ID token, a changed token, and a token of another user pool', async () => {
      const { access, id } = await pool.signIn(A, 'TenantAdmin');
      expect(await listed(access)).toBe(200);
      expect(await listed(id)).toBe(401);
      const [head, , signature] = access.split('.');
      const claims = { ...decodeJwt(access), tenantId: B };
      const changed = Buffer.from(JSON.stringify(claims)).toString('base64url');
      expect(await listed(`${head}.${changed}.${signature}`)).toBe(401);
      const other = await createUserPool(account(), 'other-pool');
      expect(await listed((await other.signIn(A, 'TenantAdmin')).access)).toBe(401);
    });
  });

  test('TI-2: the container of a silo serves its own tenant only', async () => {
    const silo = await start('products', { TIERPLANE_TENANT: A });
    expect((await call(silo, await tokenOf(A), '/v1/products')).status).toBe(200);
    expect((await call(silo, await tokenOf(B), '/v1/products')).status).toBe(403);
  });

  test('TI-2: a task whose data role is that of another tenant gets no session, and the request 403', async () => {
    const trust = dataRoleTrust(`arn:aws:iam::${ACCOUNT_ID}:role/task`, A);
    const role = await createRole(account(), 'silo-data', dataRolePolicy(`${TABLES}items`), trust);
    const misled = await start('products', { TIERPLANE_DATA_ROLE: role });
    expect(await call(misled, await tokenOf(B), '/v1/products')).toMatchObject({
      ...{ status: 403, body: { detail: 'this task must not act for the tenant' } },
    });
  });

  test('SE-1.5: a header does not change the tenant', async () => {
    const headers = { 'x-tierplane-tenant': B };
    expect((await call(products, await tokenOf(A), '/v1/products', { headers })).status).toBe(403);
  });

  test('TI-2: starts one session per tenant, whatever the number of requests', async () => {
    const sessions: (string | undefined)[] = [];
    const forwarder = createTcpServer((client) => {
      client.on('data', (bytes) => {
        for (const [, tenant] of bytes.toString().matchAll(/RoleSessionName=(\w+)/g)) sessions.push(tenant);
      });
      client.pipe(connect(account().port, '127.0.0.1')).pipe(client);
    });
    await new Promise<void>((resolve) => forwarder.listen(0, '127.0.0.1', resolve));
    closing.push(() => forwarder.close());
    const { port } = forwarder.address() as AddressInfo;
    const counted = await start('products', { AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${port}` });
    const tokens = [await tokenOf(A), await tokenOf(B)];
    const requests = Array.from({ length: 40 }, (_, i) => call(counted, tokens[i % 2] ?? '', '/v1/products'));
    expect(new Set((await Promise.all(requests)).map(({ status }) => status))).toEqual(new Set([200]));
    expect(sessions.sort()).toEqual([A, B]);
  });

  test('orders reads prices from the products service at its http endpoint', async () => {
    const orders = await start('orders', { TIERPLANE_SERVICES: JSON.stringify({ products: [products.url] }) });
    const token = await tokenOf(A);
    const product = await call(products, token, '/v1/products', { body: { ...BOOK, sku: 'ORDERED' } });
    const body = { name: 'An order', lines: [{ productId: product.body.productId, quantity: 2 }] };
    const order = await call(orders, token, '/v1/orders', { body });
    expect(order).toMatchObject({ status: 201, body: { total: { amount: 2 * BOOK.price.amount } } });
    const alone = await start('orders');
    expect((await call(alone, token, '/v1/orders', { body })).status).toBe(503);
  });

  test('SIGTERM lets a request in flight complete, and ends the process with 0', async () => {
    const ending = await start('products');
    const exited = once(ending.process, 'exit');
    const token = await tokenOf(A);
    const headers = { authorization: `Bearer ${token}`, 'x-tierplane-role': 'TenantAdmin' };
    const body = JSON.stringify({ ...BOOK, sku: 'IN-FLIGHT' });
    const held = await holdRequest(`${ending.url}/v1/products`, { method: 'POST', headers, body });
    ending.process.kill('SIGTERM');
    await until(() => ending.log().includes('"msg":"draining"'));
    expect((await held.finish()).status).toBe(201);
    expect(await exited).toEqual([0, null]);
    await expect(fetch(`${ending.url}/healthz`)).rejects.toThrow();
  });
});
