import type { IncomingMessage, ServerResponse } from 'node:http';
import * as z from 'zod';
import { DomainError, type ErrorCode } from '../../../../core/errors.ts';
import type { Authorize } from '../../../../core/identity/authorize.ts';
import {
  openTenantUsers,
  type TenantUsers,
  type TenantUsersOptions,
} from '../../../../core/identity/users/tenant-users.ts';
import type { RealmSpec, TenantRole, User } from '../../../../core/ports/identity.ts';
import { readBody, sendJson } from './messages.ts';

export interface UsersApiOptions extends TenantUsersOptions {
  readonly authorize: Authorize;
}

/** Serves `/realms/<realm>/users[/<userName>]` for a TenantAdmin, with the administrator's own access token. */
export type UsersApi = (
  req: IncomingMessage,
  res: ServerResponse,
  realm: RealmSpec,
  target: { readonly userName?: string; readonly query: URLSearchParams },
) => Promise<void>;

/** The users API's view of a user. */
export interface UserView {
  readonly userName: string;
  readonly email: string;
  readonly role: string;
  readonly enabled: boolean;
  readonly status: User['status'];
  readonly created: string;
  readonly modified: string;
}

interface UsersRequest {
  readonly userName: string;
  readonly query: URLSearchParams;
  /** Throws INVALID unless it is JSON. */
  body(): Promise<unknown>;
}

interface UsersResponse {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

type Operation = (users: TenantUsers, request: UsersRequest) => Promise<UsersResponse>;

const Role = z.enum(['TenantAdmin', 'TenantUser'] satisfies TenantRole[]);
/** A user name is part of a path, so it has no character or form that servers and proxies read in different ways. */
const UserName = z
  .string()
  .max(254)
  .regex(/^(?!\.{1,2}$)[^\s\p{Cc}\p{Cs}/\\]+$/u, 'must have 1 to 254 characters, no spaces, slashes or backslashes');
const NewUserBody = z.strictObject({
  email: z.email().max(254),
  /** @default - the email */
  userName: UserName.optional(),
  role: Role.default('TenantUser'),
});
const ChangeBody = z
  .strictObject({ role: Role.exactOptional(), enabled: z.boolean().exactOptional() })
  .refine((body) => body.role !== undefined || body.enabled !== undefined, 'must have role or enabled');
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

const COLLECTION: Readonly<Record<string, Operation>> = {
  async GET(users, { query }) {
    const { limit, next_token: after } = parse(ListQuery, Object.fromEntries(query), 'query');
    const page = await users.list({ limit, ...(after && { after }) });
    return { status: 200, body: { data: page.items.map(toView), next_token: page.next ?? '' } };
  },

  async POST(users, request) {
    const { email, userName = email, role } = parse(NewUserBody, await request.body(), 'body');
    return { status: 201, body: toView(await users.create({ userName, email, role })) };
  },
};

const ONE_USER: Readonly<Record<string, Operation>> = {
  async GET(users, { userName }) {
    return { status: 200, body: toView(await users.get(userName)) };
  },

  async PATCH(users, request) {
    const change = parse(ChangeBody, await request.body(), 'body');
    return { status: 200, body: toView(await users.change(request.userName, change)) };
  },

  async DELETE(users, { userName }) {
    await users.delete(userName);
    return { status: 204 };
  },
};

export function createUsersApi(options: UsersApiOptions): UsersApi {
  return async (req, res, realm, { userName, query }) => {
    try {
      const users = await openTenantUsers(options, realm, await options.authorize(req.headers.authorization));
      const operations = userName === undefined ? COLLECTION : ONE_USER;
      const operation = operations[req.method ?? ''] ?? methodNotAllowed(operations);
      const { status, body, headers } = await operation(users, {
        userName: userName ?? '',
        query,
        body: () => readJson(req),
      });
      sendJson(res, status, body, headers);
    } catch (error) {
      sendError(res, error);
    }
  };
}

function methodNotAllowed(operations: Readonly<Record<string, Operation>>): Operation {
  const allow = Object.keys(operations).join(', ');
  return async () => ({ status: 405, body: { message: 'Method Not Allowed' }, headers: { allow } });
}

/** Rethrows errors that the API does not report itself. */
function sendError(res: ServerResponse, error: unknown): void {
  const status = error instanceof DomainError ? STATUS[error.code] : undefined;
  if (!(error instanceof DomainError) || status === undefined) throw error;
  const headers: Record<string, string> = status === 401 ? { 'www-authenticate': 'Bearer' } : {};
  sendJson(res, status, { message: error.message, ...(error.issues.length > 0 && { issues: error.issues }) }, headers);
}

function toView({ userName, email, role, enabled, status, created, modified }: User): UserView {
  return { userName, email, role, enabled, status, created, modified };
}

async function readJson(req: IncomingMessage): Promise<unknown> {
  const text = await readBody(req);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DomainError('INVALID', 'the body must be JSON', { cause });
  }
}

/** Throws INVALID; its issues name each field that breaks a rule. */
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
