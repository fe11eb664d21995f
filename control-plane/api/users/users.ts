import { DomainError } from '../../../core/errors.ts';
import type { Identity, User } from '../../../core/ports/identity.ts';
import { type ApiResponse, SCOPES } from '../http/http.ts';
import { type Access, type Route, route } from '../http/route.ts';
import { newUser, userChange, userPage } from '../http/schemas.ts';

const READ: Access = { kind: 'user', scope: SCOPES.userRead, writes: false };
const WRITE: Access = { kind: 'user', scope: SCOPES.userWrite, writes: true };

/** What a `next_token` of ours looks like; any other text leads to an empty page. */
const TOKEN = /^\P{Cc}{1,512}$/u;

function userView({ userName, role, email, status, enabled, created, modified }: User): object {
  return { userName, userRole: role, email, status, enabled, created, modified };
}

/** SBT's list spells two names differently from its single user; its clients read those, ours read either. */
function listedView(user: User): object {
  return { ...userView(user), user_name: user.userName, user_role: user.role };
}

async function requireUser(identity: Identity, name: string): Promise<User> {
  const user = await identity.user('admin', name);
  if (!user) throw new DomainError('NOT_FOUND', `User ${name} not found.`);
  return user;
}

function done(message: string): ApiResponse {
  return { status: 200, body: { message } };
}

export const USER_ROUTES: readonly Route[] = [
  route({
    method: 'POST',
    path: '/users',
    access: WRITE,
    tag: 'System users',
    summary: 'Create a system user; an invitation with a temporary password is mailed',
    body: newUser,
    answer: { status: 201, description: 'Created and invited.' },
    async handle({ body }, { identity }) {
      const { userName, email, userRole: role } = body;
      await identity.createUser('admin', { userName, email, role });
      return { status: 201, body: { data: { userName } } };
    },
  }),
  route({
    method: 'GET',
    path: '/users',
    access: READ,
    tag: 'System users',
    summary: 'List system users, in order of user name',
    query: userPage,
    answer: { status: 200, description: 'One page.' },
    async handle({ query }, { identity }) {
      const { limit, next_token: after } = query;
      if (after !== undefined && !TOKEN.test(after)) return { status: 200, body: { data: [] } };
      const { items, next } = await identity.users('admin', { limit, ...(after !== undefined && { after }) });
      return { status: 200, body: { data: items.map(listedView), ...(next !== undefined && { next_token: next }) } };
    },
  }),
  route({
    method: 'GET',
    path: '/users/{userName}',
    access: READ,
    tag: 'System users',
    summary: 'One system user',
    answer: { status: 200, description: 'The user.' },
    async handle({ params }, { identity }) {
      return { status: 200, body: { data: userView(await requireUser(identity, params.userName ?? '')) } };
    },
  }),
  route({
    method: 'PUT',
    path: '/users/{userName}',
    access: WRITE,
    tag: 'System users',
    summary: "Change a system user's email and role",
    body: userChange,
    answer: { status: 200, description: 'Changed.' },
    async handle({ params, body }, { identity }) {
      const user = await requireUser(identity, params.userName ?? '');
      await identity.updateUser('admin', user.userName, { email: body.email, role: body.userRole });
      return done('User updated');
    },
  }),
  route({
    method: 'PUT',
    path: '/users/{userName}/enable',
    access: WRITE,
    tag: 'System users',
    summary: 'Let a system user sign in again',
    answer: { status: 200, description: 'Enabled.' },
    async handle({ params }, { identity }) {
      const user = await requireUser(identity, params.userName ?? '');
      await identity.setUserEnabled('admin', user.userName, true);
      return done('User enabled');
    },
  }),
  route({
    method: 'PUT',
    path: '/users/{userName}/disable',
    access: WRITE,
    tag: 'System users',
    summary: 'Keep a system user out; nothing is deleted',
    answer: { status: 200, description: 'Disabled; tokens stop working at once.' },
    async handle({ params }, { identity }) {
      const user = await requireUser(identity, params.userName ?? '');
      await identity.setUserEnabled('admin', user.userName, false);
      return done('User disabled');
    },
  }),
  route({
    method: 'DELETE',
    path: '/users/{userName}',
    access: WRITE,
    tag: 'System users',
    summary: 'Remove a system user; an unknown one is no error',
    answer: { status: 200, description: 'Gone.' },
    async handle({ params }, { identity }) {
      await identity.deleteUser('admin', params.userName ?? '');
      return done('User deleted');
    },
  }),
];
