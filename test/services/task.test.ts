import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startKeySetServer } from '../support/key-set-server.ts';
import { until } from '../support/until.ts';
import { BOOK, World } from './world.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** One built service as an agent runs it: its own process, environment, socket and log. */
interface Task {
  readonly process: ChildProcess;
  readonly socket: string;
  readonly exited: Promise<unknown[]>;
  log(): string;
}

let world: World;
let admin: string;
let count = 0;

beforeAll(async () => {
  const build = spawnSync(process.execPath, [join(ROOT, 'scripts', 'build.ts'), '--if-stale'], { encoding: 'utf8' });
  expect(build).toMatchObject({ status: 0 });
  world = await World.open();
  admin = await world.bearer();
});
afterAll(() => world.close());

function start(service: string, over: Record<string, string> = {}, execArgv: readonly string[] = []): Task {
  const id = `t${count++}`;
  const socket = join(world.dir, `${id}.sock`);
  const log = join(world.dir, `${id}.log`);
  const output = openSync(log, 'a');
  const child = fork(join(ROOT, 'dist', 'services', `${service}.cjs`), [], {
    stdio: ['ignore', output, output, 'ipc'],
    execArgv: [...execArgv],
    env: {
      PATH: process.env.PATH,
      TIERPLANE_SERVICE: service,
      TIERPLANE_SOCKET: socket,
      TIERPLANE_TASK_ID: id,
      TIERPLANE_TENANT: '',
      TIERPLANE_DATA_FILE: join(world.dir, `${service}.db`),
      TIERPLANE_ISSUERS: JSON.stringify(world.issuers),
      TIERPLANE_IDENTITY_URL: 'http://127.0.0.1:9',
      ...over,
    },
  });
  closeSync(output);
  const exited = once(child, 'exit');
  world.onClose(() => child.kill('SIGKILL'));
  return { process: child, socket, exited, log: () => readFileSync(log, 'utf8') };
}

/** Pauses of milliseconds, and collections that can be counted. */
const SHORT_PAUSES = `
  const { setTimeout } = globalThis;
  globalThis.setTimeout = (run, ms, ...rest) => setTimeout(run, ms === 10_000 || ms === 60_000 ? 20 : ms, ...rest);
  globalThis.gc = () => process.stdout.write('collected\\n');
`;

