import * as z from 'zod';
import { Email } from '../../fields/email.ts';
import { ownUserName, UserName } from '../../fields/user-name.ts';
import { createOperation, type Operation, type ResponseBody, type Responses } from '../../http/operation.ts';
import { decodePageToken, encodePageToken, MAX_PAGE_TOKEN } from '../../http/page-token.ts';
import type { TenantRole, User } from '../../ports/identity.ts';
import { TENANT_ADMIN } from '../users/administrators.ts';
import type { TenantUsers } from '../users/tenant-users.ts';

/** Each call works on the users of the caller's own tenant. */
interface Context {
  readonly users: TenantUsers;
}

export type UsersOperation = Operation<Context, undefined>;

const ACCESS = { kind: 'user', role: TENANT_ADMIN } as const;

const Role = z.enum(['TenantAdmin', 'TenantUser'] satisfies TenantRole[]);
const NewUserBody = z
  .strictObject({
    email: Email,
    /** @default - the email */
    userName: UserName.optional(),
    role: Role.default('TenantUser'),
  })
  .superRefine(ownUserName);
const ChangeBody = z
  .strictObject({ role: Role.exactOptional(), enabled: z.boolean().exactOptional() })
  .refine((body) => body.role !== undefined || body.enabled !== undefined, 'must have role or enabled');
const ListQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(50),
  next_token: z.string().max(MAX_PAGE_TOKEN).optional(),
});

const UserView = z.strictObject({
  userName: z.string(),
  email: z.string(),
  role: z.string(),
  enabled: z.boolean(),
  status: z.enum(['CONFIRMED', 'FORCE_CHANGE_PASSWORD']),
  created: z.string(),
  modified: z.string(),
});
/** `next_token` is '' on the last page. */
const UserList = z.strictObject({ data: z.array(UserView), next_token: z.string() });
const Issue = z.strictObject({
  loc: z.array(z.union([z.string(), z.number()])),
  type: z.string(),
  msg: z.string(),
});
const Refusal = z.strictObject({ message: z.string(), issues: z.array(Issue).optional() });

function refusal(description: string) {
  return { description, body: Refusal };
}

const LIST = 'users';
const BAD_PAGE_TOKEN = refusal('The `next_token` is not one of this list.');
const TOO_MANY_MAILS = {
  ...refusal('The tenant has sent, or the email address has got, too many mails.'),
  headers: { 'retry-after': 'Seconds to wait before the next request.' },
};
const NO_USER = refusal('The tenant has no user of this name.');
const REFUSALS: Responses = {
  401: {
    ...refusal('The token is not of an enabled user of this realm.'),
    headers: { 'www-authenticate': 'Always Bearer.' },
  },
  403: refusal(`The caller is not a ${TENANT_ADMIN}, or the tenant is not active.`),
  413: refusal('The body is longer than 16 KB.'),
  422: refusal('The query or the body breaks a rule.'),
  429: refusal('Too many requests.'),
  503: refusal('Try again later.'),
};
const operation = createOperation<Context>(() => REFUSALS);

/** `/realms/<realm>/users`. No body can set a user's tenant or tier. */
export const USERS_OPERATIONS: readonly UsersOperation[] = [
  operation({
    id: 'listUsers',
    method: 'GET',
    path: '/users',
    access: ACCESS,
    summary: "List the tenant's users in order of user name",
    query: ListQuery,
    responses: { 200: { description: 'One page.', body: UserList }, 400: BAD_PAGE_TOKEN },
    async handle({ users, query }) {
      const after = decodePageToken(LIST, query.next_token);
      const { items, next } = await users.list({ limit: query.limit, ...(after !== undefined && { after }) });
      const token = next === undefined ? '' : encodePageToken(LIST, next);
      return { status: 200, body: { data: items.map(toView), next_token: token } };
    },
  }),
  operation({
    id: 'createUser',
    method: 'POST',
    path: '/users',
    access: ACCESS,
    summary: 'Invite a user by mail',
    body: NewUserBody,
    responses: {
      201: { description: 'The user exists and the invitation is on its way.', body: UserView },
      409: refusal('The user name or the email is taken.'),
      429: TOO_MANY_MAILS,
    },
    async handle({ users, body: { email, userName = email, role } }) {
      return { status: 201, body: toView(await users.create({ userName, email, role })) };
    },
  }),
  operation({
    id: 'getUser',
    method: 'GET',
    path: '/users/{userName}',
    access: ACCESS,
    summary: 'Get a user',
    responses: { 200: { description: 'The user.', body: UserView }, 404: NO_USER },
    async handle({ users, params }) {
      return { status: 200, body: toView(await users.get(params.userName)) };
    },
  }),
  operation({
    id: 'changeUser',
    method: 'PATCH',
    path: '/users/{userName}',
    access: ACCESS,
    summary: 'Change the role of a user, or disable or enable the user',
    body: ChangeBody,
    responses: {
      200: { description: 'The user is changed.', body: UserView },
      404: NO_USER,
      409: refusal(`No other enabled ${TENANT_ADMIN} would remain.`),
    },
    async handle({ users, params, body }) {
      return { status: 200, body: toView(await users.change(params.userName, body)) };
    },
  }),
  operation({
    id: 'inviteUser',
    method: 'POST',
    path: '/users/{userName}/invitation',
    access: ACCESS,
    summary: 'Mail a new temporary password to a user who has not signed in yet; the one before is void',
    responses: {
      200: { description: 'The invitation is on its way.', body: UserView },
      404: NO_USER,
      409: refusal('The user has signed in already, or is disabled.'),
      429: TOO_MANY_MAILS,
    },
    async handle({ users, params }) {
      return { status: 200, body: toView(await users.invite(params.userName)) };
    },
  }),
  operation({
    id: 'deleteUser',
    method: 'DELETE',
    path: '/users/{userName}',
    access: ACCESS,
    summary: 'Delete a user',
    responses: {
      204: { description: 'The user is deleted.' },
      404: NO_USER,
      409: refusal(`No other enabled ${TENANT_ADMIN} would remain.`),
    },
    async handle({ users, params }) {
      await users.delete(params.userName);
      return { status: 204 };
    },
  }),
];

function toView({ userName, email, role, enabled, status, created, modified }: User): ResponseBody<typeof UserView> {
  return { userName, email, role, enabled, status, created, modified };
}
