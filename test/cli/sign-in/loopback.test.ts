import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { loopbackSignIn } from '../../../cli/sign-in/loopback.ts';
import { freePort } from '../../../rehearsal/free-port.ts';
import { startScriptedServer } from './issuer.ts';

const TOKENS = { access_token: 'access', refresh_token: 'refresh', expires_in: 600 };

/** A sign-in that waits for its browser. */
async function waiting(options: { timeoutMs?: number; ports?: readonly number[] } = {}) {
  const server = await startScriptedServer(() => ({ status: 200, body: TOKENS }));
  const issuer = 'https://issuer.example';
  const metadata = { issuer, authorizationEndpoint: `${issuer}/auth`, tokenEndpoint: `${server.url}/token` };
  let shown: (url: string) => void = () => undefined;
  const opened = new Promise<string>((resolve) => {
    shown = resolve;
  });
  const controller = new AbortController();
  const ports = options.ports ?? [await freePort()];
  const tokens = loopbackSignIn(metadata, {
    clientId: 'cli',
    scope: 'openid',
    show: shown,
    signal: controller.signal,
    ...options,
    ports,
  });
  // A test that expects a refusal attaches its own handler later.
  tokens.catch(() => undefined);
  const first = await Promise.race([opened, tokens.then(String)]).catch(async (error: unknown) => {
    await server[Symbol.asyncDispose]();
    throw error;
  });
  const url = new URL(first);
  const callback = url.searchParams.get('redirect_uri') ?? '';
  return {
    server,
    tokens,
    query: url.searchParams,
    controller,
    deliver: (parameters: Record<string, string>, init?: RequestInit) =>
      fetch(`${callback.replace('localhost', '127.0.0.1')}?${new URLSearchParams(parameters)}`, init),
    callback,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

test('redeems the code of its own request with PKCE, and closes the port', async () => {
  await using flow = await waiting();
  const state = flow.query.get('state') ?? '';
  expect(Object.fromEntries(flow.query)).toMatchObject({
    client_id: 'cli',
    response_type: 'code',
    scope: 'openid',
    code_challenge_method: 'S256',
    redirect_uri: expect.stringMatching(/^http:\/\/localhost:\d+\/callback$/),
  });
  const page = await flow.deliver({ state, code: 'the-code', iss: 'https://issuer.example' });
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('signed in')]);
  expect(page.headers.get('content-security-policy')).toBe("default-src 'none'");
  expect(await flow.tokens).toEqual({ accessToken: 'access', refreshToken: 'refresh', expiresIn: 600 });
  const [{ fields } = { fields: {} as Record<string, string> }] = flow.server.received;
  expect(fields).toMatchObject({ grant_type: 'authorization_code', code: 'the-code', redirect_uri: flow.callback });
  const challenge = createHash('sha256')
    .update(fields.code_verifier ?? '')
    .digest('base64url');
  expect(challenge).toBe(flow.query.get('code_challenge'));
  await expect(flow.deliver({ state, code: 'again' })).rejects.toThrow();
});

test('SE-1.2: ignores a callback with another state, issuer, host, path or method, and waits on', async () => {
  await using flow = await waiting();
  const state = flow.query.get('state') ?? '';
  const code = 'stolen';
  const statuses = [
    await flow.deliver({ state: 'x'.repeat(state.length), code }),
    await flow.deliver({ code }),
    await flow.deliver({ state, code, iss: 'https://evil.example' }),
    await flow.deliver({ state, code }, { method: 'POST' }),
    await fetch(`${flow.callback.replace('localhost', '127.0.0.1')}/other?state=${state}&code=${code}`),
  ].map(({ status }) => status);
  expect(statuses).toEqual([400, 400, 400, 404, 404]);
  expect(flow.server.received).toEqual([]);
  await flow.deliver({ state, code: 'own' });
  await flow.tokens;
  expect(flow.server.received.map(({ fields }) => fields.code)).toEqual(['own']);
});

test("ends with the issuer's refusal", async () => {
  await using flow = await waiting();
  await flow.deliver({ state: flow.query.get('state') ?? '', error: 'access_denied' });
  await expect(flow.tokens).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
    message: expect.stringContaining('access_denied'),
  });
});

test('ends after its time, and when its user interrupts it', async () => {
  await using late = await waiting({ timeoutMs: 20 });
  await expect(late.tokens).rejects.toThrow('not finished in time');
  await using stopped = await waiting();
  stopped.controller.abort();
  await expect(stopped.tokens).rejects.toThrow();
});

test('takes the next port where one is in use, and fails where all are', async () => {
  const busy = createServer();
  await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
  const { port } = busy.address() as AddressInfo;
  try {
    const free = await freePort();
    await using flow = await waiting({ ports: [port, free] });
    expect(flow.callback).toBe(`http://localhost:${free}/callback`);
    flow.controller.abort();
    await expect(waiting({ ports: [port] })).rejects.toThrow('must be free');
  } finally {
    await new Promise((resolve) => busy.close(resolve));
  }
});
