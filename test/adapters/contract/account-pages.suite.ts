import { beforeAll, describe, expect, test } from '@jest/globals';
import type { SignedIn } from './own-account.suite.ts';

export interface SentPage {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

export interface PageOptions {
  /** Posts a form. */
  readonly form?: Readonly<Record<string, string>>;
  readonly query?: string;
  /** Calls the API of the own account. `body` is sent as JSON. */
  readonly api?: { readonly method: 'PUT' | 'DELETE'; readonly token: string; readonly body?: object };
  readonly headers?: Readonly<Record<string, string>>;
}

/** The account pages of one realm. */
export interface AccountPagesFixture {
  /** Where the realm is, as mails name it. */
  readonly base: string;
  /** Sends a request. @param path below the realm */
  send(path: string, options?: PageOptions): Promise<SentPage>;
  /** Creates a user who has chosen this password. @returns the user name, which is also the email */
  newUser(password: string): Promise<string>;
  signIn(userName: string, password: string): Promise<SignedIn>;
  /** Whether the session gives new tokens or its access token is accepted. */
  isOpen(session: SignedIn): Promise<boolean>;
  mailsTo(email: string): Promise<readonly { readonly subject: string; readonly text: string }[]>;
}

const PASSWORD = 'Correct-horse-battery-7';
const NEW_PASSWORD = 'Battery-staple-correct-8';
/** What a request for a link takes at least. */
const LINK_MS = 1_500;

/** The pages with which users help themselves on AWS. */
export function accountPagesContract(realm: string, open: () => Promise<AccountPagesFixture>): void {
  describe(`the account pages of ${realm}`, () => {
    let pages: AccountPagesFixture;
    beforeAll(async () => {
      pages = await open();
    }, 120_000);

    const nameOf = ({ text }: SentPage) => /data-page="([^"]*)"/.exec(text)?.[1];
    const linksTo = async (email: string): Promise<string[]> => {
      const mails = await pages.mailsTo(email);
      return mails.flatMap(({ text }) => /^Choose a new password: (\S+)$/m.exec(text)?.[1] ?? []);
    };
    const forget = (userName: string) => pages.send('/forgot-password', { form: { userName } });
    const tokenIn = (link: string) => new URL(link).searchParams.get('token') ?? '';
    const reset = (token: string, newPassword = NEW_PASSWORD, repeated = newPassword) =>
      pages.send('/reset-password', { form: { token, newPassword, repeated } });
    const change = (userName: string, password: string, newPassword = NEW_PASSWORD, repeated = newPassword) =>
      pages.send('/account/password', { form: { userName, password, newPassword, repeated } });

    async function linkFor(email: string): Promise<string> {
      expect((await forget(email)).status).toBe(200);
      return (await linksTo(email)).at(-1) ?? '';
    }

    test('ID-1: a forgotten password is replaced by a mailed link, once, and all sessions end', async () => {
      const email = await pages.newUser(PASSWORD);
      const session = await pages.signIn(email, PASSWORD);
      const mailed = await linkFor(email);
      expect(mailed.startsWith(`${pages.base}/reset-password?token=`)).toBe(true);
      const shown = await pages.send('/reset-password', { query: new URL(mailed).search.slice(1) });
      expect([shown.status, nameOf(shown), shown.headers['referrer-policy']]).toEqual([
        ...[200, 'reset-password', 'no-referrer'],
      ]);
      expect(shown.text).toContain(`value="${email}"`);
      expect([
        (await reset(tokenIn(mailed), 'weak')).status,
        (await reset(tokenIn(mailed), PASSWORD, 'x')).status,
      ]).toEqual([422, 422]);
      const replies = await Promise.all([reset(tokenIn(mailed)), reset(tokenIn(mailed))]);
      expect(replies.map(({ status }) => status).sort()).toEqual([200, 404]);
      const again = await reset(tokenIn(mailed), 'Another-password-9');
      expect([again.status, nameOf(again)]).toEqual([404, 'link-not-valid']);
      expect(await pages.isOpen(session)).toBe(false);
      await expect(pages.signIn(email, PASSWORD)).rejects.toThrow();
      expect(await pages.isOpen(await pages.signIn(email, NEW_PASSWORD))).toBe(true);
    });

    test('SE-1: the request for a link gets the same response in at least the same time for every name', async () => {
      const known = await pages.newUser(PASSWORD);
      const names = [known, 'nobody@nowhere.example', "x' OR 1=1", '..', 'a\u0000b', 'ü'.repeat(254)];
      const started = performance.now();
      const seen = await Promise.all(
        names.map(async (name) => {
          const { status, text, headers } = await forget(name);
          expect(performance.now() - started).toBeGreaterThanOrEqual(LINK_MS);
          return [status, text, headers['content-security-policy'], headers['cache-control']];
        }),
      );
      expect(new Set(seen.map((one) => JSON.stringify(one))).size).toBe(1);
      expect(await linksTo(known)).toHaveLength(1);
    });

    test('SE-1: a user gets at most three links in half an hour, and the newest alone is valid', async () => {
      const email = await pages.newUser(PASSWORD);
      for (let i = 0; i < 4; i++) expect((await forget(email)).status).toBe(200);
      const links = await linksTo(email);
      expect(links).toHaveLength(3);
      const [first = '', , newest = ''] = links.map(tokenIn);
      expect((await reset(first)).status).toBe(404);
      const crossed = `${first.split('.')[0]}.${'A'.repeat(43)}`;
      for (const token of [crossed, newest.slice(0, -1), '', '.', `${newest}\n`, '\u0000'])
        expect((await reset(token)).status).toBe(404);
      expect((await reset(newest)).status).toBe(200);
    });

    test('SE-1: a link is void once the password was changed otherwise', async () => {
      const email = await pages.newUser(PASSWORD);
      const link = await linkFor(email);
      expect((await change(email, PASSWORD)).status).toBe(200);
      expect((await reset(tokenIn(link), 'Another-password-9')).status).toBe(404);
      expect(await pages.isOpen(await pages.signIn(email, NEW_PASSWORD))).toBe(true);
    });

    test('ID-1: the current password gives a new one, and all sessions end', async () => {
      const email = await pages.newUser(PASSWORD);
      const session = await pages.signIn(email, PASSWORD);
      const form = await pages.send('/account/password');
      expect([form.status, nameOf(form)]).toEqual([200, 'account-password']);
      const [wrong, unknown] = [await change(email, 'Wrong-horse-battery-7'), await change('nobody', PASSWORD)];
      expect([wrong.status, unknown.status]).toEqual([401, 401]);
      expect(unknown.text.replace('value="nobody"', '')).toBe(wrong.text.replace(`value="${email}"`, ''));
      expect((await change(email, PASSWORD, 'weak')).text).toMatch(/The password must have at least \d+ characters\./);
      expect((await change(email, PASSWORD, NEW_PASSWORD, `${NEW_PASSWORD}x`)).status).toBe(422);
      expect(await pages.isOpen(session)).toBe(true);
      expect((await change(email, PASSWORD)).status).toBe(200);
      expect(await pages.isOpen(session)).toBe(false);
      await expect(pages.signIn(email, PASSWORD)).rejects.toThrow();
      expect(await pages.isOpen(await pages.signIn(email, NEW_PASSWORD))).toBe(true);
    });

    test('ID-1: the current password signs out everywhere, and stays', async () => {
      const email = await pages.newUser(PASSWORD);
      const session = await pages.signIn(email, PASSWORD);
      const signOut = (password: string) =>
        pages.send('/account/sign-out-everywhere', { form: { userName: email, password } });
      expect((await signOut('Wrong-horse-battery-7')).status).toBe(401);
      expect(await pages.isOpen(session)).toBe(true);
      const done = await signOut(PASSWORD);
      expect([done.status, nameOf(done)]).toEqual([200, 'signed-out-everywhere']);
      expect(await pages.isOpen(session)).toBe(false);
      expect(await pages.isOpen(await pages.signIn(email, PASSWORD))).toBe(true);
    });

    test('ID-1: an access token and the current password give a new one, and a token alone signs out everywhere', async () => {
      const email = await pages.newUser(PASSWORD);
      const session = await pages.signIn(email, PASSWORD);
      const put = (token: string, oldPassword: string) =>
        pages.send('/me/password', {
          api: { method: 'PUT', token, body: { oldPassword, newPassword: NEW_PASSWORD } },
        });
      const refused = [
        await put('', PASSWORD),
        await put(`${session.accessToken}x`, PASSWORD),
        await put(session.accessToken, 'Wrong-horse-battery-7'),
      ];
      expect(refused.map(({ status }) => status)).toEqual([401, 401, 422]);
      expect(await pages.isOpen(session)).toBe(true);
      expect((await put(session.accessToken, PASSWORD)).status).toBe(204);
      expect(await pages.isOpen(session)).toBe(false);
      const next = await pages.signIn(email, NEW_PASSWORD);
      const signOut = () => pages.send('/me/sessions', { api: { method: 'DELETE', token: next.accessToken } });
      expect([(await signOut()).status, (await signOut()).status]).toEqual([204, 401]);
      expect(await pages.isOpen(next)).toBe(false);
    });

    test('SE-1: forms of other sites and of another kind change nothing', async () => {
      const email = await pages.newUser(PASSWORD);
      const form = { userName: email, password: PASSWORD, newPassword: NEW_PASSWORD, repeated: NEW_PASSWORD };
      for (const path of ['/forgot-password', '/account/password', '/account/sign-out-everywhere']) {
        for (const origin of ['https://evil.example', 'null']) {
          expect((await pages.send(path, { form, headers: { origin } })).status).toBe(403);
        }
        const json = await pages.send(path, { form, headers: { 'content-type': 'application/json' } });
        const long = await pages.send(path, { form: { ...form, more: 'x'.repeat(17_000) } });
        expect([json.status, long.status]).toEqual([400, 413]);
      }
      expect(await linksTo(email)).toEqual([]);
      expect(await pages.isOpen(await pages.signIn(email, PASSWORD))).toBe(true);
    });
  });
}
