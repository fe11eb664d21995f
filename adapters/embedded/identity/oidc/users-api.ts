import type { IncomingMessage, ServerResponse } from 'node:http';
import * as z from 'zod';
import { createKeyedQueue } from '../../../../core/collections/keyed-queue.ts';
import { DomainError, type ErrorCode } from '../../../../core/errors.ts';
import type { Authorize } from '../../../../core/identity/authorize.ts';
import type { Identity, RealmSpec, TenantRole, User } from '../../../../core/ports/identity.ts';
import type { TenantClaims } from './accounts.ts';
import { readBody, sendJson } from './http.ts';

/** What the realm's users endpoint answers with. */
export interface UserView {
  readonly userName: string;
  readonly email: string;
  readonly role: string;
  readonly enabled: boolean;
  readonly status: User['status'];
  readonly created: string;
  readonly modified: string;
}

export interface UsersApiDeps {
  readonly identity: Pick<
    Identity,
    'user' | 'users' | 'createUser' | 'updateUser' | 'setUserEnabled' | 'deleteUser'
  > & {
    userOf(realm: RealmSpec['id'], subject: string): Promise<User | undefined>;
  };
  readonly authorize: Authorize;
  readonly tenantClaims: (tenantId: string) => Promise<TenantClaims | undefined>;
  /** The front door, named in invitations. */
  readonly publicUrl: string;
}

export type UsersApi = (req: IncomingMessage, res: ServerResponse, spec: RealmSpec, path: UsersPath) => Promise<void>;

export interface UsersPath {
  /** Absent: the collection. */
  readonly userName?: string;
  readonly query: URLSearchParams;
}

const Role = z.enum(['TenantAdmin', 'TenantUser'] satisfies TenantRole[]);
/** It stands in paths, where some characters and names are read in more than one way. */
const UserName = z
  .string()
  .max(254)
  .regex(/^(?!\.{1,2}$)[^\s\p{Cc}\p{Cs}/\\]+$/u, 'must have 1 to 254 characters, no spaces, slashes or backslashes');
const NewUserBody = z.strictObject({
  email: z.email().max(254),
  /** Absent: the email. */
  userName: UserName.optional(),
  role: Role.default('TenantUser'),
});
const ChangeBody = z
  .strictObject({ role: Role, enabled: z.boolean() })
  .partial()
  .refine((body) => body.role !== undefined || body.enabled !== undefined, 'role or enabled must be given');
const ListQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(50),
  next_token: z.string().max(254).optional(),
});

const STATUS: Partial<Record<ErrorCode, number>> = {
  INVALID: 422,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  TOO_LARGE: 413,
  TOO_MANY: 429,
  UNAVAILABLE: 503,
};

/**
 * `/realms/<realm>/users[/<userName>]`: a TenantAdmin manages the users of the own tenant, with the own access token.
 * Whose tenant that is, and whether the caller still is its administrator, says the user's record, not the token.
 * What a user is (tenant, tier) no body can set; the last enabled TenantAdmin cannot be removed, disabled or demoted.
 */
