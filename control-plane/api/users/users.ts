import { DomainError } from '../../../core/errors.ts';
import { decodePageToken, encodePageToken } from '../../../core/http/page-token.ts';
import { SCOPES } from '../../../core/identity/issuers.ts';
import type { Identity, User } from '../../../core/ports/identity.ts';
import { nameOf } from '../http/http.ts';
import {
  BAD_PAGE_TOKEN,
  type ControlPlaneOperation,
  canRead,
  canWrite,
  done,
  operation,
  refusal,
  tooMany,
} from '../http/operation.ts';
import {
  type ListedSystemUser,
  NewSystemUser,
  type SystemUser,
  SystemUserChange,
  SystemUserCreated,
  SystemUserList,
  SystemUserQuery,
  SystemUserResponse,
} from './schemas.ts';

const READ = canRead(SCOPES.userRead);
const WRITE = canWrite(SCOPES.userWrite);

const NO_USER = refusal('No system user has this name.');
const LAST_ADMIN = refusal('No other enabled SystemAdmin who has signed in would remain.');

const LIST = 'system users';

function userView({ userName, role, email, status, enabled, created, modified }: User): SystemUser {
  return { userName, userRole: role, email, status, enabled, created, modified };
}

/** SBT's list has two names in snake case that its single user has in camel case; this list has both. */
function listedView(user: User): ListedSystemUser {
  return { ...userView(user), user_name: user.userName, user_role: user.role };
}

async function requireUser(identity: Identity, name: string): Promise<User> {
  const user = await identity.user('admin', name);
  if (!user) throw new DomainError('NOT_FOUND', `User ${name} not found.`);
  return user;
}

function result(message: string) {
  return { status: 200, body: { message } } as const;
}

export const USER_OPERATIONS: readonly ControlPlaneOperation[] = [
  operation({
    id: 'createSystemUser',
    method: 'POST',
    path: '/users',
    access: WRITE,
    tag: 'System users',
    summary: 'Create a system user and mail an invitation with a temporary password',
    body: NewSystemUser,
    responses: {
      201: { description: 'The user exists and the invitation is on its way.', body: SystemUserCreated },
      409: refusal('The user name or the email is taken.'),
      429: tooMany('The email address has got too many mails.'),
    },
    async handle({ body }, { identity }) {
      const { userName, email, userRole: role } = body;
      await identity.createUser('admin', { userName, email, role });
      return { status: 201, body: { data: { userName } } };
    },
  }),
  operation({
    id: 'listSystemUsers',
    method: 'GET',
    path: '/users',
    access: READ,
    tag: 'System users',
    summary: 'List system users in order of user name',
    query: SystemUserQuery,
    responses: { 200: { description: 'One page.', body: SystemUserList }, 400: BAD_PAGE_TOKEN },
    async handle({ query }, { identity }) {
      const after = decodePageToken(LIST, query.next_token);
      const { items, next } = await identity.users('admin', {
        limit: query.limit,
        ...(after !== undefined && { after }),
      });
      const more = next === undefined ? {} : { next_token: encodePageToken(LIST, next) };
      return { status: 200, body: { data: items.map(listedView), ...more } };
    },
  }),
  operation({
    id: 'getSystemUser',
    method: 'GET',
    path: '/users/{userName}',
    access: READ,
    tag: 'System users',
    summary: 'Get a system user',
    responses: { 200: { description: 'The user.', body: SystemUserResponse }, 404: NO_USER },
    async handle({ params }, { identity }) {
      return { status: 200, body: { data: userView(await requireUser(identity, params.userName)) } };
    },
  }),
  operation({
    id: 'updateSystemUser',
    method: 'PUT',
    path: '/users/{userName}',
    access: WRITE,
    tag: 'System users',
    summary: "Change a system user's email and role",
    body: SystemUserChange,
    responses: {
      200: done('The user is changed.'),
      404: NO_USER,
      409: refusal('The email is taken, or no other enabled SystemAdmin who has signed in would remain.'),
    },
    async handle({ params, body }, { identity }) {
      const user = await requireUser(identity, params.userName);
      await identity.updateUser('admin', user.userName, { email: body.email, role: body.userRole });
      return result('User updated');
    },
  }),
  operation({
    id: 'enableSystemUser',
    method: 'PUT',
    path: '/users/{userName}/enable',
    access: WRITE,
    tag: 'System users',
    summary: 'Allow a disabled system user to sign in again',
    responses: { 200: done('The user is enabled.'), 404: NO_USER },
    async handle({ params }, { identity }) {
      const user = await requireUser(identity, params.userName);
      await identity.setUserEnabled('admin', user.userName, true);
      return result('User enabled');
    },
  }),
  operation({
    id: 'disableSystemUser',
    method: 'PUT',
    path: '/users/{userName}/disable',
    access: WRITE,
    tag: 'System users',
    summary: 'Keep a system user from signing in without deleting it',
    responses: {
      200: done('The user is disabled; its tokens have stopped working.'),
      404: NO_USER,
      409: LAST_ADMIN,
    },
    async handle({ params }, { identity }) {
      const user = await requireUser(identity, params.userName);
      await identity.setUserEnabled('admin', user.userName, false);
      return result('User disabled');
    },
  }),
  operation({
    id: 'inviteSystemUser',
    method: 'POST',
    path: '/users/{userName}/invitation',
    access: WRITE,
    tag: 'System users',
    summary: 'Mail a new temporary password to a system user who has not signed in yet; the one before is void',
    responses: {
      200: done('The invitation is on its way.'),
      404: NO_USER,
      409: refusal('The user has signed in already, or is disabled.'),
      429: tooMany('The email address has got too many mails.'),
    },
    async handle({ params }, { identity }) {
      const user = await requireUser(identity, params.userName);
      await identity.inviteUser('admin', user.userName);
      return result('User invited');
    },
  }),
  operation({
    id: 'endSystemUserSessions',
    method: 'DELETE',
    path: '/users/{userName}/sessions',
    access: WRITE,
    tag: 'System users',
    summary: 'Sign a system user out everywhere',
    responses: { 200: done('All sessions and tokens of the user have ended.'), 404: NO_USER },
    async handle({ params }, { identity }) {
      const user = await requireUser(identity, params.userName);
      await identity.endSessions('admin', user.userName);
      return result('User signed out');
    },
  }),
  operation({
    id: 'endOwnSessions',
    method: 'DELETE',
    path: '/me/sessions',
    access: { kind: 'user' },
    tag: 'System users',
    summary: 'Sign the caller out everywhere',
    responses: {
      200: done('All sessions and tokens of the caller have ended, including the token of this request.'),
      404: refusal('The caller is a client credential, which has no sessions.'),
    },
    async handle({ principal }, { identity }) {
      const user = await requireUser(identity, nameOf(principal));
      await identity.endSessions('admin', user.userName);
      return result('Signed out everywhere');
    },
  }),
  operation({
    id: 'deleteSystemUser',
    method: 'DELETE',
    path: '/users/{userName}',
    access: WRITE,
    tag: 'System users',
    summary: 'Delete a system user; deleting an unknown one succeeds, too',
    responses: { 200: done('The user does not exist any more.'), 409: LAST_ADMIN },
    async handle({ params }, { identity }) {
      await identity.deleteUser('admin', params.userName);
      return result('User deleted');
    },
  }),
];
