import { readFileSync } from 'node:fs';
import { createServer, type Server, request as send } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { batchesOf } from '../../core/collections/batches.ts';
import { ADMIN_SIGN_IN_SCOPE, CLI_CLIENT } from '../../core/identity/issuers.ts';
import { closeServer, listen } from '../support/http-server.ts';
import { signIn } from '../support/sign-in-by-page.ts';
import { eventually, TestPlatform } from './harness.ts';

/** Says to the proxy of these tests which client a request is from. */
const CLIENT = 'x-test-client';
const [ATTACKER, OPERATOR] = ['203.0.113.66', '2001:db8::7'];

let proxy: Server;
let url: string;
let platform: TestPlatform;
let port: number;

/** As nginx does with `proxy_add_x_forwarded_for`: adds the client to what the client has sent. */
function startProxy(): Server {
  return createServer((req, res) => {
    const { [CLIENT]: client, ...headers } = req.headers;
    const forwardedFor = [headers['x-forwarded-for'], client].filter(Boolean).join(', ');
    const options = {
      port,
      method: req.method,
      path: req.url,
      headers: { ...headers, 'x-forwarded-for': forwardedFor },
    };
    const onward = send({ host: '127.0.0.1', ...options }, (response) => {
      res.writeHead(response.statusCode ?? 502, response.rawHeaders);
      response.pipe(res);
    });
    onward.on('error', () => res.destroy());
    req.pipe(onward);
  });
}

async function freePort(): Promise<number> {
  const probe = createServer();
  const { port: found } = await listen(probe);
  await closeServer(probe);
  return found;
}

beforeAll(async () => {
  proxy = startProxy();
  ({ url } = await listen(proxy));
  port = await freePort();
  const signUp = { perMinute: 1, burst: 2 };
  platform = new TestPlatform({ config: { publicUrl: url, trustedProxies: ['loopback'], signUp } });
  await platform.start(String(port));
}, 60_000);
afterAll(async () => {
  await platform?.dispose();
  await closeServer(proxy);
}, 60_000);

const as =
  (client: string): typeof fetch =>
  (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set(CLIENT, client);
    return fetch(input, { ...init, headers });
  };

/** 'signed in', or the code of the refusal. */
async function enter(client: string, userName: string, password: string): Promise<string> {
  const options = { issuer: `${url}/realms/admin`, clientId: CLI_CLIENT, scope: ADMIN_SIGN_IN_SCOPE };
  return signIn({ ...options, userName, password, fetch: as(client) }).then(
    () => 'signed in',
    (error) => error.code,
  );
}

describe('RT-9: behind a trusted proxy', () => {
  test('80 wrong passwords of one client keep neither other clients nor the command line out', async () => {
    const names = Array.from({ length: 80 }, (_, tried) => `nobody${tried % 10}`);
    for (const batch of batchesOf(names, 8)) await Promise.all(batch.map((name) => enter(ATTACKER, name, 'Wrong-1')));
    const { email, password } = platform.ready.admin;
    expect(await enter(ATTACKER, email, password ?? '')).toBe('TOO_MANY');
    expect(await enter(OPERATOR, email, password ?? '')).toBe('signed in');
    expect((await platform.cli('tenants', 'list')).code).toBe(0);
  }, 120_000);

  test('each client has sign-ups of its own, and cannot choose its address', async () => {
    const signUp = async (client: string, headers: Record<string, string> = {}): Promise<number> => {
      const body = JSON.stringify({ tenant_name: 'Weak', email: 'weak@weak.example', password: 'weak' });
      const init = { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } };
      return (await as(client)(`${url}/control-plane/onboarding`, init)).status;
    };
    expect([await signUp(ATTACKER), await signUp(ATTACKER), await signUp(ATTACKER)]).toEqual([422, 422, 429]);
    expect(await signUp(ATTACKER, { 'x-forwarded-for': '198.51.100.1' })).toBe(429);
    expect(await signUp(ATTACKER, { forwarded: 'for=198.51.100.2' })).toBe(422);
    expect(await signUp(ATTACKER, { forwarded: 'for=198.51.100.3' })).toBe(422);
    expect(await signUp(ATTACKER, { forwarded: 'for=198.51.100.4' })).toBe(429);
    expect(await signUp(OPERATOR)).toBe(422);
    expect(await signUp('2001:db8:0:0:ffff::1')).toBe(422);
    expect(await signUp('2001:db8:0:0:eeee::1')).toBe(429);
  });

  test('the access log and the log of sign-ins name the client', async () => {
    const log = (name: string): string => readFileSync(join(platform.dataDir, 'logs', name), 'utf8');
    await eventually('the lines of both clients', () =>
      [ATTACKER, OPERATOR].every((client) => log('gateway.log').includes(`"client":"${client}"`)),
    );
    expect(log('platform.log')).toMatch(new RegExp(`"client":"${OPERATOR}","outcome":"signed-in"`));
    expect(log('platform.log')).toMatch(new RegExp(`"client":"${ATTACKER}","outcome":"too-many"`));
  });
});
