import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { RealmId } from '../../../core/ports/identity.ts';
import { type Body, type Home, type Reply, startHome, type TokenName } from './home.ts';
import { type Ids, type Tenants, tenantsOf } from './tenants.ts';

const PASSWORD = 'Correct-horse-77';
let home: Home;
let tenants: Tenants;
beforeEach(async () => {
  home = await startHome();
  tenants = tenantsOf(home);
});
afterEach(async () => home[Symbol.asyncDispose]());

/** The temporary passwords in the mails to this address, newest first. */
async function passwordsMailedTo(email: string): Promise<string[]> {
  const mails = (await home.mails()).filter(({ to }) => to === email);
  return mails.map(({ text }) => /Temporary password: (\S+)/.exec(text)?.[1] ?? '');
}

describe('a system user', () => {
  const JO = { userName: 'jo', email: 'jo@example.com', role: 'Auditor' };
  const invite = (name: string, token: TokenName = 'admin'): Promise<Reply> =>
    home.call('POST', `/users/${name}/invitation`, undefined, { token });

  test('ID-7: who has not signed in is invited again, with another password; one who has signed in is not', async () => {
    await home.deps.identity.createUser('admin', JO);
    const replies = [await invite('jo'), await invite('JO')];
    expect(replies.map(({ status, body }) => [status, body])).toEqual(
      Array(2).fill([200, { message: 'User invited' }]),
    );
    const passwords = await passwordsMailedTo(JO.email);
    expect([passwords.length, new Set(passwords).size]).toEqual([3, 3]);
    for (const { text } of replies) for (const password of passwords) expect(text).not.toContain(password);

    await home.deps.identity.setPassword('admin', 'jo', PASSWORD);
    expect((await invite('jo')).status).toBe(409);
    expect((await invite('nobody')).body.message).toBe('User nobody not found.');
    expect(await passwordsMailedTo(JO.email)).toHaveLength(3);
  });

  test('ID-6: is signed out everywhere by an admin, and by the user alone', async () => {
    const validFrom = async () => (await home.deps.identity.user('admin', 'sue'))?.tokensValidFrom;
    await home.deps.identity.createUser('admin', { ...JO, userName: 'sue', password: PASSWORD });
    expect((await home.call('DELETE', '/users/sue/sessions')).body).toEqual({ message: 'User signed out' });
    const first = await validFrom();
    expect(first).toBeGreaterThan(home.deps.clock.now() / 1_000 - 5);
    home.advance(60_000);
    const { status, body } = await home.call('DELETE', '/me/sessions', undefined, { token: 'support' });
    expect([status, body]).toEqual([200, { message: 'Signed out everywhere' }]);
    expect(await validFrom()).toBeGreaterThan(first ?? 0);
    expect((await home.call('DELETE', '/users/sue/sessions', undefined, { token: 'support' })).status).toBe(403);
    // Of a client credential, which has no sessions.
    expect((await home.call('DELETE', '/me/sessions', undefined, { token: 'reader' })).status).toBe(404);
  });

  test("SE-1.10: gets a password only by the credential of the platform's machine, and no log has it", async () => {
    await home.deps.identity.createUser('admin', JO);
    const set = (body: Body, token: TokenName): Promise<Reply> =>
      home.call('PUT', '/users/jo/password', body, { token });
    for (const token of ['admin', 'second', 'support', 'machine', 'none'] as const) {
      expect([401, 403]).toContain((await set({ password: PASSWORD }, token)).status);
    }
    const weak = await set({ password: 'Sh0rt-one' }, 'local');
    expect([weak.status, weak.body.detail[0].loc]).toEqual([422, ['body', 'password']]);
    expect((await set({ password: PASSWORD, more: 1 }, 'local')).status).toBe(422);
    expect((await home.deps.identity.user('admin', 'jo'))?.status).toBe('FORCE_CHANGE_PASSWORD');
    expect((await set({ password: PASSWORD }, 'local')).body).toEqual({ message: 'Password set' });
    expect((await home.deps.identity.user('admin', 'jo'))?.status).toBe('CONFIRMED');
    expect(JSON.stringify([home.logged, home.stored()])).not.toContain(PASSWORD);
    expect((await home.call('PUT', '/users/nobody/password', { password: PASSWORD }, { token: 'local' })).status).toBe(
      404,
    );
  });
});

