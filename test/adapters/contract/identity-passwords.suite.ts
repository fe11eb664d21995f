import { expect, test } from '@jest/globals';
import type { Identity } from '../../../core/ports/identity.ts';
import type { Table } from '../../../core/ports/table.ts';
import { subjectKey } from '../../../core/routing/registry.ts';
import { A, B, newUser } from './new-user.ts';

/** An empty Identity. */
export interface IdentityFixture {
  readonly identity: Identity;
  /** Where the users are kept. */
  readonly table: Table;
  close(): Promise<void>;
}

/** Invitations, passwords, staged passwords and the end of sessions. The realm `pool` exists. */
export function passwordContract(opened: () => IdentityFixture): void {
  const identity = () => opened().identity;

  async function stage(...given: Parameters<Identity['stagedPassword']>): Promise<void> {
    await opened().table.transact([await identity().stagedPassword(...given)]);
  }

  test('ID-7: a user who has not signed in is invited again; others, and disabled users, are not', async () => {
    await identity().createUser('pool', newUser('late'));
    await expect(identity().inviteUser('pool', 'LATE@example.test')).resolves.toMatchObject({
      status: 'FORCE_CHANGE_PASSWORD',
      tenantId: A,
    });
    await identity().setUserEnabled('pool', 'late@example.test', false);
    await expect(identity().inviteUser('pool', 'late@example.test')).rejects.toMatchObject({ code: 'CONFLICT' });
    await identity().createUser('pool', newUser('signed-in', { password: 'Correct-horse-7' }));
    await expect(identity().inviteUser('pool', 'signed-in@example.test')).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringMatching(/^User signed-in@example\.test has signed in already; /),
    });
    for (const name of ['nobody@example.test', '', '..', 'a\u0000']) {
      await expect(identity().inviteUser('pool', name)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
  });

  test('ID-1: a password is set for an invited user and for one who has signed in, if it is strong enough', async () => {
    await identity().createUser('pool', newUser('setter'));
    await expect(identity().setPassword('pool', 'setter@example.test', 'weak')).rejects.toMatchObject({
      code: 'INVALID',
    });
    const first = await identity().setPassword('pool', 'setter@example.test', 'Correct-horse-7');
    expect(first.status).toBe('CONFIRMED');
    // There was no token to refuse.
    expect(first).not.toHaveProperty('tokensValidFrom');
    const second = await identity().setPassword('pool', 'setter@example.test', 'Correct-horse-8');
    expect(second.tokensValidFrom).toBeGreaterThan(Date.parse(second.created) / 1000);
    await expect(identity().setPassword('pool', 'nobody@example.test', 'Correct-horse-7')).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  test('ID-6: tokens of a user who ends all sessions or is disabled are refused from then on, in the registry too', async () => {
    const user = await identity().createUser('pool', newUser('leaver', { password: 'Correct-horse-7' }));
    const registered = async () => (await opened().table.get(subjectKey('pool', user.subject)))?.data;
    expect(await registered()).not.toHaveProperty('tokensValidFrom');
    const { tokensValidFrom } = await identity().endSessions('pool', user.userName);
    expect(tokensValidFrom).toBeGreaterThan(Date.parse(user.created) / 1000);
    expect(await registered()).toMatchObject({ enabled: true, tokensValidFrom });
    await identity().setUserEnabled('pool', user.userName, false);
    await identity().setUserEnabled('pool', user.userName, true);
    expect((await registered())?.tokensValidFrom).toBeGreaterThanOrEqual(tokensValidFrom ?? 0);
    await expect(identity().endSessions('pool', 'nobody@example.test')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('ON-2: a staged password goes to the first user with its email, once', async () => {
    await expect(identity().stagedPassword(B, 'first@example.test', 'weak')).rejects.toMatchObject({ code: 'INVALID' });
    await stage(B, 'first@example.test', 'Correct-horse-7');
    await stage(B, 'First@example.test', 'Correct-horse-8');
    const other = await identity().createUser('pool', newUser('somebody', { tenantId: B }));
    expect(other.status).toBe('FORCE_CHANGE_PASSWORD');
    const first = await identity().createUser('pool', newUser('first', { tenantId: B }));
    expect(first.status).toBe('CONFIRMED');
    await identity().deleteUser('pool', 'first@example.test');
    const again = await identity().createUser('pool', newUser('first', { tenantId: B }));
    expect(again.status).toBe('FORCE_CHANGE_PASSWORD');
    await identity().deleteTenantUsers('pool', B);
  });

  test('ON-5: a staged password survives the deletion of a realm, for a repeated onboarding', async () => {
    const spec = { id: `tenant-${B}`, displayName: 'Anew', tenantId: B } as const;
    await stage(B, 'anew@example.test', 'Correct-horse-7');
    await identity().ensureRealm(spec);
    await identity().deleteRealm(spec.id);
    await identity().ensureRealm(spec);
    const first = await identity().createUser(spec.id, newUser('anew', { tenantId: B }));
    expect(first.status).toBe('CONFIRMED');
    await identity().deleteRealm(spec.id);
  });
}
