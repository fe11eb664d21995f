import { DomainError } from '../../errors.ts';
import type { IssuedPassword } from '../../ports/credentials.ts';
import type { MailTenant, PasswordChange, RealmId, RealmSpec, User } from '../../ports/identity.ts';
import { underMailLimits } from './mail-limits.ts';
import { findUser, requireRealm, type StoreContext, tokensValidFrom, unknownUser } from './store-context.ts';
import { changeUser, type FurtherWrites } from './user-change.ts';
import { getUser } from './user-queries.ts';
import type { UserRecord } from './user-records.ts';
import { requireStrongPassword } from './user-rules.ts';

/** Implements `Identity.inviteUser`. */
export async function inviteUser<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
  realmId: RealmId,
  userName: string,
  invitation?: MailTenant,
): Promise<User> {
  const realm = await requireRealm(context, realmId);
  const user = await getUser(context, realmId, userName);
  if (!user) throw unknownUser();
  requireInvitable(user);
  const { email: to, tenantId } = user;
  return underMailLimits(context.mailLimits, { to, tenantId }, () => reinvite(context, realm, user, invitation));
}

async function reinvite<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
  realm: Realm,
  user: User,
  invitation: MailTenant | undefined,
): Promise<User> {
  const { secret, writes, committed } = await context.credentials.invite(realm, user, invitation);
  const invited = await changeUser(
    context,
    realm,
    user.userName,
    (before) => {
      requireSameUser(user, before);
      requireInvitable(before);
      return secret ? { secret } : {};
    },
    { writes },
  );
  committed?.();
  return invited;
}

/** Throws CONFLICT. A user who has signed in keeps the chosen password: only its owner may replace it. */
function requireInvitable({ userName, status, enabled }: User): void {
  if (!enabled) throw new DomainError('CONFLICT', `User ${userName} is disabled; enable the user first`);
  if (status !== 'CONFIRMED') return;
  const hint = 'the sign-in page sends a link to users who forgot their password';
  throw new DomainError('CONFLICT', `User ${userName} has signed in already; ${hint}`);
}

/** Throws NOT_FOUND if the user was deleted and created again meanwhile. */
function requireSameUser(user: User, before: User): void {
  if (user.subject !== before.subject) throw unknownUser();
}

/** Conditions of a password change beyond those of every user change. */
export interface PasswordConditions<Secret extends object> extends PasswordChange {
  /** Throws if the user, as the change finds it, must not get the password. @default - every user may */
  readonly check?: (before: UserRecord<Secret>) => void;
  /** @default - no further writes */
  readonly further?: FurtherWrites;
  /** Id of the session that stays. @default - none */
  readonly keepSession?: string | undefined;
}

/** Implements `Identity.setPassword`. */
export async function setPassword<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
  realmId: RealmId,
  userName: string,
  password: string,
  conditions: PasswordConditions<Secret> = {},
): Promise<User> {
  const { keepSession, replaced } = conditions;
  requireStrongPassword(realmId, password);
  const realm = await requireRealm(context, realmId);
  const found = await findUser(context, realmId, userName);
  if (!found) throw unknownUser();
  const { credentials } = context;
  const issue = () => credentials.setPassword(realm, found.data, password, replaced);
  const record = (issued: IssuedPassword<Secret>) => recordPassword(context, realm, found.data, issued, conditions);
  let user: User;
  if (credentials.keptIn === 'service' && found.data.status === 'CONFIRMED') {
    // The table first: if its conditions do not hold, the service keeps the password as it is.
    user = await record({ writes: [] });
    await issue();
  } else {
    user = await record(await issue());
  }
  await credentials.endSessions(realm, user, keepSession);
  return user;
}

function recordPassword<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
  realm: Realm,
  user: User,
  { secret, writes }: IssuedPassword<Secret>,
  { check, further = { writes: [] } }: PasswordConditions<Secret>,
): Promise<User> {
  return changeUser(
    context,
    realm,
    user.userName,
    (before) => {
      requireSameUser(user, before);
      check?.(before);
      // A user who has never signed in has no tokens to refuse, and gets the first one right after this.
      const refuseTokens = before.status === 'CONFIRMED' && { tokensValidFrom: tokensValidFrom(context) };
      return { ...(secret && { secret }), status: 'CONFIRMED', ...refuseTokens };
    },
    { ...further, writes: [...further.writes, ...writes] },
  );
}

/** Implements `Identity.endSessions`. The table changes first, so that tokens are refused even before the sessions have ended. */
export async function endSessions<Secret extends object, Realm extends RealmSpec>(
  context: StoreContext<Secret, Realm>,
  realmId: RealmId,
  userName: string,
): Promise<User> {
  const realm = await requireRealm(context, realmId);
  const user = await changeUser(context, realm, userName, () => ({ tokensValidFrom: tokensValidFrom(context) }));
  await context.credentials.endSessions(realm, user);
  return user;
}
