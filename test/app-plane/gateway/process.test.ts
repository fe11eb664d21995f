import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { openTable, type SqliteTable } from '../../../adapters/embedded/store/table.ts';
import type { GatewayMessage } from '../../../app-plane/gateway/messages.ts';
import { API_AUDIENCE } from '../../../core/identity/issuers.ts';
import { type Key, put } from '../../../core/ports/table.ts';
import { type Route, routeKey, subjectKey } from '../../../core/routing/registry.ts';
import { TIERS } from '../../../tenant-templates/tiers.ts';
import { listen } from '../../support/http-server.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/until.ts';
import { echo, type SocketServer, serveOn, tenantRoute, tenantUser } from './fixture.ts';

const ENTRY = join(import.meta.dirname, '../../../app-plane/gateway/server.ts');
const PUBLIC_URL = 'http://127.0.0.1:1';
const QUOTA = 20;

/** The gateway's process with its stores, keys over the platform's socket, and IPC. */
describe("the gateway's process", () => {
  const dir = mkdtempSync(join(tmpdir(), 'gwp-'));
  const children: ChildProcess[] = [];
  const clock = new ManualClock(Date.now());
  const route = tenantRoute('acme00001');
  const settings = {
    host: '127.0.0.1',
    port: 0,
    publicUrl: PUBLIC_URL,
    platformSocket: join(dir, 'platform.sock'),
    registryFile: join(dir, 'platform.db'),
    quotaFile: join(dir, 'gateway.db'),
    tiers: { ...TIERS, basic: { ...TIERS.basic, usagePlan: { rate: 1_000, burst: 1_000, quotaPerDay: QUOTA } } },
    accessLog: join(dir, 'access.log'),
  };
  let registry: SqliteTable;
  let platform: SocketServer;
  let products: SocketServer;
  let authorization: string;

  async function register(...records: { key: Key; data: object }[]): Promise<void> {
    await registry.transact(records.map(({ key, data }) => put({ ...key, version: 1, data })));
  }

  beforeAll(async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS256');
    const keySet = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }] };
    platform = await serveOn(settings.platformSocket, (request: IncomingMessage, response: ServerResponse) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(request.url === '/realms/pool/jwks' ? keySet : { page: request.url }));
    });
    products = await serveOn(join(dir, 'products.sock'), echo);
    registry = openTable({ file: settings.registryFile, clock });
    const user = tenantUser(route);
    await register(
      { key: routeKey(route.tenantId), data: route },
      { key: subjectKey('pool', user.subject), data: user },
    );
    const token = await new SignJWT({ token_use: 'access', client_id: 'tierplane-cli', tenantId: route.tenantId })
      .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
      .setIssuer(`${PUBLIC_URL}/realms/pool`)
      .setAudience(API_AUDIENCE)
      .setSubject(user.subject)
      .setExpirationTime('10m')
      .sign(privateKey);
    authorization = `Bearer ${token}`;
  });

  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await Promise.all([platform.close(), products.close(), registry.close()]);
    rmSync(dir, { recursive: true, force: true });
  });

  function launch(change: object = {}): {
    child: ChildProcess;
    first: Promise<GatewayMessage>;
    exit: Promise<number | null>;
  } {
    const services = [{ cluster: 'pool', tenantId: null, service: 'products', sockets: [products.socket] }];
    const child = fork(ENTRY, [], {
      execPath: process.execPath,
      execArgv: ['--disable-warning=ExperimentalWarning'],
      env: { PATH: process.env.PATH, TIERPLANE_GATEWAY: JSON.stringify({ ...settings, ...change }) },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    children.push(child);
    child.send({ type: 'endpoints', services });
    return {
      child,
      first: new Promise((resolve) => child.once('message', (message) => resolve(message as GatewayMessage))),
      exit: new Promise((resolve) => child.once('exit', resolve)),
    };
  }

  async function start(
    change: object = {},
  ): Promise<{ child: ChildProcess; exit: Promise<number | null>; url: string }> {
    const { child, first, exit } = launch(change);
    const message = await first;
    if (message.type !== 'ready') throw new Error(JSON.stringify(message));
    const url = `http://127.0.0.1:${message.port}`;
    return { child, exit, url };
  }

  const status = async (url: string): Promise<number> =>
    (await fetch(`${url}/api/products`, { headers: { authorization } })).status;

  const untilStatus = (url: string, expected: number): Promise<true> =>
    until(async () => (await status(url)) === expected);

  test('RT-1: serves, applies changes at once, and stops cleanly on SIGTERM', async () => {
    const { child, exit, url } = await start();
    // It listens only when it knows the tasks, so no request is refused for lack of one.
    expect(await status(url)).toBe(200);
    expect(await (await fetch(`${url}/mailbox`)).json()).toEqual({ page: '/mailbox' });

    await register({ key: routeKey(route.tenantId), data: { ...route, state: 'suspended' } satisfies Route });
    child.send({ type: 'invalidate', tenantId: route.tenantId });
    await untilStatus(url, 403);
    await register({ key: routeKey(route.tenantId), data: route });
    child.send({ type: 'invalidate', tenantId: route.tenantId });
    await untilStatus(url, 200);
    child.send({ type: 'nonsense' });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);

    child.kill('SIGTERM');
    expect(await exit).toBe(0);
    const log = readFileSync(settings.accessLog, 'utf8');
    expect(log).toContain('"path":"/mailbox"');
    expect(log).not.toMatch(/eyJ|key-acme/);
  });

  test("RT-2: keeps the day's quota count across a SIGTERM and, except for the last moment, a kill -9", async () => {
    await registry.transact([put({ ...routeKey(route.tenantId), version: 1, data: { ...route, apiKey: 'key-2' } })]);
    const first = await start();
    await untilStatus(first.url, 200);
    for (let call = 1; call < 8; call++) expect(await status(first.url)).toBe(200);
    first.child.kill('SIGTERM');
    await first.exit;

    const second = await start();
    await untilStatus(second.url, 200);
    expect(await status(second.url)).toBe(200);
    await until(async () => (await storedCount()) >= 10);
    second.child.kill('SIGKILL');
    await second.exit;

    const third = await start();
    let served = 0;
    while ((await status(third.url)) === 200) served += 1;
    expect(served).toBe(QUOTA - 10);
    third.child.kill('SIGTERM');
    await third.exit;
  });

  async function storedCount(): Promise<number> {
    const table = openTable({ file: settings.quotaFile, readOnly: true, clock });
    try {
      return (await table.get<{ count: number }>({ pk: 'quota', sk: 'key-2' }))?.data.count ?? 0;
    } finally {
      await table.close();
    }
  }

  test("serves with undici if the configuration says so, and with the gateway's own client by default", async () => {
    for (const [change, connection] of [
      [{}, undefined],
      // undici sends a `Connection` header, the gateway's own client does not.
      [{ upstream: 'undici' }, 'keep-alive'],
    ] as const) {
      const { child, exit, url } = await start({ ...change, quotaFile: join(dir, 'undici.db') });
      await untilStatus(url, 200);
      const echoed = await (await fetch(`${url}/api/products`, { headers: { authorization } })).json();
      const { rawHeaders } = echoed as { rawHeaders: string[] };
      expect(rawHeaders[rawHeaders.indexOf('connection') + 1 || rawHeaders.length]).toBe(connection);
      child.kill('SIGTERM');
      expect(await exit).toBe(0);
    }
  });

  test.each<[string, (file: string) => void]>([
    ['holds something else', (file) => writeFileSync(file, 'not a database'.repeat(500))],
    ['is a directory', (file) => mkdirSync(file)],
    ['is of a newer version', (file) => newerStore(file)],
  ])(
    'OB-5: serves with counts in memory if its own store %s, reports why, and does not change it',
    async (what, damage) => {
      const quotaFile = join(dir, `${what}.db`);
      damage(quotaFile);
      const before = statSync(quotaFile).mtimeMs;
      const { child, first, exit } = launch({ quotaFile });
      const ready = await first;
      expect(ready).toMatchObject({ type: 'ready', quotaProblem: expect.stringContaining(quotaFile) });
      await untilStatus(`http://127.0.0.1:${ready.type === 'ready' ? ready.port : 0}`, 200);
      expect(statSync(quotaFile).mtimeMs).toBe(before);
      child.kill('SIGTERM');
      expect(await exit).toBe(0);
    },
  );

  test('responds to a ping once it has applied every earlier message', async () => {
    const { child, url } = await start({ quotaFile: join(dir, 'ping.db') });
    const pong = new Promise((resolve) => child.on('message', resolve));
    child.send({ type: 'endpoints', services: [] });
    child.send({ type: 'ping', id: 7 });
    expect(await pong).toEqual({ type: 'pong', id: 7 });
    expect(await status(url)).toBe(503);
  });

  test('stops when the platform is gone', async () => {
    const { child, exit } = await start();
    child.disconnect();
    expect(await exit).toBe(0);
  });

  test('reports that its port is in use, and exits with 78', async () => {
    const taken = createServer();
    const { port } = await listen(taken);
    try {
      const { first, exit } = launch({ port });
      expect(await first).toMatchObject({
        type: 'error',
        code: 'EADDRINUSE',
        message: expect.stringContaining(`${port}`),
      });
      expect(await exit).toBe(78);
    } finally {
      taken.close();
    }
  });

  test('reports every error of its configuration, and exits with 78', async () => {
    const { first, exit } = launch({ port: 'x', wrong: 1 });
    expect(await first).toMatchObject({ type: 'error', code: 'CONFIG', message: expect.stringContaining('port:') });
    expect(await exit).toBe(78);
  });
});

function newerStore(file: string): void {
  const db = new DatabaseSync(file);
  db.exec('PRAGMA user_version = 9999');
  db.close();
}