function preload(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

async function ready(task: Task): Promise<Task> {
  expect(await once(task.process, 'message')).toEqual([{ type: 'ready' }, undefined]);
  return task;
}

async function call(
  task: Task,
  method: string,
  path: string,
  body?: object,
): Promise<{ status: number; body: string }> {
  // As the gateway sends it.
  const headers = {
    authorization: admin,
    'x-tierplane-role': 'TenantAdmin',
    ...(body && { 'content-type': 'application/json' }),
  };
  const sent = request({ socketPath: task.socket, method, path, headers, agent: false });
  sent.end(body && JSON.stringify(body));
  const [response] = await once(sent, 'response');
  return { status: response.statusCode, body: await text(response) };
}

describe('a built service, run as a task', () => {
  test('is ready, serves over its private socket, logs each request, and keeps its data for the next task', async () => {
    const first = await ready(start('products'));
    for (const file of [first.socket, join(world.dir, 'products.db')]) expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await call(first, 'GET', '/healthz')).status).toBe(200);
    const made = await call(first, 'POST', '/v1/products', BOOK);
    expect(made.status).toBe(201);
    await until(() => first.log().includes('"route":"/v1/products"'));
    expect(first.log()).not.toContain(admin.slice(7, 40));
    first.process.kill('SIGKILL');
    await first.exited;

    // A killed task leaves its socket file behind.
    writeFileSync(join(world.dir, `t${count}.sock`), '');
    const second = await ready(start('products'));
    const { productId } = JSON.parse(made.body);
    expect((await call(second, 'GET', `/products/${productId}`)).body).toBe(made.body);
    second.process.disconnect();
    expect(await second.exited).toEqual([0, null]);
  });

  test('OB-5: has read the keys of its issuers before it reports ready, so that the first requests do not wait for them', async () => {
    const keys = await startKeySetServer([]);
    const issuers = world.issuers.map((issuer) => ({ ...issuer, jwksUri: keys.url }));
    const task = await ready(start('products', { TIERPLANE_ISSUERS: JSON.stringify(issuers) }));
    expect(keys.requests()).toBe(issuers.length);
    task.process.disconnect();
    await task.exited;
    await keys.close();
  });

  test('orders finds products through the directory that the agent sends', async () => {
    const [products, orders] = await Promise.all([ready(start('products')), ready(start('orders'))]);
    const made = JSON.parse((await call(products, 'POST', '/products', { ...BOOK, sku: 'ORDERED' })).body);
    const order = { name: 'An order', lines: [{ productId: made.productId, quantity: 3 }] };
    expect((await call(orders, 'POST', '/orders', order)).status).toBe(503);
    orders.process.send({ type: 'directory', services: { products: [products.socket] } });
    const placed = await until(async () => {
      const response = await call(orders, 'POST', '/orders', order);
      return response.status === 201 ? response : undefined;
    });
    expect(JSON.parse(placed.body).total).toEqual({ amount: 3 * BOOK.price.amount, currency: 'EUR' });
    for (const task of [products, orders]) task.process.disconnect();
    expect(await Promise.all([products.exited, orders.exited])).toEqual([
      [0, null],
      [0, null],
    ]);
  });

  test('finishes its requests during a drain, closes its connections, then exits with 0', async () => {
    const task = await ready(start('products'));
    const payload = JSON.stringify({ ...BOOK, sku: 'DRAINED' });
    const head = `POST /products HTTP/1.1\r\nhost: x\r\nauthorization: ${admin}\r\nx-tierplane-role: TenantAdmin\r\ncontent-type: application/json\r\n`;
    const slow = createConnection(task.socket);
    const received = text(slow);
    slow.write(`${head}content-length: ${payload.length}\r\n\r\n${payload.slice(0, 10)}`);
    await call(task, 'GET', '/healthz');
    task.process.send({ type: 'drain' });
    await until(() => task.log().includes('draining'));
    slow.write(payload.slice(10));
    expect(await received).toMatch(/^HTTP\/1\.1 201 /);
    expect(await task.exited).toEqual([0, null]);
    await expect(call(task, 'GET', '/healthz')).rejects.toThrow();
  });

  test('drains at SIGTERM as well, and exits with 0', async () => {
    const task = await ready(start('products'));
    task.process.kill('SIGTERM');
    expect(await task.exited).toEqual([0, null]);
    expect(task.log()).toContain('draining');
  });

  test('returns memory in the pause after its start, and again in each pause after a request', async () => {
    const task = await ready(start('products', {}, ['--expose-gc', '--import', preload(SHORT_PAUSES)]));
    const collected = () => task.log().split('collected').length - 1;
    await until(() => collected() === 1);
    await call(task, 'GET', '/products');
    await until(() => collected() === 2);
    task.process.disconnect();
    expect(await task.exited).toEqual([0, null]);
  });

  test('has logged everything when it crashes', async () => {
    const crash = `process.on('message', ({ type }) => { if (type === 'crash') throw new Error('unexpected'); });`;
    const task = await ready(start('products', {}, ['--import', preload(crash)]));
    await call(task, 'GET', '/products');
    task.process.send({ type: 'crash' });
    expect(await task.exited).toEqual([1, null]);
    expect(task.log()).toContain('"route":"/products"');
    expect(task.log()).toContain('Error: unexpected');
  });

  test("loads neither Node's fetch nor HTTP/2, as it uses neither", async () => {
    const printModules = `process.on('exit', () => process.stdout.write(process.moduleLoadList.join(' ')));`;
    for (const service of ['products', 'orders', 'users']) {
      const task = await ready(start(service, {}, ['--import', preload(printModules)]));
      task.process.disconnect();
      await task.exited;
      expect(task.log()).toContain('NativeModule http');
      expect(task.log()).not.toMatch(/NativeModule internal\/(deps\/undici|http2)/);
    }
  });

  test('exits with 78 and every error of an invalid environment', async () => {
    const task = start('users', { TIERPLANE_ISSUERS: '{', TIERPLANE_IDENTITY_URL: '' });
    expect(await task.exited).toEqual([78, null]);
    expect(task.log()).toMatch(/users: invalid environment of the task \(2 errors\)/);
    expect(task.log()).toMatch(/TIERPLANE_ISSUERS: .*JSON[\s\S]*TIERPLANE_IDENTITY_URL: /);
  });
});

describe('the build', () => {
  const build = (...args: string[]) =>
    spawnSync(process.execPath, [join(ROOT, 'scripts', 'build.ts'), ...args], { encoding: 'utf8' });

  test('does nothing if nothing has changed', () => {
    const bundle = join(ROOT, 'dist', 'services', 'products.cjs');
    const { mtimeMs } = statSync(bundle);
    expect(build('--if-stale')).toMatchObject({ status: 0, stderr: '', stdout: '' });
    expect(statSync(bundle).mtimeMs).toBe(mtimeMs);
  });
});
