import { CreateEmailIdentityCommand, SESv2Client } from '@aws-sdk/client-sesv2';
import { signInAgain } from '../../rehearsal/installation.ts';
import { invitedPassword, mailsTo } from '../../rehearsal/invited-password.ts';
import type { AccountPagesFixture } from '../adapters/contract/account-pages.suite.ts';
import { until } from '../support/until.ts';
import { clientConfig } from './account.ts';
import type { Installed } from './installed.ts';

/** The account pages of system users, by the addresses of an installed control plane. */
export async function openAccountPagesHome({ account, installation, call }: Installed): Promise<AccountPagesFixture> {
  const { adminEmail, outputs } = installation;
  // An operator verifies the sender's address.
  await new SESv2Client(clientConfig(account)).send(new CreateEmailIdentityCommand({ EmailIdentity: adminEmail }));
  let made = 0;

  async function signIn(userName: string, password: string, newPassword?: string) {
    // Tokens of the second in which all sessions ended are refused, too.
    const next = Math.floor(Date.now() / 1_000) + 1;
    await until(() => Date.now() / 1_000 >= next);
    return signInAgain(installation, { userName, password, ...(newPassword !== undefined && { newPassword }) });
  }

  return {
    base: `${outputs.controlPlaneAPIEndpoint.replace(/\/$/, '')}/realms/admin`,

    async send(path, { form, api, query, headers } = {}) {
      const page = `/realms/admin${path}${query === undefined ? '' : `?${query}`}`;
      if (api) {
        const { method, token, body } = api;
        return installation.call(method, page, { token: `Bearer ${token}`, ...(body && { body }) });
      }
      return installation.call(form ? 'POST' : 'GET', page, {
        headers: { ...(form && { 'content-type': 'application/x-www-form-urlencoded' }), ...headers },
        ...(form && { body: `${new URLSearchParams(form)}` }),
      });
    },

    async newUser(password) {
      const email = `forgetful${++made}@platform.example`;
      await call('POST', '/users', { userName: email, email, userRole: 'CustomerSupport' });
      await signIn(email, await invitedPassword(account, email), password);
      return email;
    },

    signIn,
    isOpen: async ({ accessToken }) => {
      const { status, text } = await call('GET', '/tenants', undefined, { token: accessToken });
      if (status !== 200 && status !== 401) throw new Error(text);
      return status === 200;
    },
    mailsTo: (email) => mailsTo(account, email),
  };
}
