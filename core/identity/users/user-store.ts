import { defined } from '../../defined.ts';
import type { Identity, RealmSpec } from '../../ports/identity.ts';
import { subjectKey } from '../../routing/registry.ts';
import { deleteRealm, describeRealm, ensureRealm } from './realm-store.ts';
import { requireRealm, type StoreContext, tokensValidFrom } from './store-context.ts';
import { changeUser } from './user-change.ts';
import { createUser, stagedPassword } from './user-creation.ts';
import { deleteTenantUsers, deleteUser } from './user-deletion.ts';
import { endSessions, inviteUser, setPassword } from './user-passwords.ts';
import { getUser, listUsers } from './user-queries.ts';
import { emailKey, userKey } from './user-records.ts';
import { validUserFields } from './user-rules.ts';

/** The Identity port over the platform's table and a provider of credentials. Both homes use it. */
export function createUserStore<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
): Identity {
  const { table, credentials } = context;

  return {
    ensureRealm: (spec) => ensureRealm(context, spec),
    realm: (id) => describeRealm(context, id),
    deleteRealm: (id) => deleteRealm(context, id),

    createUser: (realm, user) => createUser(context, realm, user),
    user: (realm, userName) => getUser(context, realm, userName),
    users: (realm, page) => listUsers(context, realm, page),

    async userOf(realm, subject) {
      const item = await table.get(subjectKey(realm, subject));
      return item && getUser(context, realm, item.data.userName);
    },

    async updateUser(realmId, userName, { email, role }) {
      const given = validUserFields(defined({ email, role }));
      const realm = await requireRealm(context, realmId);
      const user = await changeUser(context, realm, userName, () => given);
      if (email !== undefined) await credentials.emailChanged(realm, user);
      return user;
    },

    async setUserEnabled(realmId, userName, enabled) {
      const realm = await requireRealm(context, realmId);
      // The table first: the gateway reads it, so a disabled user is refused before the sessions have ended.
      const user = await changeUser(context, realm, userName, () => ({
        enabled,
        // The tokens of a disabled user stay refused when the user is enabled again.
        ...(!enabled && { tokensValidFrom: tokensValidFrom(context) }),
      }));
      await credentials.enabledChanged(realm, user);
      return user;
    },

    inviteUser: (realm, userName, invitation) => inviteUser(context, realm, userName, invitation),
    setPassword: (realm, userName, password) => setPassword(context, realm, userName, password),
    endSessions: (realm, userName) => endSessions(context, realm, userName),

    deleteUser: (realm, userName) => deleteUser(context, realm, userName),
    deleteTenantUsers: (realm, tenantId) => deleteTenantUsers(context, realm, tenantId),

    stagedPassword: (tenantId, email, password) => stagedPassword(context, tenantId, email, password),
    async emailTaken(realm, email) {
      // Users sign in with either, so an email that is the user name of somebody else is taken, too.
      const holders = await Promise.all([table.get(emailKey(realm, email)), table.get(userKey(realm, email))]);
      return holders.some((holder) => holder !== undefined);
    },
  };
}
