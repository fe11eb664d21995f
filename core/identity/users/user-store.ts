import { defined } from '../../defined.ts';
import { bothGuards, type Guard } from '../../ports/guard.ts';
import type { Identity, RealmId, RealmSpec, User } from '../../ports/identity.ts';
import { guardedTable } from '../../retry/guarded-table.ts';
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
  return userStore(context);
}

/** @param guard of the changes. @default - none */
function userStore<Secret extends object, Realm extends RealmSpec>(
  unguarded: StoreContext<Secret, Realm>,
  guard?: Guard,
): Identity {
  const { table } = unguarded;
  const context = guard ? { ...unguarded, table: guardedTable(table, guard), unguarded: table } : unguarded;

  return {
    guardedBy: (further) => userStore(unguarded, guard ? bothGuards(guard, further) : further),

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

    async caller(realm, subject) {
      const key = subjectKey(realm, subject);
      const item = await table.get(key);
      if (!item) return undefined;
      const { userName, role, enabled, tenantId, tokensValidFrom } = item.data;
      const basis = [{ check: key, if: { version: item.version } }] as const;
      return { userName, role, enabled, ...defined({ tenantId, tokensValidFrom }), basis };
    },

    updateUser: (realm, userName, change) => updateUser(context, realm, userName, change),
    setUserEnabled: (realm, userName, enabled) => updateUser(context, realm, userName, { enabled }),

    inviteUser: (realm, userName, invitation) => inviteUser(context, realm, userName, invitation),
    setPassword: (realm, userName, password, change) => setPassword(context, realm, userName, password, change),
    endSessions: (realm, userName) => endSessions(context, realm, userName),

    deleteUser: (realm, userName) => deleteUser(context, realm, userName),
    deleteTenantUsers: (realm, tenantId) => deleteTenantUsers(context, realm, tenantId),

    stagedPassword: (tenantId, email, password) => stagedPassword(context, tenantId, email, password),
    async emailTaken(realm, email) {
      // It also holds the emails that are names of users, since users sign in with either.
      if (await table.get(emailKey(realm, email))) return true;
      return unguarded.hasOlderUsers === true && (await table.get(userKey(realm, email))) !== undefined;
    },
  };
}

async function updateUser<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
  realmId: RealmId,
  userName: string,
  { email, role, enabled }: Parameters<Identity['updateUser']>[2],
): Promise<User> {
  const { credentials } = context;
  const given = { ...validUserFields(defined({ email, role })), ...defined({ enabled }) };
  const realm = await requireRealm(context, realmId);
  // The table first: the gateway reads it, so a disabled user is refused before the sessions have ended.
  const user = await changeUser(context, realm, userName, () => ({
    ...given,
    // The tokens of a disabled user stay refused when the user is enabled again.
    ...(enabled === false && { tokensValidFrom: tokensValidFrom(context) }),
  }));
  if (email !== undefined) await credentials.emailChanged(realm, user);
  if (enabled !== undefined) await credentials.enabledChanged(realm, user);
  return user;
}
