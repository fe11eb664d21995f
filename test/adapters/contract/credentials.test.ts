import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AnonymousRecords } from '../../../adapters/embedded/identity/anonymous-records.ts';
import { createTableCredentials } from '../../../adapters/embedded/identity/credentials.ts';
import { createOidcStore } from '../../../adapters/embedded/identity/oidc-store.ts';
import { createPasswords, type PasswordSecret } from '../../../adapters/embedded/identity/passwords.ts';
import { openMailer } from '../../../adapters/embedded/mail/mailer.ts';
import { openTable } from '../../../adapters/embedded/store/table.ts';
import { systemClock as clock, systemRandom as random } from '../../../adapters/shared/clock.ts';
import type { RealmSpec } from '../../../core/ports/identity.ts';
import { openScratchTable } from '../../support/scratch-table.ts';
import { type MemorySecret, ServiceCredentials } from '../../support/service-credentials.ts';
import { silentLog } from '../../support/silent-log.ts';
import { type CredentialsFixture, credentialsContract } from './credentials.suite.ts';

async function openEmbedded(): Promise<CredentialsFixture<PasswordSecret, RealmSpec>> {
  const dir = await mkdtemp(join(tmpdir(), 'tierplane-credentials-'));
  const table = openTable({ file: join(dir, 'platform.db'), clock });
  const mailer = openMailer({ table, clock, random, log: silentLog });
  const passwords = createPasswords({ temporaryKey: random(32), clock, random });
  const publicUrl = 'http://platform.test';
  const anonymous = new AnonymousRecords(clock);
  const sessions = (realm: RealmSpec) =>
    createOidcStore({ table, anonymous, realm: realm.id, clock, client: () => 'test' })('Session');
  return {
    credentials: createTableCredentials({ table, mailer, passwords, clock, random, publicUrl }),
    table,
    accepts: async (_realm, { secret, subject }, password) =>
      (await passwords.check(password, secret, subject)) === 'right',
    async invitedPassword(_realm, { email }) {
      const { items } = await mailer.list({ limit: 100 });
      return temporaryPasswordIn(items.find(({ to }) => to === email)?.text);
    },
    startSession: (realm, { subject }) =>
      sessions(realm).upsert(subject, { accountId: subject, uid: subject }, 3_600) as Promise<void>,
    hasSession: async (realm, { subject }) => (await sessions(realm).find(subject)) !== undefined,
    async close() {
      await mailer.close();
      await table.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function openFake(): Promise<CredentialsFixture<MemorySecret, RealmSpec>> {
  const { table, close } = await openScratchTable();
  const credentials = new ServiceCredentials();
  return {
    credentials,
    table,
    accepts: async ({ id }, { userName }, password) => credentials.account(id, userName)?.password === password,
    invitedPassword: async ({ id }, { userName }) => credentials.account(id, userName)?.password ?? '',
    async startSession({ id }, { userName }) {
      const account = credentials.account(id, userName);
      if (account) account.sessions += 1;
    },
    hasSession: async ({ id }, { userName }) => (credentials.account(id, userName)?.sessions ?? 0) > 0,
    close,
  };
}

function temporaryPasswordIn(text = ''): string {
  return /Temporary password: (\S+)/.exec(text)?.[1] ?? '';
}

credentialsContract('scrypt hashes in the table', openEmbedded);
credentialsContract('a fake service beside the table', openFake);
