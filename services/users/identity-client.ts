import { Agent } from 'undici';
import * as z from 'zod';
import { DomainError, type ErrorCode } from '../../core/errors.ts';
import { User } from './schema.ts';
import type { Caller, TenantUsers } from './tenant-users.ts';

const TIMEOUT_MS = 5_000;
const CONNECTIONS = 8;

const Page = z.object({ data: z.array(User), next_token: z.string().optional() });
/** How identity words a refusal, with the fields at fault where there are any. */
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

const OWN_WORDS: Partial<Record<ErrorCode, string>> = {
  UNAUTHENTICATED: 'the token must be current',
  NOT_FOUND: 'there is no such user',
};

interface Ask {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below the realm's `/users`. */
  readonly path: string;
  readonly body?: object;
}

/**
 * The realm's users API behind the front door, asked with the caller's own token: this service has no power over
 * users by itself. Calls are made once, as most are not safe to repeat.
 *
 * @param identityUrl base below which `/realms/<realm>` is, without a slash at its end
 */
export function createIdentityClient(identityUrl: string): TenantUsers {
  const agent = new Agent({ connections: CONNECTIONS, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS });

  async function ask(caller: Caller, { method, path, body }: Ask): Promise<unknown> {
    const { status, text } = await agent
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
      .then(async (response) => ({ status: response.statusCode, text: await response.body.text() }))
      .catch((cause: unknown) => {
        throw new DomainError('UNAVAILABLE', 'identity does not answer; try again', { cause });
      });
    if (status < 300) return text === '' ? undefined : JSON.parse(text);
    throw toError(status, text);
  }

  return {
    async list(caller, { after, limit }) {
      const token = after === undefined ? '' : `&next_token=${encodeURIComponent(after)}`;
      const page = Page.parse(await ask(caller, { method: 'GET', path: `?limit=${limit}${token}` }));
      return { users: page.data, ...(page.next_token && { next: page.next_token }) };
    },
    get: async (caller, userName) => User.parse(await ask(caller, { method: 'GET', path: pathOf(userName) })),
    create: async (caller, user) => {
      const body = { ...user, userName: user.userName ?? user.email };
      return User.parse(await ask(caller, { method: 'POST', path: '', body }));
    },
    update: async (caller, userName, change) =>
      User.parse(await ask(caller, { method: 'PATCH', path: pathOf(userName), body: change })),
    delete: async (caller, userName) => void (await ask(caller, { method: 'DELETE', path: pathOf(userName) })),
    close: () => agent.close(),
  };
}

function pathOf(userName: string): string {
  return `/${encodeURIComponent(userName)}`;
}

function toError(status: number, text: string): DomainError {
  const code = REFUSALS[status];
  if (!code) return new DomainError('UNAVAILABLE', 'identity failed; try again');
  const { message, issues } = refusalIn(text) ?? { message: 'identity refused this', issues: [] };
  return new DomainError(code, OWN_WORDS[code] ?? message, { issues });
}

function refusalIn(text: string): z.output<typeof Refusal> | undefined {
  try {
    return Refusal.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
