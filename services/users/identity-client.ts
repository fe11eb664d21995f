import { Agent } from 'undici';
import * as z from 'zod';
import { DomainError, type ErrorCode } from '../../core/errors.ts';
import { User } from './schema.ts';
import type { Caller, TenantUsers } from './tenant-users.ts';

const TIMEOUT_MS = 5_000;
const CONNECTIONS = 8;

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

interface IdentityRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below the realm's `/users`. */
  readonly path: string;
  readonly body?: object;
}

/**
 * Calls the realm's users API with the caller's own token, as this service has no rights of its own over users. A call is
 * not repeated, as most calls are not safe to repeat.
 *
 * @param identityUrl base of `/realms/<realm>`, without a slash at its end
 */
export function createIdentityClient(identityUrl: string): TenantUsers {
  const agent = new Agent({ connections: CONNECTIONS, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS });

  async function send(caller: Caller, { method, path, body }: IdentityRequest): Promise<unknown> {
    const { status, text, retryAfter } = await agent
      .request({
        origin: new URL(identityUrl).origin,
        path: `${new URL(identityUrl).pathname.replace(/\/$/, '')}/realms/${caller.realm}/users${path}`,
        method,
        headers: {
          authorization: caller.authorization,
          'x-request-id': caller.requestId,
          ...(body && { 'content-type': 'application/json' }),
        },
        body: body ? JSON.stringify(body) : null,
      })
      .then(async ({ statusCode, headers, body: content }) => ({
        status: statusCode,
        text: await content.text(),
        retryAfter: Number(headers['retry-after'] ?? 1),
      }))
      .catch((cause: unknown) => {
        throw new DomainError('UNAVAILABLE', 'identity does not respond; try again', { cause });
      });
    if (status < 300) return text === '' ? undefined : JSON.parse(text);
    throw toError(status, text, retryAfter);
  }

  return {
    async list(caller, { after, limit }) {
      const token = after === undefined ? '' : `&next_token=${encodeURIComponent(after)}`;
      const page = Page.parse(await send(caller, { method: 'GET', path: `?limit=${limit}${token}` }));
      return { users: page.data, ...(page.next_token && { next: page.next_token }) };
    },
    get: async (caller, userName) => User.parse(await send(caller, { method: 'GET', path: pathOf(userName) })),
    create: async (caller, user) => {
      const body = { ...user, userName: user.userName ?? user.email };
      return User.parse(await send(caller, { method: 'POST', path: '', body }));
    },
    update: async (caller, userName, change) =>
      User.parse(await send(caller, { method: 'PATCH', path: pathOf(userName), body: change })),
    invite: async (caller, userName) =>
      User.parse(await send(caller, { method: 'POST', path: `${pathOf(userName)}/invitation` })),
    delete: async (caller, userName) => void (await send(caller, { method: 'DELETE', path: pathOf(userName) })),
    close: () => agent.close(),
  };
}

function pathOf(userName: string): string {
  return `/${encodeURIComponent(userName)}`;
}

/** @param retryAfter in seconds */
function toError(status: number, text: string, retryAfter: number): DomainError {
  const code = REFUSALS[status];
  if (!code) return new DomainError('UNAVAILABLE', 'identity failed; try again');
  const { message, issues } = refusalIn(text) ?? { message: 'identity refused the request', issues: [] };
  return new DomainError(code, OWN_MESSAGES[code] ?? message, {
    issues,
    ...(code === 'TOO_MANY' && { retryAfter }),
  });
}

function refusalIn(text: string): z.output<typeof Refusal> | undefined {
  try {
    return Refusal.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
