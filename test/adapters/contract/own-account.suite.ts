import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Identity } from '../../../core/ports/identity.ts';
import { A } from './new-user.ts';

/** Tenant A in the realm `pool`, active. */
export interface OwnAccountFixture {
  readonly identity: Identity;
  /** Signs the user in. Rejects if the password is refused. */
  signIn(userName: string, password: string): Promise<SignedIn>;
  /** Whether the session still gives new tokens. */
  renews(session: SignedIn): Promise<boolean>;
  /** Sends a request to the realm. @param path `/me/password` @param body JSON text */
  request(
    method: string,
    path: string,
    accessToken: string,
    body?: string,
  ): Promise<{ readonly status: number; readonly text: string }>;
  setActive(tenantId: string, active: boolean): Promise<void>;
  close(): Promise<void>;
}

export interface SignedIn {
  readonly accessToken: string;
  readonly refreshToken: string;
}

const PASSWORD = 'Correct-horse-7';
const NEW_PASSWORD = 'Battery-staple-8';

/** Of all homes in one account, so that names differ. */
let made = 0;

/** What users do with their own account by access token, in every home. */
export function ownAccountContract(home: string, open: () => Promise<OwnAccountFixture>): void {
  describe(`a user's own account in ${home}`, () => {
    let fixture: OwnAccountFixture;

    beforeAll(async () => {
      fixture = await open();
    }, 120_000);
    afterAll(async () => fixture?.close());

    async function newUser(): Promise<string> {
      const email = `owner${++made}@a.example`;
      const user = { userName: email, email, role: 'TenantUser', tenantId: A, password: PASSWORD };
      await fixture.identity.createUser('pool', user);
      return email;
    }

    const change = ({ accessToken }: SignedIn, body: object | string) =>
      fixture.request('PUT', '/me/password', accessToken, typeof body === 'string' ? body : JSON.stringify(body));

    /** Whether the access token is accepted. */
    async function works(session: SignedIn): Promise<boolean> {
      const { status } = await change(session, {});
      expect([401, 422]).toContain(status);
      return status === 422;
    }

    test('ID-7: the current password gives a new one, and every session and token of the user ends', async () => {
      const userName = await newUser();
      const [own, elsewhere] = [await fixture.signIn(userName, PASSWORD), await fixture.signIn(userName, PASSWORD)];
      const other = await fixture.signIn(await newUser(), PASSWORD);
      expect(await change(own, { oldPassword: PASSWORD, newPassword: NEW_PASSWORD })).toEqual({
        status: 204,
        text: '',
      });
      for (const ended of [own, elsewhere]) {
        expect(await works(ended)).toBe(false);
        expect(await fixture.renews(ended)).toBe(false);
      }
      await expect(fixture.signIn(userName, PASSWORD)).rejects.toThrow();
      expect(await works(await fixture.signIn(userName, NEW_PASSWORD))).toBe(true);
      expect([await works(other), await fixture.renews(other)]).toEqual([true, true]);
    });

    test.each<[string, object | string, string]>([
      ['no body', '', 'body'],
      ['no JSON', '{', 'JSON'],
      ['a list', '[]', 'dict'],
      ['no new password', { oldPassword: PASSWORD }, 'newPassword'],
      ['a number', { oldPassword: 7, newPassword: NEW_PASSWORD }, 'oldPassword'],
      ['another user name', { oldPassword: PASSWORD, newPassword: NEW_PASSWORD, userName: 'boss' }, 'userName'],
      ['a wrong current password', { oldPassword: 'Wrong-horse-7', newPassword: NEW_PASSWORD }, 'oldPassword'],
      ['an empty current password', { oldPassword: '', newPassword: NEW_PASSWORD }, 'oldPassword'],
      [
        'a current password in other case',
        { oldPassword: PASSWORD.toUpperCase(), newPassword: NEW_PASSWORD },
        'oldPassword',
      ],
      ['a weak new password', { oldPassword: PASSWORD, newPassword: 'weak' }, 'password'],
      [
        'a new password of 300 characters',
        { oldPassword: PASSWORD, newPassword: `${NEW_PASSWORD}${'x'.repeat(300)}` },
        'password',
      ],
    ])(
      'ID-7: %s is refused and changes nothing; the response does not contain the password',
      async (_which, body, path) => {
        const userName = await newUser();
        const session = await fixture.signIn(userName, PASSWORD);
        const { status, text } = await change(session, body);
        expect([status, text.includes(PASSWORD), text.includes(NEW_PASSWORD)]).toEqual([422, false, false]);
        expect(text).toContain(path);
        expect(await fixture.renews(session)).toBe(true);
        expect(await works(await fixture.signIn(userName, PASSWORD))).toBe(true);
      },
    );

    test('ID-6: signing out everywhere ends every session and token, once', async () => {
      const userName = await newUser();
      const [own, elsewhere] = [await fixture.signIn(userName, PASSWORD), await fixture.signIn(userName, PASSWORD)];
      const signOut = () => fixture.request('DELETE', '/me/sessions', own.accessToken);
      expect((await signOut()).status).toBe(204);
      expect((await signOut()).status).toBe(401);
      expect([await works(elsewhere), await fixture.renews(elsewhere)]).toEqual([false, false]);
      expect(await works(await fixture.signIn(userName, PASSWORD))).toBe(true);
    });

    test('SE-1: a request without a valid token is refused, and so are other methods', async () => {
      const { accessToken } = await fixture.signIn(await newUser(), PASSWORD);
      for (const token of ['', 'x', `${accessToken.slice(0, -8)}aaaaaaaa`]) {
        expect((await fixture.request('PUT', '/me/password', token, '{}')).status).toBe(401);
        expect((await fixture.request('DELETE', '/me/sessions', token)).status).toBe(401);
      }
      for (const [method, path] of [
        ['GET', '/me/sessions'],
        ['POST', '/me/password'],
        ['GET', '/me/password'],
      ] as const) {
        expect((await fixture.request(method, path, accessToken)).status).toBe(405);
      }
    });

    test('ON-7: a disabled user, and one whose tenant is not active, change nothing', async () => {
      const userName = await newUser();
      const session = await fixture.signIn(userName, PASSWORD);
      const body = { oldPassword: PASSWORD, newPassword: NEW_PASSWORD };
      await fixture.setActive(A, false);
      expect((await change(session, body).finally(() => fixture.setActive(A, true))).status).toBe(401);
      await fixture.identity.setUserEnabled('pool', userName, false);
      expect((await change(session, body)).status).toBe(401);
      await fixture.identity.setUserEnabled('pool', userName, true);
      expect(await works(await fixture.signIn(userName, PASSWORD))).toBe(true);
    });
  });
}
