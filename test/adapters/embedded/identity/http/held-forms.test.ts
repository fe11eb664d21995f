import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createBrowser, type Page } from '../../../../support/sign-in-by-page.ts';
import { sourceFiles } from '../../../../support/source-files.ts';
import { until } from '../../../../support/until.ts';
import { ACME, type RealmServer, startRealmServer } from '../realm-server.ts';

const PASSWORD = 'Correct-horse-7';
const CHOSEN = { newPassword: 'Battery-staple-8', repeated: 'Battery-staple-8' };
const STARTED = 'http.server.request.start';

let server: RealmServer;
/** What happens while the body of the next form is on its way. */
let meanwhile: (() => Promise<unknown> | unknown) | undefined;
/** The records right after that. */
let before: unknown;

beforeAll(async () => {
  server = await startRealmServer({ logN: 10 });
});
afterAll(async () => server?.close());

/** Everything that is stored but sessions, which count the pages that they have shown. */
function records(): unknown {
  return server.table.database.statement("SELECT * FROM items WHERE sk NOT LIKE 'Session#%' ORDER BY pk, sk").all();
}

/** Resolves when the server has received the head of a POST request. */
function nextPost(): Promise<void> {
  return new Promise((resolve) => {
    const onStart = (message: unknown): void => {
      if ((message as { request: IncomingMessage }).request.method !== 'POST') return;
      unsubscribe(STARTED, onStart);
      resolve();
    };
    subscribe(STARTED, onStart);
  });
}

/** As `fetch`. Holds the body of the form until `meanwhile` has happened. */
const holdingFetch: typeof fetch = async (url, init) => {
  const change = meanwhile;
  if (!change || init?.method !== 'POST') return fetch(url, init);
  meanwhile = undefined;
  const text = String(init.body);
  const middle = Math.floor(text.length / 2);
  const arrived = nextPost();
  async function* body(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(text.slice(0, middle));
    await arrived;
    await change?.();
    before = records();
    yield Buffer.from(text.slice(middle));
  }
  const headers = { ...init.headers, 'content-type': 'application/x-www-form-urlencoded' };
  return fetch(url, { ...init, headers, body: ReadableStream.from(body()), duplex: 'half' } as RequestInit);
};

function openBrowser() {
  const browser = createBrowser('none:', holdingFetch);
  return {
    open: async (path: string) =>
      (await browser.open(path.startsWith('http') ? path : `${server.issuer('pool')}${path}`)) as Page,
    submit: async (page: Page, values: Record<string, string>) => (await browser.submit(page, values)) as Page,
  };
}
type Browser = ReturnType<typeof openBrowser>;

/** Creates a user, with a temporary password if there is no other. */
function newUser(chosen: { readonly password?: string } = { password: PASSWORD }): Promise<string> {
  server.changeTenant(ACME, { active: true });
  return server.newUser(chosen);
}

async function signedIn(userName: string): Promise<Browser> {
  const browser = openBrowser();
  await browser.submit(await browser.open('/account'), { userName, password: PASSWORD });
  return browser;
}

interface Form {
  readonly browser: Browser;
  readonly page: Page;
  readonly values: Record<string, string>;
}

async function ownForm(userName: string, path: string, values: Record<string, string>): Promise<Form> {
  const browser = await signedIn(userName);
  return { browser, page: await browser.open(path), values };
}

async function linkFor(userName: string): Promise<string> {
  const browser = openBrowser();
  await browser.submit(await browser.open('/forgot-password'), { userName });
  return until(async () => {
    const { items } = await server.mailer.list({ limit: 200 });
    const texts = items.filter(({ to }) => to === userName).map(({ text }) => text);
    return texts.flatMap((text) => /^Choose a new password: (\S+)$/m.exec(text)?.[1] ?? [])[0];
  });
}

async function deviceCode(): Promise<{ user_code: string }> {
  const response = await fetch(`${server.issuer('pool')}/device/auth`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: 'tierplane-cli', scope: 'openid' }),
  });
  return (await response.json()) as { user_code: string };
}

