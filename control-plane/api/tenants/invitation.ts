import * as z from 'zod';
import { DomainError } from '../../../core/errors.ts';
import { Email } from '../../../core/fields/email.ts';
import type { ResponseBody } from '../../../core/http/operation.ts';
import { SCOPES } from '../../../core/identity/issuers.ts';
import { TENANT_ADMIN } from '../../../core/identity/users/administrators.ts';
import { placeOf } from '../../../core/plan/place.ts';
import type { Identity, MailTenant, RealmId, User } from '../../../core/ports/identity.ts';
import type { TenantRecord } from '../../../core/tenant/record.ts';
import type { TenantDeps } from '../http/deps.ts';
import { canWrite, NO_TENANT, type OperationOf, refusal, tenantOperation, tooMany } from '../http/operation.ts';
import { requireServed, servedTenantGuard } from './served-tenant.ts';
import { requireTenant } from './tenant-store.ts';

const NewInvitation = z
  .strictObject({
    email: Email.optional().describe(
      'The administrator to invite, also a new one. Default: the one who has not signed in yet.',
    ),
  })
  .meta({ id: 'NewInvitation' });

const InvitedAdmin = z
  .object({
    userName: z.string(),
    email: z.string(),
    created: z.boolean().describe('true: the administrator is a new user.'),
  })
  .meta({ id: 'InvitedAdmin' });

const Invitation = z.object({ data: InvitedAdmin }).meta({ id: 'Invitation' });
export type Invitation = ResponseBody<typeof Invitation>;

/** Where the users of an active tenant are. */
interface Members {
  readonly identity: Identity;
  readonly realm: RealmId;
  readonly tenantId: string;
  readonly tenant: MailTenant;
}

interface Invited {
  readonly user: User;
  readonly created: boolean;
}

const PAGE = 100;

/** Throws CONFLICT for a tenant that is not active: a user who is created while it is deleted would outlive it. */
async function membersOf(deps: TenantDeps, record: TenantRecord): Promise<Members> {
  const { tenantId, tenantName, slug, tier, state } = record;
  const { identity, operator } = deps;
  requireServed(state);
  const { realm } = placeOf(tenantId, operator.tiers[tier]);
  if (!(await identity.realm(realm))) {
    throw new DomainError('CONFLICT', 'The users of the tenant are not in a user pool of this platform');
  }
  const guarded = identity.guardedBy(servedTenantGuard(deps, tenantId));
  return { identity: guarded, realm, tenantId, tenant: { tenantName, slug } };
}

async function administratorsOf({ identity, realm, tenantId }: Members): Promise<readonly User[]> {
  const found: User[] = [];
  let after: string | undefined;
  do {
    const page = await identity.users(realm, { tenantId, limit: PAGE, ...(after !== undefined && { after }) });
    found.push(...page.items.filter(({ role }) => role === TENANT_ADMIN));
    after = page.next;
  } while (after !== undefined);
  return found;
}

/** Invites the only administrator who has not signed in yet. Throws CONFLICT if there is none, or more than one. */
async function inviteAgain(members: Members): Promise<Invited> {
  const waiting = (await administratorsOf(members)).filter(({ enabled, status }) => enabled && status !== 'CONFIRMED');
  const [only, another] = waiting;
  if (!only) {
    const hint = 'name a new one by email, or have them use the link on the sign-in page if they forgot the password';
    throw new DomainError('CONFLICT', `Every enabled administrator of the tenant has signed in; ${hint}`);
  }
  if (another) {
    const emails = waiting.map(({ email }) => email).join(', ');
    throw new DomainError('CONFLICT', `Several administrators have not signed in yet; name one by email: ${emails}`);
  }
  return invite(members, only);
}

/** Invites the administrator with this email again, or as a new user. Throws CONFLICT if another kind of user has it. */
async function inviteByEmail(members: Members, address: string): Promise<Invited> {
  const { identity, realm, tenantId, tenant: invitation } = members;
  const known = (await administratorsOf(members)).find(({ email }) => email.toLowerCase() === address.toLowerCase());
  if (known) return invite(members, known);
  const admin = { userName: address, email: address, role: TENANT_ADMIN, tenantId, invitation };
  return { user: await identity.createUser(realm, admin), created: true };
}

async function invite({ identity, realm, tenant }: Members, { userName }: User): Promise<Invited> {
  return { user: await identity.inviteUser(realm, userName, tenant), created: false };
}

/** For a tenant whose administrators cannot sign in any more. */
export const INVITATION_OPERATIONS: readonly OperationOf<TenantDeps>[] = [
  tenantOperation({
    id: 'inviteTenantAdmin',
    method: 'POST',
    path: '/tenants/{tenantId}/invitation',
    access: canWrite(SCOPES.tenantWrite),
    tag: 'Tenants',
    summary: 'Invite an administrator of a tenant: again, if the first invitation expired, or a new one',
    body: NewInvitation,
    responses: {
      200: { description: 'The invitation is on its way. An earlier temporary password is void.', body: Invitation },
      404: NO_TENANT,
      409: refusal('The tenant is not active, the administrator has signed in already, or the email is taken.'),
      429: tooMany('The tenant has sent, or the email address has got, too many mails.'),
    },
    async handle({ params, body }, deps) {
      const members = await membersOf(deps, await requireTenant(deps, params.tenantId));
      const { user, created } =
        body.email === undefined ? await inviteAgain(members) : await inviteByEmail(members, body.email);
      return { status: 200, body: { data: { userName: user.userName, email: user.email, created } } };
    },
  }),
];
