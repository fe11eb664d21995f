import * as z from 'zod';
import { DomainError, type ErrorCode } from '../../core/errors.ts';
import type { UsersCall, UsersCallResponse, UsersTransport } from '../../core/identity/users-api/users-call.ts';
import { User } from './schema.ts';
import type { Caller, TenantUsers } from './tenant-users.ts';

const Page = z.object({ data: z.array(User), next_token: z.string().optional() });
/** A refusal by identity, with the fields that are not valid, if any. */
const Refusal = z.object({
  message: z.string(),
  issues: z
    .array(z.object({ loc: z.array(z.union([z.string(), z.number()])), type: z.string(), msg: z.string() }))
    .default([]),
});

const REFUSALS: Readonly<Record<number, ErrorCode>> = {
  400: 'INVALID',
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  409: 'CONFLICT',
  422: 'INVALID',
  429: 'TOO_MANY',
};

const OWN_MESSAGES: Partial<Record<ErrorCode, string>> = {
  UNAUTHENTICATED: 'the token must be current',
  NOT_FOUND: 'user not found',
};

/** Calls the realm's users API with the caller's own token, as this service has no rights of its own over users. */
export function createTenantUsersClient(transport: UsersTransport): TenantUsers {
  async function send(caller: Caller, request: Pick<UsersCall, 'method' | 'path' | 'body'>): Promise<unknown> {
    const { realm, authorization, requestId } = caller;
    const response = await transport.send({ realm, authorization, requestId, ...request });
    if (response.status < 300) return response.body;
    throw toError(response);
  }

  return {
    async list(caller, { after, limit }) {
      const token = after === undefined ? '' : `&next_token=${encodeURIComponent(after)}`;
      const page = parsed(Page, await send(caller, { method: 'GET', path: `/users?limit=${limit}${token}` }));
      return { users: page.data, ...(page.next_token && { next: page.next_token }) };
    },
    get: async (caller, userName) => parsed(User, await send(caller, { method: 'GET', path: pathOf(userName) })),
    create: async (caller, user) => {
      const body = { ...user, userName: user.userName ?? user.email };
      return parsed(User, await send(caller, { method: 'POST', path: '/users', body }));
    },
    update: async (caller, userName, change) =>
      parsed(User, await send(caller, { method: 'PATCH', path: pathOf(userName), body: change })),
    invite: async (caller, userName) =>
      parsed(User, await send(caller, { method: 'POST', path: `${pathOf(userName)}/invitation` })),
    delete: async (caller, userName) => void (await send(caller, { method: 'DELETE', path: pathOf(userName) })),
    close: () => transport.close(),
  };
}

function pathOf(userName: string): string {
  return `/users/${encodeURIComponent(userName)}`;
}

/** Throws UNAVAILABLE for a successful response that is not what identity returns. */
function parsed<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const result = schema.safeParse(body);
  if (!result.success) throw failed(result.error);
  return result.data;
}

function toError({ status, body, retryAfter = 1 }: UsersCallResponse): DomainError {
  const code = REFUSALS[status];
  const refusal = Refusal.safeParse(body);
  // The platform is alive and says what it lacks, such as space on its disk.
  if (status === 503 && refusal.success) return new DomainError('UNAVAILABLE', refusal.data.message, { retryAfter });
  if (!code) return failed();
  const { message, issues } = refusal.data ?? { message: 'identity refused the request', issues: [] };
  return new DomainError(code, OWN_MESSAGES[code] ?? message, {
    issues,
    ...(code === 'TOO_MANY' && { retryAfter }),
  });
}

function failed(cause?: unknown): DomainError {
  return new DomainError('UNAVAILABLE', 'identity failed; try again', { cause });
}
