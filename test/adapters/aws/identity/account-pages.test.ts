import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { PoolRealm } from '../../../../adapters/aws/identity/credentials.ts';
import { openAccountPages } from '../../../../adapters/aws/identity/open-account-pages.ts';
import { openTable, type SqliteTable } from '../../../../adapters/embedded/store/table.ts';
import { systemClock, systemRandom } from '../../../../adapters/shared/clock.ts';
import { realmItem, subjectItem, type UserRecord, userItem } from '../../../../core/identity/users/user-records.ts';
import { put } from '../../../../core/ports/table.ts';
import { httpEvent } from '../../../control-plane/lambda/http-events.ts';
import { silentLog } from '../../../support/silent-log.ts';

const URL_OF_REALMS = 'https://accounts.example';
const REALM: PoolRealm = {
  ...{ id: 'admin', displayName: 'Platform', userPoolId: 'pool-1', clientId: 'public' },
  issuer: 'https://x.example',
};
const SUE: UserRecord = {
  ...{ subject: 'sub-1', userName: 'sue', email: 'sue@platform.example', role: 'SystemAdmin', enabled: true },
  status: 'CONFIRMED',
  ...{ created: '2026-01-01T00:00:00.000Z', modified: '2026-01-01T00:00:00.000Z' },
};
const NEW_PASSWORD = 'Battery-staple-correct-8';

let folder: string;
let table: SqliteTable;
let mails: string[];
/** The name of the error with which Cognito refuses a command, by the command's name. */
let refusals: Record<string, readonly [name: string, message?: string]>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tierplane-accounts-'));
  table = openTable({ file: join(folder, 'x.db'), clock: systemClock, synchronous: 'normal' });
  [mails, refusals] = [[], {}];
  await table.transact([
    put(realmItem(REALM, 1)),
    put(userItem('admin', SUE, 1)),
    put(subjectItem('admin', REALM, SUE, 1)),
  ]);
  jest.spyOn(CognitoIdentityProviderClient.prototype, 'send').mockImplementation((async (command: object) => {
    const [name, message = ''] = refusals[command.constructor.name] ?? [];
    if (name !== undefined) throw Object.assign(new Error(message), { name });
    return {};
  }) as never);
});
afterEach(async () => {
  jest.restoreAllMocks();
  await table.close();
  rmSync(folder, { recursive: true });
});

function openPages() {
  return openAccountPages({
    ...{ table, random: systemRandom, log: silentLog, region: 'us-east-1' },
    // The wait before the response hides whether a user exists.
    clock: { ...systemClock, after: (_ms, run) => systemClock.after(0, run) },
    cognito: new CognitoIdentityProviderClient({ region: 'us-east-1' }),
    mailer: {
      async send({ text }) {
        mails.push(text);
      },
    },
    serves: () => true,
    tenantClaims: async () => undefined,
    authorize: async () => {
      throw new Error('the pages need no token');
    },
    ...{ publicUrl: URL_OF_REALMS, signInUrl: 'https://admin.example' },
  });
}

type Handler = ReturnType<typeof openPages>;

async function send(pages: Handler, path: string, form?: Readonly<Record<string, string>>, query = '') {
  const event = httpEvent(`${form ? 'POST' : 'GET'} /realms/admin${path}`, `/realms/admin${path}`, {
    ...{ headers: { 'content-type': 'application/x-www-form-urlencoded' }, query },
    ...(form && { body: `${new URLSearchParams(form)}` }),
  });
  const { statusCode, body = '', headers } = await pages(event);
  return { status: statusCode, page: /data-page="([^"]*)"/.exec(body)?.[1], body, headers };
}

async function newLink(pages: Handler): Promise<string> {
  await send(pages, '/forgot-password', { userName: SUE.userName });
  return /token=(\S+)/.exec(mails.at(-1) ?? '')?.[1] ?? '';
}

test('SE-1: if Cognito fails after the link is used up, the page says to request a new one, which works', async () => {
  const pages = openPages();
  const token = await newLink(pages);
  const form = { token, newPassword: NEW_PASSWORD, repeated: NEW_PASSWORD };
  refusals = { AdminSetUserPasswordCommand: ['TooManyRequestsException'] };
  const failed = await send(pages, '/reset-password', form);
  expect(failed).toMatchObject({ status: 503, page: 'password-not-saved', headers: { 'retry-after': '5' } });
  expect(failed.body).toContain('href="/realms/admin/forgot-password"');
  expect(await send(pages, '/reset-password', undefined, `token=${token}`)).toMatchObject({ status: 404 });
  refusals = {};
  const again = { ...form, token: await newLink(pages) };
  expect(await send(pages, '/reset-password', again)).toMatchObject({ status: 200, page: 'password-reset' });
});

test('SE-1: the response to a user whom Cognito has locked is that to an unknown user', async () => {
  const pages = openPages();
  const form = { password: 'x', newPassword: NEW_PASSWORD, repeated: NEW_PASSWORD };
  refusals = { AdminInitiateAuthCommand: ['NotAuthorizedException', 'Incorrect username or password.'] };
  const unknown = await send(pages, '/account/password', { ...form, userName: 'bob' });
  refusals = { AdminInitiateAuthCommand: ['NotAuthorizedException', 'Password attempts exceeded'] };
  const locked = await send(pages, '/account/password', { ...form, userName: SUE.userName });
  expect(unknown.status).toBe(401);
  expect(unknown.body).toContain('wrong, or there were too many attempts');
  expect({ ...locked, body: locked.body.replaceAll('"sue"', '"bob"') }).toEqual(unknown);
});