interface Case {
  /** Creates the user. @default - one with a chosen password */
  readonly user?: () => Promise<string>;
  readonly open: (userName: string) => Promise<Form>;
  /** What the response shows after a loss. @default - any refusal */
  readonly shown?: readonly string[];
  /** Signing out everywhere takes nothing from somebody who signs in or has a link. @default true */
  readonly needsSession?: boolean;
}

/** Every form, by the `data-page` of the page that has it. */
const FORMS: Readonly<Record<string, Case>> = {
  'sign-in': {
    needsSession: false,
    async open(userName) {
      const browser = openBrowser();
      return { browser, page: await browser.open('/account'), values: { userName, password: PASSWORD } };
    },
  },
  'change-password': {
    user: () => newUser({}),
    needsSession: false,
    async open(userName) {
      const browser = openBrowser();
      const password = await server.invitedPassword(userName);
      const page = await browser.submit(await browser.open('/account'), { userName, password });
      return { browser, page, values: CHOSEN };
    },
  },
  'own-password': { open: (userName) => ownForm(userName, '/account/password', { password: PASSWORD, ...CHOSEN }) },
  'sign-out-everywhere': { open: (userName) => ownForm(userName, '/account/sign-out-everywhere', {}) },
  'forgot-password': {
    needsSession: false,
    // The response reveals nothing.
    shown: ['link-sent'],
    async open(userName) {
      const browser = openBrowser();
      return { browser, page: await browser.open('/forgot-password'), values: { userName } };
    },
  },
  'reset-password': {
    needsSession: false,
    async open(userName) {
      const browser = openBrowser();
      return { browser, page: await browser.open(await linkFor(userName)), values: CHOSEN };
    },
  },
  'device-code': {
    // Entering a code grants nothing.
    shown: ['device-confirm', 'device-code'],
    async open(userName) {
      const browser = await signedIn(userName);
      return { browser, page: await browser.open('/device'), values: await deviceCode() };
    },
  },
  'device-confirm': {
    // Somebody whose session has ended is asked to sign in.
    shown: ['sign-in', 'error', 'device-code'],
    async open(userName) {
      const browser = await signedIn(userName);
      const page = await browser.submit(await browser.open('/device'), await deviceCode());
      return { browser, page, values: { confirm: 'yes' } };
    },
  },
};

const SIGNED_OUT = 'signs out everywhere';
const LOSSES: readonly (readonly [string, (userName: string) => unknown])[] = [
  ['is disabled', (userName) => server.identity.setUserEnabled('pool', userName, false)],
  ['is deleted', (userName) => server.identity.deleteUser('pool', userName)],
  [SIGNED_OUT, (userName) => server.identity.endSessions('pool', userName)],
  ['loses the tenant', () => server.changeTenant(ACME, { active: false })],
];

describe.each(Object.entries(FORMS))('ID-4: the form of the page %s, whose body is still on its way', (name, form) => {
  const { user = newUser, open, shown, needsSession = true } = form;

  test.each(LOSSES.filter(([what]) => needsSession || what !== SIGNED_OUT))(
    'when the user %s, changes nothing',
    async (_what, lose) => {
      const userName = await user();
      const { browser, page, values } = await open(userName);
      expect(page.name).toBe(name);
      before = undefined;
      meanwhile = () => lose(userName);
      const response = await browser.submit(page, values);
      if (shown) expect(shown).toContain(response.name);
      else expect(response.status).toBeGreaterThanOrEqual(400);
      expect(before).toBeDefined();
      if (name === 'forgot-password')
        await until(() => server.logged.filter((line) => line.includes('forgotten password')).length > 0);
      expect(records()).toEqual(before);
    },
  );
});

test('there is a case here for each page with a form of ours', () => {
  // On AWS, where API Gateway passes on whole forms only.
  const elsewhere = 'web/pages/account-by-password.ts';
  const files = sourceFiles(/\.ts$/).filter((file) => file.startsWith('web/pages/') && file !== elsewhere);
  const pages = files.flatMap((file) => readFileSync(file, 'utf8').split('data-page="').slice(1));
  const names = pages.filter((text) => text.includes('<form method="post"')).map((text) => text.split('"')[0]);
  expect(names.sort()).toEqual(Object.keys(FORMS).sort());
});
