import { CognitoIdentityProviderClient, ForgotPasswordCommand } from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { beforeAll, expect, jest, test } from '@jest/globals';
import { openIdentity } from '../../../adapters/aws/identity/identity.ts';
import { openPasswordVault } from '../../../adapters/aws/identity/password-vault.ts';
import { openUserPools } from '../../../adapters/aws/identity/user-pool.ts';
import { systemClock, systemRandom } from '../../../adapters/shared/clock.ts';
import type { Identity, RealmId } from '../../../core/ports/identity.ts';
import type { Table } from '../../../core/ports/table.ts';
import { REGION } from '../../../rehearsal/emulated-account.ts';
import { mailsTo } from '../../../rehearsal/invited-password.ts';
import { clientConfig, createTable, describeInAccount } from '../../rehearsal/account.ts';
import { deployFunction, functionArn, readTable } from './deploy-function.ts';
import { placedTenant } from './placed-tenant.ts';

const TABLE = 'custom-message';
const ACME = 'acme0000000000000000000001';

jest.setTimeout(60_000);

describeInAccount('the custom message function of the user pools in an emulated account', (account) => {
  let identity: Identity;
  let table: Table;
  let cognito: CognitoIdentityProviderClient;
  let keyId: string;

  /** Users of pools whose mails the function writes. @param tableName of the function; the users are in `table` */
  async function openUsers(name: string, tableName: string): Promise<Identity> {
    await deployFunction(account(), {
      ...{ name, entry: 'custom-message' },
      environment: { TIERPLANE_TABLE: tableName, TIERPLANE_APP_URL: 'https://app.example.com' },
      statements: [readTable(tableName)],
    });
    const triggers = { customMessage: functionArn(name) };
    return openIdentity({
      ...{ table, clock: systemClock, region: REGION },
      pools: openUserPools(cognito, { prefix: name, random: systemRandom, triggers }),
      vault: openPasswordVault(new KMSClient(clientConfig(account())), keyId),
    });
  }

  beforeAll(async () => {
    const config = clientConfig(account());
    table = await createTable(new DynamoDBClient(config), TABLE);
    cognito = new CognitoIdentityProviderClient(config);
    keyId = (await new KMSClient(config).send(new CreateKeyCommand({}))).KeyMetadata?.KeyId ?? '';
    identity = await openUsers('custom-message', TABLE);
    await identity.ensureRealm({ id: 'pool', displayName: 'Tierplane' });
  });

  async function lastMail(email: string) {
    const mail = (await mailsTo(account(), email)).at(-1);
    if (!mail) throw new Error(`no mail was sent to ${email}`);
    return mail;
  }

  async function invite(email: string, invitation?: { tenantName: string; slug: string }): Promise<void> {
    const user = { userName: email, email, role: 'TenantUser', tenantId: ACME, ...(invitation && { invitation }) };
    await identity.createUser('pool', user);
  }

  test('ID-1: an invitation, also a second one, names the tenant and carries the link with the tenant', async () => {
    const invitation = { tenantName: 'Acme & <Sons>', slug: 'acme-sons' };
    await invite('jo@acme.example', invitation);
    const first = await lastMail('jo@acme.example');
    expect(first.subject).toBe('Your invitation to Acme & <Sons>');
    expect(first.html).toContain('Acme &amp; &lt;Sons&gt;');
    expect(first.text).toContain('https://app.example.com/?tenant=acme-sons&login_hint=jo%40acme.example\n');
    expect(first.text).toMatch(/^User name: +jo@acme\.example$/m);
    await identity.inviteUser('pool', 'jo@acme.example', invitation);
    const second = await lastMail('jo@acme.example');
    expect(second.subject).toBe(first.subject);
    const password = /^Temporary password: (\S+)$/m;
    expect(second.text).toMatch(password);
    expect(password.exec(second.text)?.[1]).not.toBe(password.exec(first.text)?.[1]);
  });

  async function forget(email: string, users = identity, realm: RealmId = 'pool'): Promise<void> {
    const user = { userName: email, email, role: 'TenantUser', tenantId: ACME, password: 'Correct-horse-7' };
    if (!(await users.user(realm, email))) await users.createUser(realm, user);
    const ClientId = (await users.realm(realm))?.clientId;
    await cognito.send(new ForgotPasswordCommand({ ClientId, Username: email }));
  }

  test('ID-1: the mail about a forgotten password names the realm, and once the tenant is placed, the tenant', async () => {
    await forget('lost@acme.example');
    expect((await lastMail('lost@acme.example')).subject).toBe('Choose a new password for Tierplane');
    await table.transact(placedTenant({ tenantId: ACME, name: 'Acme & Co.', slug: 'acme-co' }));
    await forget('lost@acme.example');
    const { subject, text } = await lastMail('lost@acme.example');
    expect(subject).toBe('Choose a new password for Acme & Co.');
    expect(text).toMatch(/^Code: +\d{6}$/m);
    expect(text).toMatch(/^User name: lost@acme\.example$/m);
  });

  test("a function that cannot read its table lets Cognito send the pool's own text, which names the tenant of the pool", async () => {
    const users = await openUsers('custom-message-without-table', 'no-such-table');
    const realm = `tenant-${ACME}` as const;
    await users.ensureRealm({ id: realm, displayName: 'Acme', tenantId: ACME });
    await forget('alone@acme.example', users, realm);
    expect((await lastMail('alone@acme.example')).subject).toBe('Choose a new password for Acme');
  });

  test("a name that asks for the password shows it nowhere but in the mail's own line", async () => {
    await invite('ann@acme.example', { tenantName: 'x{####}{username}', slug: 'x' });
    const { subject, text } = await lastMail('ann@acme.example');
    const password = /^Temporary password: (\S+)$/m.exec(text)?.[1] ?? '';
    expect(subject).toBe('Your invitation to x(####)(username)');
    expect(text.split(password)).toHaveLength(2);
  });

  test.each<[string, { tenantName: string; slug: string } | undefined]>([
    ['no metadata', undefined],
    ['a name of two lines', { tenantName: 'two\nlines', slug: 'x' }],
    ['an address as the slug', { tenantName: 'Acme', slug: 'https://evil.example' }],
  ])("an invitation with %s is sent all the same, with the pool's own text", async (name, invitation) => {
    const email = `${name.replaceAll(' ', '-')}@acme.example`;
    await invite(email, invitation);
    const { subject, text } = await lastMail(email);
    expect(subject).toBe('Your invitation to Tierplane');
    expect(text).toMatch(/^Temporary password: \S+$/m);
    expect(text).not.toContain('evil');
  });
});