export function createUsersApi({ identity, authorize, tenantClaims, publicUrl }: UsersApiDeps): UsersApi {
  const oneByOne = createKeyedQueue();

  async function callerOf(req: IncomingMessage, spec: RealmSpec): Promise<User & { tenantId: string }> {
    const token = await authorize(req.headers.authorization);
    if (token.realm !== spec.id) throw new DomainError('UNAUTHENTICATED', 'the token must be of this realm');
    const caller = await identity.userOf(spec.id, token.subject);
    if (!caller?.enabled) throw new DomainError('UNAUTHENTICATED', 'the user must be enabled');
    const { tenantId } = caller;
    if (tenantId === undefined || tenantId !== token.tenantId || caller.role !== 'TenantAdmin')
      throw new DomainError('FORBIDDEN', 'only a TenantAdmin may manage users');
    // Whoever joined while a tenant is being removed would outlive it.
    if (!(await tenantClaims(tenantId))?.active) throw new DomainError('FORBIDDEN', 'the tenant must be active');
    return { ...caller, tenantId };
  }

  /** The tenant's user of this name; another tenant's is not found. */
  async function memberOf(spec: RealmSpec, tenantId: string, userName: string): Promise<User> {
    const user = isKey(userName) ? await identity.user(spec.id, userName) : undefined;
    if (user?.tenantId !== tenantId) throw new DomainError('NOT_FOUND', 'user not found');
    return user;
  }

  async function requireAnotherAdmin(spec: RealmSpec, tenantId: string, but: User): Promise<void> {
    if (but.role !== 'TenantAdmin' || !but.enabled) return;
    let after: string | undefined;
    do {
      const page = await identity.users(spec.id, { tenantId, limit: 100, ...(after !== undefined && { after }) });
      const found = page.items.some(
        (user) => user.role === 'TenantAdmin' && user.enabled && user.subject !== but.subject,
      );
      if (found) return;
      after = page.next;
    } while (after !== undefined);
    throw new DomainError('CONFLICT', 'a tenant must keep at least one enabled TenantAdmin');
  }

  async function list(spec: RealmSpec, tenantId: string, query: URLSearchParams) {
    const { limit, next_token: after } = parse(ListQuery, Object.fromEntries(query), 'query');
    const page = await identity.users(spec.id, { tenantId, limit, ...(after && { after }) });
    return { data: page.items.map(view), next_token: page.next ?? '' };
  }

  async function create(spec: RealmSpec, tenantId: string, body: unknown): Promise<UserView> {
    const { email, userName = email, role } = parse(NewUserBody, body, 'body');
    const tenantName = (await tenantClaims(tenantId))?.name ?? spec.displayName;
    const invitation = { tenantName, link: publicUrl };
    return view(await identity.createUser(spec.id, { userName, email, role, tenantId, invitation }));
  }

  async function update(spec: RealmSpec, tenantId: string, userName: string, body: unknown): Promise<UserView> {
    const { role, enabled } = parse(ChangeBody, body, 'body');
    let user = await memberOf(spec, tenantId, userName);
    if (enabled === false || role === 'TenantUser') await requireAnotherAdmin(spec, tenantId, user);
    if (role !== undefined) user = await identity.updateUser(spec.id, user.userName, { role });
    if (enabled !== undefined) user = await identity.setUserEnabled(spec.id, user.userName, enabled);
    return view(user);
  }

  async function remove(spec: RealmSpec, tenantId: string, userName: string): Promise<void> {
    const user = await memberOf(spec, tenantId, userName);
    await requireAnotherAdmin(spec, tenantId, user);
    await identity.deleteUser(spec.id, user.userName);
  }

  return async (req, res, spec, { userName, query }) => {
    try {
      const { tenantId } = await callerOf(req, spec);
      const route = `${req.method} ${userName === undefined ? 'all' : 'one'}`;
      const name = userName ?? '';
      // Changes of one tenant's users wait for each other, or two admins could remove one another; who waited is asked
      // again for the right to go on.
      const alone = <T>(run: () => Promise<T>) => oneByOne(tenantId, () => callerOf(req, spec).then(run));
      if (route === 'GET all') sendJson(res, 200, await list(spec, tenantId, query));
      else if (route === 'GET one') sendJson(res, 200, view(await memberOf(spec, tenantId, name)));
      else if (route === 'POST all') sendJson(res, 201, await create(spec, tenantId, await jsonOf(req)));
      else if (route === 'PATCH one') {
        const body = await jsonOf(req);
        sendJson(res, 200, await alone(() => update(spec, tenantId, name, body)));
      } else if (route === 'DELETE one') {
        await alone(() => remove(spec, tenantId, name));
        sendJson(res, 204, undefined);
      } else {
        sendJson(res, 405, { message: 'Method Not Allowed' }, { allow: userName ? 'GET, PATCH, DELETE' : 'GET, POST' });
      }
    } catch (error) {
      sendFailure(res, error);
    }
  };
}

function sendFailure(res: ServerResponse, error: unknown): void {
  const status = error instanceof DomainError ? STATUS[error.code] : undefined;
  if (!(error instanceof DomainError) || status === undefined) throw error;
  const headers: Record<string, string> = status === 401 ? { 'www-authenticate': 'Bearer' } : {};
  sendJson(res, status, { message: error.message, ...(error.issues.length > 0 && { issues: error.issues }) }, headers);
}

function view({ userName, email, role, enabled, status, created, modified }: User): UserView {
  return { userName, email, role, enabled, status, created, modified };
}

async function jsonOf(req: IncomingMessage): Promise<unknown> {
  const text = await readBody(req);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DomainError('INVALID', 'the body must be JSON', { cause });
  }
}

function parse<T>(schema: z.ZodType<T>, value: unknown, where: 'body' | 'query'): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, code, message }) => ({
    loc: [where, ...path.map((part) => (typeof part === 'number' ? part : String(part)))],
    type: code,
    msg: message,
  }));
  throw new DomainError('INVALID', issues.map(({ loc, msg }) => `${loc.join('.')}: ${msg}`).join('; '), { issues });
}

function isKey(text: string): boolean {
  return /^[^\s\p{Cc}]{1,254}$/u.test(text) && text.isWellFormed();
}
