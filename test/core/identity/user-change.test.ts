import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ConditionFailed, DomainError } from '../../../core/errors.ts';
import { changeUser, type FurtherWrites } from '../../../core/identity/users/user-change.ts';
import { emailKey, userKey } from '../../../core/identity/users/user-records.ts';
import type { NewUser, User } from '../../../core/ports/identity.ts';
import { put, type Write } from '../../../core/ports/table.ts';
import { subjectKey } from '../../../core/routing/registry.ts';
import { ANN, openUserStoreScene, TENANT, type UserStoreScene } from './user-store-scene.ts';

const POOL = { id: 'pool', displayName: 'Pool' } as const;
const PASSWORD = 'Correct-horse-7';
const ADMIN = { ...ANN, role: 'TenantAdmin', password: PASSWORD };
const named = (name: string, more: Partial<NewUser> = {}): NewUser => ({
  ...ADMIN,
  userName: name,
  email: `${name}@a.test`,
  ...more,
});

let scene: UserStoreScene;
let transactions: UserStoreScene['table']['transactions'];
beforeEach(async () => {
  scene = await openUserStoreScene();
  transactions = scene.table.transactions;
});
afterEach(async () => scene.close());

async function create(user: NewUser): Promise<User> {
  const created = await scene.identity.createUser('pool', user);
  transactions.length = 0;
  return created;
}

function change(userName: string, changed: Partial<User>, further?: FurtherWrites): Promise<User> {
  return changeUser(scene, POOL, userName, () => changed, further);
}

/** A write without what it stores. */
function outlineOf(write: Write): object {
  if (!('put' in write)) return write;
  const { pk, sk, version } = write.put;
  return { put: { pk, sk }, version, if: write.if };
}

const outlines = () => transactions.map((writes) => writes.map(outlineOf));

describe('a change of a user', () => {
  test('writes the user and what the gateway reads about the user, on condition that the user has not changed meanwhile', async () => {
    const before = await create(ANN);
    scene.clock.advance(1_000);
    const after = { ...before, role: 'Auditor', modified: '2026-01-01T00:00:01.000Z' };
    expect(await change(ANN.userName, { role: 'Auditor' })).toStrictEqual(after);
    const subject = subjectKey('pool', before.subject);
    expect(outlines()).toEqual([
      [
        { put: userKey('pool', ANN.userName), version: 3, if: { version: 2 } },
        { put: subject, version: 3, if: undefined },
      ],
    ]);
    expect((await scene.table.get(subject))?.data).toMatchObject({
      role: 'Auditor',
      issuer: 'http://service.test/pool',
    });
  });

  test('moves the email, which must be nobody’s email or user name', async () => {
    await create(ANN);
    await change(ANN.userName, { email: 'new@a.test' });
    expect(outlines()[0]?.slice(2)).toEqual([
      { put: emailKey('pool', 'new@a.test'), version: 1, if: 'absent' },
      { check: userKey('pool', 'new@a.test'), if: 'absent' },
    ]);
    // The user still signs in by this name.
    expect((await scene.table.get(emailKey('pool', ANN.email)))?.data).toEqual({ userName: ANN.userName });
    expect((await scene.table.get(emailKey('pool', 'new@a.test')))?.data).toEqual({ userName: ANN.userName });
    // Back to the email that is also the user name.
    await change(ANN.userName, { email: 'ANN@a.test' });
    expect(outlines()[1]?.slice(2)).toEqual([
      { check: emailKey('pool', ANN.email), if: { version: 2 } },
      { delete: emailKey('pool', 'new@a.test') },
    ]);
    await change(ANN.userName, { email: 'ann@A.TEST' });
    expect(outlines()[2]).toHaveLength(2);
  });

  test.each(['', 'nobody', 'a\u0000b', 'x'.repeat(2_000)])(
    'of %j, who does not exist, is refused',
    async (userName) => {
      await expect(change(userName, {})).rejects.toMatchObject({ code: 'NOT_FOUND', message: 'user not found' });
      expect(transactions).toEqual([]);
    },
  );

  test.each<[what: string, email: string, further: FurtherWrites | undefined, error: object]>([
    ['for a taken email', 'bob@a.test', undefined, { code: 'CONFLICT', issues: [{ loc: ['body', 'email'] }] }],
    [
      'for a taken email, before a further condition',
      'bob@a.test',
      { writes: [{ check: { pk: 'x', sk: 'x' }, if: 'present' }], refusal: () => new DomainError('INVALID', 'x') },
      { code: 'CONFLICT' },
    ],
    [
      'for a further condition, with its error',
      ANN.email,
      { writes: [{ check: { pk: 'x', sk: 'x' }, if: 'present' }], refusal: () => new DomainError('INVALID', 'x') },
      { code: 'INVALID' },
    ],
    [
      'for a further condition without an error of its own, with its index',
      ANN.email,
      { writes: [put({ pk: 'y', sk: 'y', version: 1, data: {} }), { check: { pk: 'x', sk: 'x' }, if: 'present' }] },
      { code: 'CONDITION_FAILED', failed: [2] },
    ],
  ])('is refused %s', async (_what, email, further, error) => {
    await create(ANN);
    await create(named('bob'));
    await expect(change(ANN.userName, { email }, further)).rejects.toMatchObject(error);
    expect(transactions).toEqual([]);
  });

  test('is refused for a user who keeps changing', async () => {
    await create(ANN);
    const { transact } = scene.table;
    scene.table.transact = async () => Promise.reject(new ConditionFailed([0]));
    await expect(change(ANN.userName, {})).rejects.toMatchObject({
      ...{ code: 'UNAVAILABLE', cause: expect.any(ConditionFailed) },
    });
    scene.table.transact = transact;
  });
});

