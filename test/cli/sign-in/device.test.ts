import { expect, test } from '@jest/globals';
import { deviceSignIn } from '../../../cli/sign-in/device.ts';
import { metadataOf } from '../../../cli/sign-in/discovery.ts';
import { startScriptedServer } from './issuer.ts';

const TOKENS = { access_token: 'access', refresh_token: 'refresh', expires_in: 600 };
const never = new AbortController().signal;

/** An issuer that gives these responses to polls, one after the other, and the last one again. */
async function issuerWith(polls: readonly { status: number; body: unknown }[], granted: object = {}) {
  let url = '';
  let polled = 0;
  const server = await startScriptedServer(({ path }) => {
    if (path.endsWith('/openid-configuration')) return { status: 200, body: endpointsOf(url) };
    if (path === '/device') {
      const body = { device_code: 'dc', user_code: 'BCDF-GHJK', verification_uri: `${url}/device`, expires_in: 600 };
      return { status: 200, body: { ...body, ...granted } };
    }
    return polls[Math.min(polled++, polls.length - 1)] ?? { status: 500 };
  });
  url = server.url;
  return server;
}

function endpointsOf(url: string) {
  return {
    issuer: url,
    authorization_endpoint: `${url}/auth`,
    token_endpoint: `${url}/token`,
    device_authorization_endpoint: `${url}/device`,
  };
}

async function signIn(url: string, pauses: number[] = []) {
  const pause = async (ms: number): Promise<void> => void pauses.push(ms);
  const metadata = await metadataOf(url);
  return deviceSignIn(metadata, { clientId: 'cli', scope: 'openid', show: () => undefined, signal: never, pause });
}

const refusal = (error: string) => ({ status: 400, body: { error } });
const granted = { status: 200, body: TOKENS };

test('polls every 5 seconds, and 5 seconds slower after each slow_down', async () => {
  const pending = refusal('authorization_pending');
  await using issuer = await issuerWith([pending, refusal('slow_down'), refusal('slow_down'), granted]);
  const pauses: number[] = [];
  expect(await signIn(issuer.url, pauses)).toEqual({ accessToken: 'access', refreshToken: 'refresh', expiresIn: 600 });
  expect(pauses).toEqual([5_000, 5_000, 10_000, 15_000]);
});

test('polls at the interval that the issuer names', async () => {
  await using issuer = await issuerWith([granted], { interval: 2 });
  const pauses: number[] = [];
  await signIn(issuer.url, pauses);
  expect(pauses).toEqual([2_000]);
});

test.each([
  ['access_denied', 'access was denied'],
  ['expired_token', 'the code expired'],
  ['invalid_grant', 'invalid_grant'],
])('ends with the reason when the issuer responds with %s', async (error, message) => {
  await using issuer = await issuerWith([refusal(error)]);
  await expect(signIn(issuer.url)).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
    message: expect.stringContaining(message),
  });
});

test('ends by itself when the code has expired', async () => {
  await using issuer = await issuerWith([refusal('authorization_pending')], { expires_in: 0.05 });
  await expect(signIn(issuer.url)).rejects.toThrow('the code expired');
});

test('ends when its user interrupts it', async () => {
  await using issuer = await issuerWith([refusal('authorization_pending')]);
  const controller = new AbortController();
  const show = (): void => controller.abort();
  const metadata = await metadataOf(issuer.url);
  const running = deviceSignIn(metadata, { clientId: 'cli', scope: 'openid', show, signal: controller.signal });
  await expect(running).rejects.toThrow();
  expect(issuer.received.filter(({ path }) => path === '/token')).toEqual([]);
});

test('refuses a verification address that is not secure', async () => {
  await using issuer = await issuerWith([granted], { verification_uri: 'http://evil.example/device' });
  await expect(signIn(issuer.url)).rejects.toMatchObject({ code: 'INVALID' });
});
