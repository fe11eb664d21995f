import { hash } from 'node:crypto';
import type { Clock } from '../../core/ports/clock.ts';
import { etagOf, requireMatch } from '../kit/etag.ts';
import { createOnce } from '../kit/idempotency.ts';
import {
  CREATED,
  ETAG,
  IDEMPOTENCY_KEY,
  IF_MATCH,
  IF_NONE_MATCH,
  operation,
  refusal,
  type ServiceOperation,
  TENANT_ADMIN,
} from '../kit/operation.ts';
import { respondWithPage } from '../kit/paging.ts';
import { NewUser, User, UserChange, UserPage, UserQuery, UserUpdate } from './schema.ts';
import type { Caller, TenantUsers } from './tenant-users.ts';

const THE_USER = { description: 'The user.', body: User, headers: ETAG } as const;
const NO_ADMIN_LEFT = refusal('The tenant would have no administrator.');

export function userOperations({ clock, users }: { clock: Clock; users: TenantUsers }): ServiceOperation[] {
  /** Identity has no versions, so a change between this check and the write that follows it is not detected. */
  async function requireCurrent(caller: Caller, userName: string, ifMatch: string | undefined): Promise<void> {
    if (ifMatch !== undefined) requireMatch(ifMatch, tagOf(await users.get(caller, userName)));
  }

  async function update(caller: Caller, userName: string, ifMatch: string | undefined, change: UserChange) {
    await requireCurrent(caller, userName, ifMatch);
    return userResponse(await users.update(caller, userName, change));
  }

  return [
    operation({
      id: 'listUsers',
      method: 'GET',
      path: '',
      access: TENANT_ADMIN,
      summary: "List the tenant's users in order of user name",
      query: UserQuery,
      responses: { 200: { description: 'One page.', body: UserPage } },
      handle: ({ tenant, query }) =>
        respondWithPage({ tenantId: tenant.tenantId, list: 'users' }, query, async (page) => {
          const { users: items, ...more } = await users.list(tenant, page);
          return { items, ...more };
        }),
    }),
    operation({
      id: 'createUser',
      method: 'POST',
      path: '',
      access: TENANT_ADMIN,
      summary: 'Invite a user by email',
      headers: IDEMPOTENCY_KEY,
      body: NewUser,
      responses: {
        201: { description: 'The user.', body: User, headers: CREATED },
        409: refusal('The user name or the email is taken, or the Idempotency-Key was used with another body.'),
      },
      async handle({ tenant, body, headers }) {
        const request = { tenant, body, idempotencyKey: headers['idempotency-key'] };
        const created = await createOnce<User>(request, 'users', clock, async (keep) => {
          const user = await users.create(tenant, body);
          await tenant.table.transact(keep(user));
          return user;
        });
        const location = `users/${encodeURIComponent(created.userName)}`;
        return { status: 201, headers: { etag: tagOf(created), location }, body: created };
      },
    }),
    operation({
      id: 'getUser',
      method: 'GET',
      path: '/{userName}',
      access: TENANT_ADMIN,
      summary: 'Get a user',
      headers: IF_NONE_MATCH,
      responses: { 200: THE_USER },
      handle: async ({ tenant, params }) => userResponse(await users.get(tenant, params.userName)),
    }),
    operation({
      id: 'updateUser',
      method: 'PUT',
      path: '/{userName}',
      access: TENANT_ADMIN,
      summary: 'Set role and access of a user',
      headers: IF_MATCH,
      body: UserUpdate,
      responses: { 200: THE_USER, 409: NO_ADMIN_LEFT },
      handle: ({ tenant, params, body, headers }) => update(tenant, params.userName, headers['if-match'], body),
    }),
    operation({
      id: 'changeUser',
      method: 'PATCH',
      path: '/{userName}',
      access: TENANT_ADMIN,
      summary: 'Change role or access of a user',
      headers: IF_MATCH,
      body: UserChange,
      responses: { 200: THE_USER, 409: NO_ADMIN_LEFT },
      handle: ({ tenant, params, body, headers }) => update(tenant, params.userName, headers['if-match'], body),
    }),
    operation({
      id: 'inviteUser',
      method: 'POST',
      path: '/{userName}/invitation',
      access: TENANT_ADMIN,
      summary: 'Mail a new temporary password to a user who has not signed in yet; the one before is void',
      responses: { 200: THE_USER, 409: refusal('The user has signed in already, or is disabled.') },
      handle: async ({ tenant, params }) => userResponse(await users.invite(tenant, params.userName)),
    }),
    operation({
      id: 'deleteUser',
      method: 'DELETE',
      path: '/{userName}',
      access: TENANT_ADMIN,
      summary: 'Delete a user',
      headers: IF_MATCH,
      responses: { 204: { description: 'The user is deleted.' }, 409: NO_ADMIN_LEFT },
      async handle({ tenant, params, headers }) {
        await requireCurrent(tenant, params.userName, headers['if-match']);
        await users.delete(tenant, params.userName);
        return { status: 204 };
      },
    }),
  ];
}

/** The entity tag is a digest of the user, as identity has no versions. */
function tagOf(user: User): string {
  return etagOf(hash('sha256', JSON.stringify(Object.entries(user).sort()), 'base64url').slice(0, 16));
}

function userResponse(user: User) {
  return { status: 200, headers: { etag: tagOf(user) }, body: user } as const;
}