describe('ID-2: a change that removes an administrator', () => {
  const removals: readonly Partial<User>[] = [{ role: 'TenantUser' }, { enabled: false }];

  test.each(removals)('by %j relies on another one, who must stay as is', async (removal) => {
    await create(named('ann'));
    await create(named('bob'));
    // The record says that the other one has signed in, so nobody asks the service.
    scene.credentials.statusOf = () => Promise.reject(new Error('asked'));
    await change('ann', removal);
    expect(outlines()[0]?.[1]).toEqual({ check: userKey('pool', 'bob'), if: { version: 2 } });
  });

  test.each<[what: string, other: Partial<NewUser>, then: Partial<User>]>([
    ['is no administrator', { role: 'TenantUser' }, {}],
    ['is disabled', {}, { enabled: false }],
    ['belongs to another tenant', { tenantId: 'b'.repeat(26) }, {}],
  ])('is refused if the only other user %s', async (_what, other, then) => {
    await create(named('ann'));
    await create(named('bob', other));
    await create(named('helper', { ...other }));
    if (then.enabled === false) for (const name of ['bob', 'helper']) await change(name, then);
    transactions.length = 0;
    for (const removal of removals) {
      await expect(change('ann', removal)).rejects.toMatchObject({
        ...{ code: 'CONFLICT', message: 'User ann is the last enabled TenantAdmin who has signed in' },
      });
    }
    expect(transactions).toEqual([]);
  });

  test('finds one who has been invited and has signed in since, whatever the record says', async () => {
    await create(named('ann'));
    const { password: _, ...invited } = named('bob');
    await create(invited);
    await expect(change('ann', { enabled: false })).rejects.toMatchObject({ code: 'CONFLICT' });
    const account = scene.credentials.account('pool', 'bob');
    if (account) account.status = 'CONFIRMED';
    await expect(change('ann', { enabled: false })).resolves.toMatchObject({ enabled: false });
  });

  test('reads on after a page of users who cannot replace them', async () => {
    await create(named('ann'));
    const { query } = scene.table;
    const limits: unknown[] = [];
    scene.table.query = async (given) => {
      const { after, limit, ...where } = given;
      limits.push({ after, limit });
      return after === undefined ? { items: [], next: 'ann' } : query({ ...where, limit });
    };
    await create(named('bob'));
    await expect(change('ann', { enabled: false })).resolves.toMatchObject({ enabled: false });
    expect(limits).toEqual([
      { after: undefined, limit: 100 },
      { after: 'ann', limit: 100 },
    ]);
  });

  test('cannot take the name of the one it relies on as its email', async () => {
    await create(named('ann'));
    await create(named('bob@a.test', { email: 'bob@a.test' }));
    await expect(change('ann', { role: 'TenantUser', email: 'BOB@a.test' })).rejects.toMatchObject({
      ...{ code: 'CONFLICT', issues: [{ loc: ['body', 'email'] }] },
    });
    expect(transactions).toEqual([]);
  });

  test('needs no other one if the user was none before, or stays one', async () => {
    await create(named('ann'));
    await create(named('bob', { role: 'TenantUser' }));
    await change('ann', { email: 'other@a.test' });
    await change('bob', { enabled: false });
    await change('bob', { role: 'TenantAdmin' });
    expect(transactions).toHaveLength(3);
    expect(outlines().flat()).not.toContainEqual({ check: expect.anything(), if: { version: expect.anything() } });
  });
});

test("a tenant's administrators are looked for within the tenant", async () => {
  await create(named('ann'));
  await create(named('bob'));
  const { query } = scene.table;
  const partitions: string[] = [];
  scene.table.query = async (given) => {
    partitions.push(given.pk);
    return query(given);
  };
  await change('ann', { enabled: false });
  expect(partitions).toEqual([`user#pool#tenant#${TENANT}`]);
});
