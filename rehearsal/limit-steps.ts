import assert from 'node:assert/strict';
import type { Installation } from './installation.ts';
import { mailsTo } from './invited-password.ts';

interface LimitScene {
  readonly installation: Installation;
  /** Sends a request with the administrator's access token. */
  request(method: string, path: string, body?: unknown): ReturnType<Installation['call']>;
}

/** How many mails to one address `DEFAULT_MAIL_RATES` permits at once. */
const MAILS = 10;
/** How many sign-ups of one client are admitted at once. 5 more are admitted each minute. */
const SIGN_UPS = 10;
const MAX_TRIES = 60;

/** What the emulated account shows of the limits for strangers and for mails. Each limit counts in one instance of a function. */
export const LIMIT_STEPS: readonly (readonly [string, (scene: LimitScene) => Promise<void>])[] = [
  [
    'the eleventh mail to one address within an hour is refused with Retry-After, and nothing is sent',
    async ({ installation, request }) => {
      const email = 'often@example.com';
      const user = { userName: 'often', userRole: 'CustomerSupport', email };
      assert.equal((await request('POST', '/users', user)).status, 201);
      const invite = () => request('POST', '/users/often/invitation');
      for (let sent = 1; sent < MAILS; sent++) assert.equal((await invite()).status, 200);
      assert.equal((await mailsTo(installation.account, email)).length, MAILS);
      const refused = await invite();
      assert.equal(refused.status, 429, refused.text);
      assert.match(String(refused.headers['retry-after']), /^[1-9]\d*$/);
      assert.equal((await mailsTo(installation.account, email)).length, MAILS);
      const { body } = await request('GET', '/users/often');
      assert.equal((body as { data: { status?: string } }).data.status, 'FORCE_CHANGE_PASSWORD');
      assert.equal((await request('DELETE', '/users/often')).status, 200);
    },
  ],
  [
    'sign-ups of one client are limited by the address that API Gateway observed, whatever X-Forwarded-For it sends',
    async ({ installation }) => {
      let sent = 0;
      const signUp = () => {
        const address = `198.51.100.${++sent}`;
        const headers = { 'x-forwarded-for': address, forwarded: `for=${address}`, 'x-real-ip': address };
        return installation.call('POST', '/onboarding', { headers, body: {} });
      };
      let response = await signUp();
      while (response.status === 422 && sent < MAX_TRIES) response = await signUp();
      assert.equal(response.status, 429, response.text);
      assert(sent > SIGN_UPS, `${sent - 1} sign-ups were admitted`);
      assert.match(String(response.headers['retry-after']), /^\d+$/);
      assert.equal((await installation.call('GET', '/healthz')).status, 200);
    },
  ],
];
