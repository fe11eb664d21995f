import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseTarget } from '../../../app-plane/gateway/target.ts';
import { toRequest } from '../../../control-plane/lambda/http-event.ts';
import { checkEvent } from '../../../core/events/schemas.ts';
import { slugOf } from '../../../core/fields/slug.ts';
import { emailKey, userKey } from '../../../core/identity/users/user-records.ts';
import { put } from '../../../core/ports/table.ts';
import { httpEvent } from '../lambda/http-events.ts';
import { type Body, type Home, type Reply, startHome } from './home.ts';

/**
 * Whatever the control plane accepts can be provisioned, listed, paged past, read, changed and deleted, through the paths of
 * both homes. Whatever cannot is refused at once with the path of its field, and nothing is stored.
 */
let home: Home;
beforeAll(async () => {
  home = await startHome();
});
afterAll(async () => home[Symbol.asyncDispose]());

/** Sends a request whose path must survive the gateway of the embedded home and API Gateway. */
function call(method: string, path: string, body?: unknown, token: 'admin' | 'machine' = 'admin'): Promise<Reply> {
  expect(parseTarget(`/control-plane${path}`)).toMatchObject({ kind: 'platform' });
  const [bare = ''] = path.split('?');
  const rawPath = decodedByApiGateway(bare);
  expect(rawPath).not.toContain('?');
  const onAws = toRequest(httpEvent(`${method} /`, rawPath)).path;
  expect(onAws.split('/').map(decodeURIComponent)).toEqual(bare.split('/').map(decodeURIComponent));
  return home.call(method, path, body, { token });
}

/** API Gateway decodes everything but `%25`. */
function decodedByApiGateway(path: string): string {
  return path
    .split(/(%25)/)
    .map((part) => (part === '%25' ? part : decodeURIComponent(part)))
    .join('');
}

async function all(list: string): Promise<Body[]> {
  const found: Body[] = [];
  for (let token: string | undefined = ''; token !== undefined; ) {
    const { status, body } = await call('GET', `${list}limit=2&next_token=${encodeURIComponent(token)}`);
    expect(status).toBe(200);
    found.push(...body.data);
    token = body.next_token;
  }
  return found;
}

const AWKWARD = [
  ...[
    '.',
    '..',
    '../x',
    '/',
    '\\',
    'CORP\\jdoe',
    '?',
    '%',
    '%2e',
    '%2F',
    '#',
    '&',
    '=',
    '+',
    ' ',
    '\u200b',
    '\u202e',
    '\n',
  ],
  ...['é', 'e\u0301', 'İ', 'ß', '東', 'Ω', 'ж', '😀', '\ufe0f', "'", '"', '<', '@', '\u2028', '\u00a0', 'x'],
];
const awkward = fc.array(fc.constantFrom(...AWKWARD), { minLength: 1, maxLength: 70 }).map((parts) => parts.join(''));
const names = fc.oneof(awkward, fc.string({ unit: 'grapheme', maxLength: 70 }), fc.string({ unit: 'grapheme-ascii' }));
const emails = fc.oneof(
  fc.emailAddress(),
  fc.tuple(names, fc.domain()).map(([local, domain]) => `${local}@${domain}`),
  fc.nat(160).map((length) => `${'x'.repeat(length)}@long.example`),
  fc.nat(160).map((length) => `x@${'y.'.repeat(length / 2)}example`),
);

describe('ON-9: a tenant', () => {
  async function provision(tenantId: string, event: Body): Promise<void> {
    checkEvent(event);
    const { tenantName, email, tenantRegistrationId } = event.detail;
    expect(slugOf(tenantName)).not.toBe('');
    const invitation = { tenantName, slug: slugOf(tenantName), link: 'http://platform.test' };
    const user = { userName: email, email, role: 'TenantAdmin', tenantId, invitation };
    const { userName } = await home.deps.identity.createUser('pool', user);
    expect(await home.deps.identity.user('pool', email.toUpperCase())).toMatchObject({ userName: email });
    const { next } = await home.deps.identity.users('pool', { tenantId, limit: 1 });
    expect(next).toBeUndefined();
    expect(await home.deps.identity.setUserEnabled('pool', userName, true)).toMatchObject({ enabled: true });
    const tenantConfig = JSON.stringify({ authServer: 'a', tenantName });
    const report = { tenantRegistrationData: { registrationStatus: 'created' }, tenantData: { tenantConfig } };
    expect((await call('PATCH', `/tenant-registrations/${tenantRegistrationId}`, report, 'machine')).status).toBe(200);
  }

  async function use(tenantName: string, { tenantId, tenantRegistrationId }: Body): Promise<void> {
    const { data } = (await call('GET', `/tenants/${tenantId}`)).body;
    expect(data).toMatchObject({ tenantName: tenantName.trim().normalize('NFC'), state: 'active' });
    const config = { tenantName: data.tenantName };
    expect((await call('GET', `/tenant-config/${encodeURIComponent(data.tenantName)}`)).body).toMatchObject(config);
    expect((await call('GET', `/tenant-config/${data.slug}`)).body).toMatchObject(config);
    expect((await all(`/tenants?name=${encodeURIComponent(data.tenantName)}&`)).map((one) => one.tenantId)).toContain(
      tenantId,
    );
    const path = `/tenant-registrations/${tenantRegistrationId}`;
    const { tenantName: same, email } = data;
    expect((await call('PATCH', path, { tenantData: { tenantName: same, email, note: 1 } })).status).toBe(200);
    expect((await call('DELETE', path)).status).toBe(200);
    const report = { tenantRegistrationData: { registrationStatus: 'deleted' } };
    expect((await call('PATCH', path, report, 'machine')).status).toBe(200);
    await home.deps.identity.deleteTenantUsers('pool', tenantId);
    expect(await home.deps.identity.emailTaken('pool', email)).toBe(false);
  }

  test('of any accepted name and email can be used; any other is refused with the path of the field', async () => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(names, emails, async (tenantName, email) => {
        const before = home.stored();
        const tenantData = { tenantName, email, tier: 'basic' };
        const { status, body } = await call('POST', '/tenant-registrations', { tenantData });
        if (status === 201) {
          accepted++;
          const event = (await home.outbox()).findLast(({ detail }) => detail.tenantId === body.data.tenantId);
          await provision(body.data.tenantId, event);
          await use(tenantName, body.data);
          return;
        }
        expect(status).toBe(422);
        for (const { loc } of body.detail) {
          expect(['body.tenantData.tenantName', 'body.tenantData.email']).toContain(loc.join('.'));
        }
        expect(home.stored()).toEqual(before);
      }),
      {
        numRuns: 150,
        examples: [
          ['Müller', 'r&d@acme.example'],
          ['AT&T', 'a=b@x.example'],
          ["L'Oréal", 'info@xn--mller-kva.example'],
          ['Ελλάδα', "o'neill@x.xn--p1ai"],
          ['東京', `${'x'.repeat(64)}@${'d'.repeat(55)}.example`],
          ['#1 100% Juice', '!#$%&*=^_`{|}~-@x.example'],
        ],
      },
    );
    expect(accepted).toBeGreaterThan(6);
  }, 60_000);
});

