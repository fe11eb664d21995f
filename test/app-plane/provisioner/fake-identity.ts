import { createUserStore } from '../../../core/identity/users/user-store.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { Credentials, IssuedCredentials } from '../../../core/ports/credentials.ts';
import type { Identity, NewUser, RealmId, RealmSpec, User } from '../../../core/ports/identity.ts';
import type { Table } from '../../../core/ports/table.ts';

interface Secret {
  readonly password: string;
}

export interface TenantUser extends User {
  readonly realm: RealmId;
  readonly invitation?: NewUser['invitation'];
}

/** The real user store over fake credentials, without sign-in. Passes the Identity contract suite. */
export interface FakeIdentity extends Identity {
  /** All users of a tenant, in the pooled realm and in its own. */
  usersOf(tenantId: string): Promise<TenantUser[]>;
}

export function openFakeIdentity(table: Table, clock: Clock): FakeIdentity {
  const credentials = new FakeCredentials();
  const store = createUserStore({ table, clock, credentials });
  return {
    ...store,
    async usersOf(tenantId) {
      const realms: readonly RealmId[] = ['pool', `tenant-${tenantId}`];
      const pages = await Promise.all(
        realms.map(async (realm) => {
          const { items } = await store.users(realm, { tenantId, limit: 1_000 });
          return items.map((user) => ({ ...user, realm, ...credentials.invitationOf(user) }));
        }),
      );
      return pages.flat();
    },
  };
}

class FakeCredentials implements Credentials<Secret, RealmSpec> {
  readonly keptIn = 'table';
  readonly #invitations = new Map<string, NewUser['invitation']>();
  #issued = 0;

  async prepareRealm(realm: RealmSpec) {
    return { realm, writes: [] };
  }

  configOf({ id }: RealmSpec) {
    return { issuer: `http://platform.test/realms/${id}`, clientId: 'tierplane-app' };
  }

  async deleteRealm() {
    return [];
  }

  async protect(_tenantId: string, password: string): Promise<Secret> {
    return { password };
  }

  async issue(_realm: RealmSpec, { invitation }: NewUser): Promise<IssuedCredentials<Secret>> {
    const subject = `subject-${++this.#issued}`;
    if (invitation) this.#invitations.set(subject, invitation);
    return { subject, writes: [] };
  }

  async invite() {
    return { writes: [] };
  }

  async setPassword(_realm: RealmSpec, _user: User, password: string) {
    return { secret: { password }, writes: [] };
  }

  async endSessions() {}

  async statusOf(_realm: RealmSpec, { status }: User) {
    return status;
  }

  async emailChanged() {}

  async enabledChanged() {}

  async withdraw() {
    return [];
  }

  invitationOf({ subject }: User): { readonly invitation?: NewUser['invitation'] } {
    const invitation = this.#invitations.get(subject);
    return invitation ? { invitation } : {};
  }
}