describe("a tenant's administrator", () => {
  /** An active tenant whose first administrator has not signed in. */
  async function onboard(name: string, tier: string): Promise<Ids & { email: string; realm: RealmId }> {
    const ids = await home.register(name, tier);
    const { email } = await tenants.get(ids);
    const realm: RealmId = tier === 'premium' ? `tenant-${ids.tenantId}` : 'pool';
    const { tenantId } = ids;
    if (realm !== 'pool') await home.deps.identity.ensureRealm({ id: realm, displayName: name, tenantId });
    await home.deps.identity.createUser(realm, { userName: email, email, role: 'TenantAdmin', tenantId });
    await tenants.report('provisionSuccess', ids);
    return { ...ids, email, realm };
  }

  const invite = ({ tenantId }: Ids, body: Body = {}, token: TokenName = 'admin'): Promise<Reply> =>
    home.call('POST', `/tenants/${tenantId}/invitation`, body, { token });

  test.each(['basic', 'premium'])(
    'ID-7: of a %s tenant is invited again, in the name of the company, with the link of the tenant',
    async (tier) => {
      const acme = await onboard('Acme Inc', tier);
      const { status, body } = await invite(acme);
      expect([status, body]).toEqual([200, { data: { userName: acme.email, email: acme.email, created: false } }]);
      expect(new Set(await passwordsMailedTo(acme.email)).size).toBe(2);
      const [mail] = await home.mails();
      expect(mail).toMatchObject({
        to: acme.email,
        subject: 'Your invitation to Acme Inc',
        text: expect.stringContaining(`/realms/${acme.realm}/account?tenant=acme-inc&login_hint=`),
      });
      expect(mail?.text).not.toMatch(/Tierplane|Shop/);
    },
  );

  test('ID-7: who has signed in is not invited again, but a new one can be, once', async () => {
    const acme = await onboard('Acme', 'basic');
    await home.deps.identity.setPassword('pool', acme.email, PASSWORD);
    expect((await invite(acme)).body.message).toMatch(/^Every enabled administrator of the tenant has signed in; /);
    expect((await invite(acme, { email: acme.email })).status).toBe(409);
    const email = 'new@acme.example';
    expect((await invite(acme, { email })).body.data).toEqual({ userName: email, email, created: true });
    expect((await invite(acme, { email: 'NEW@acme.example' })).body.data).toMatchObject({ email, created: false });
    const { items } = await home.deps.identity.users('pool', { tenantId: acme.tenantId, limit: 10 });
    expect(items.map(({ role }) => role)).toEqual(['TenantAdmin', 'TenantAdmin']);
  });

  test('ID-7: is named by email where several have not signed in', async () => {
    const acme = await onboard('Acme', 'basic');
    await invite(acme, { email: 'second@acme.example' });
    const { status, body } = await invite(acme);
    expect([status, body.message]).toEqual([409, expect.stringContaining(`name one by email: ${acme.email}, second@`)]);
    await home.deps.identity.setUserEnabled('pool', acme.email, false).catch(() => undefined);
  });

  test('SE-1.15: nobody becomes the administrator of another tenant, and no tenant that is not active gets one', async () => {
    const acme = await onboard('Acme', 'basic');
    const globex = await onboard('Globex', 'basic');
    expect((await invite(acme, { email: globex.email })).status).toBe(409);
    await home.deps.identity.createUser('pool', {
      ...{ userName: 'member@acme.example', email: 'member@acme.example', role: 'TenantUser', tenantId: acme.tenantId },
    });
    expect((await invite(acme, { email: 'member@acme.example' })).status).toBe(409);
    for (const body of [{ email: 'x' }, { email: 7 }, { role: 'x' }, { tenantId: globex.tenantId }]) {
      expect((await invite(acme, body)).status).toBe(422);
    }
    for (const token of ['support', 'reader', 'none'] as const) {
      expect([401, 403]).toContain((await invite(acme, { email: 'a@b.example' }, token)).status);
    }
    const waiting = await home.register('Waiting');
    expect((await invite(waiting, { email: 'w@w.example' })).body.message).toBe(
      'The tenant must be active, but it is registered',
    );
    await tenants.remove(globex);
    expect((await invite(globex, { email: 'late@globex.example' })).status).toBe(409);
    expect(await home.deps.identity.user('pool', 'late@globex.example')).toBeUndefined();
    expect((await invite({ ...globex, tenantId: 'nobody00' })).status).toBe(404);
  });
});