describe('SE-6: a system user', () => {
  test('of any accepted name can be used; any other is refused with the path of the field', async () => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(names, emails, async (userName, email) => {
        const before = home.stored();
        const { status, body } = await call('POST', '/users', { userName, email, userRole: 'CustomerSupport' });
        if (status !== 201) {
          expect(status).toBe(422);
          for (const { loc } of body.detail) expect(['body.userName', 'body.email']).toContain(loc.join('.'));
          expect(home.stored()).toEqual(before);
          return;
        }
        accepted++;
        const path = `/users/${encodeURIComponent(body.data.userName)}`;
        const { data } = (await call('GET', path)).body;
        expect(data.userName).toBe(userName.trim().normalize('NFC'));
        expect((await all('/users?')).map((one) => one.userName)).toContain(data.userName);
        const change = { email: data.email, userRole: 'Other' };
        const statuses = [
          await call('PUT', path, change),
          await call('PUT', `${path}/disable`),
          await call('PUT', `${path}/enable`),
          await call('DELETE', path),
        ].map((reply) => reply.status);
        expect(statuses).toEqual([200, 200, 200, 200]);
        expect((await call('GET', path)).status).toBe(404);
      }),
      {
        numRuns: 150,
        examples: [
          ['#1', 'a@b.example'],
          ['100%', 'a@b.example'],
          ['%2e%2e', 'a@b.example'],
          ['%41', 'a@b.example'],
          ['jörg', 'r&d@b.example'],
          ['R&D@b.example', 'r&d@b.example'],
          ['😀'.repeat(64), 'a@b.example'],
        ],
      },
    );
    expect(accepted).toBeGreaterThan(7);
  }, 60_000);

  test.each(['CORP\\jdoe', '../x', 'a/b', 'who?'])(
    'that an earlier version called %j is read, changed and deleted by its email',
    async (userName) => {
      const { table, identity } = home.deps;
      const email = `${Buffer.from(userName).toString('hex')}@legacy.example`;
      await identity.createUser('admin', { userName: 'legacy', email, role: 'Support', password: 'Correct-horse-1' });
      const [user, holder] = [await table.get(userKey('admin', 'legacy')), await table.get(emailKey('admin', email))];
      if (!user || !holder) throw new Error('the user must exist');
      await table.transact([
        { delete: userKey('admin', 'legacy') },
        put({ ...user, ...userKey('admin', userName), version: 1, data: { ...user.data, userName } }, 'absent'),
        put({ ...holder, version: holder.version + 1, data: { userName } }, 'present'),
      ]);
      const path = `/users/${encodeURIComponent(email)}`;
      expect((await call('GET', path)).body.data).toMatchObject({ userName, email });
      const changes = [
        await call('PUT', path, { email, userRole: 'Other' }),
        await call('PUT', `${path}/disable`),
        await call('DELETE', path),
      ];
      expect(changes.map(({ status }) => status)).toEqual([200, 200, 200]);
      expect((await all('/users?')).map((one) => one.userName)).not.toContain(userName);
    },
  );

  test.each(['CORP\\jdoe', '../x', '..', '/', 'a/b', 'who?', 'eve@other.example'])(
    'cannot be called %j',
    async (userName) => {
      const before = home.stored();
      const user = { userName, email: 'a@b.example', userRole: 'SystemAdmin' };
      const { status, body } = await home.call('POST', '/users', user);
      expect([status, body.detail.map((one: Body) => one.loc)]).toEqual([422, [['body', 'userName']]]);
      expect(home.stored()).toEqual(before);
    },
  );
});
