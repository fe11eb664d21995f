import { hash } from 'node:crypto';
import type { Clock } from '../../core/ports/clock.ts';
import { etagOf, requireMatch } from '../kit/etag.ts';
import { createOnce } from '../kit/idempotency.ts';
import { type Operation, operation } from '../kit/operation.ts';
import { decodeToken, encodeToken } from '../kit/paging.ts';
import { NewUser, User, UserChange, UserPage, UserParams, UserQuery, UserUpdate } from './schema.ts';
import type { Caller, TenantUsers } from './tenant-users.ts';

const NO_ADMIN_LEFT = { 409: 'The tenant would be left without an admin.' };

export function userOperations({ clock, users }: { clock: Clock; users: TenantUsers }): Operation[] {
  /** Identity keeps no version to write on condition of, so a change between this look and the write is not seen. */
  async function requireSeen(caller: Caller, userName: string, ifMatch: string | undefined): Promise<void> {
    if (ifMatch !== undefined) requireMatch(ifMatch, tagOf(await users.get(caller, userName)));
  }

  return [
    operation({
      id: 'listUsers',
      method: 'GET',
      path: '',
      summary: "The tenant's users in order of user name, page by page",
      role: 'TenantAdmin',
      query: UserQuery,
      status: 200,
      answer: UserPage,
      async handle({ tenant, query }) {
        const scope = `${tenant.tenantId}/users`;
        const after = decodeToken(scope, query.next_token);
        const page = await users.list(tenant, { limit: query.limit, after });
        const next = page.next === undefined ? {} : { next_token: encodeToken(scope, page.next) };
        return { body: { data: [...page.users], ...next } };
      },
    }),
    operation({
      id: 'createUser',
      method: 'POST',
      path: '',
      summary: 'Invite somebody by email',
      role: 'TenantAdmin',
      body: NewUser,
      status: 201,
      answer: User,
      refusals: { 409: 'The user name or email is taken.' },
      async handle({ tenant, body, idempotencyKey }) {
        const created = await createOnce<User>({ tenant, body, idempotencyKey }, 'users', clock, async (remember) => {
          const user = await users.create(tenant, body);
          await tenant.table.transact(remember(user));
          return user;
        });
        return { ...toAnswer(created), createdId: created.userName };
      },
    }),
    operation({
      id: 'getUser',
      method: 'GET',
      path: '/:userName',
      summary: 'One user',
      role: 'TenantAdmin',
      params: UserParams,
      status: 200,
      answer: User,
      handle: async ({ tenant, params }) => toAnswer(await users.get(tenant, params.userName)),
    }),
    operation({
      id: 'updateUser',
      method: 'PUT',
      path: '/:userName',
      summary: 'Set role and access of a user',
      role: 'TenantAdmin',
      params: UserParams,
      body: UserUpdate,
      status: 200,
      answer: User,
      refusals: NO_ADMIN_LEFT,
      async handle({ tenant, params, body, ifMatch }) {
        await requireSeen(tenant, params.userName, ifMatch);
        return toAnswer(await users.update(tenant, params.userName, body));
      },
    }),
    operation({
      id: 'changeUser',
      method: 'PATCH',
      path: '/:userName',
      summary: 'Change role or access of a user',
      role: 'TenantAdmin',
      params: UserParams,
      body: UserChange,
      status: 200,
      answer: User,
      refusals: NO_ADMIN_LEFT,
      async handle({ tenant, params, body, ifMatch }) {
        await requireSeen(tenant, params.userName, ifMatch);
        return toAnswer(await users.update(tenant, params.userName, body));
      },
    }),
    operation({
      id: 'deleteUser',
      method: 'DELETE',
      path: '/:userName',
      summary: 'Remove a user',
      role: 'TenantAdmin',
      params: UserParams,
      status: 204,
      refusals: NO_ADMIN_LEFT,
      async handle({ tenant, params, ifMatch }) {
        await requireSeen(tenant, params.userName, ifMatch);
        await users.delete(tenant, params.userName);
        return {};
      },
    }),
  ];
}

/** The state itself is the version. */
function tagOf(user: User): string {
  return etagOf(hash('sha256', JSON.stringify(Object.entries(user).sort()), 'base64url').slice(0, 16));
}

function toAnswer(user: User) {
  return { body: user, etag: tagOf(user) };
}
