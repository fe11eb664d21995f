import { Agent } from 'undici';
import { jsonIn } from '../../core/encoding/json.ts';
import { DomainError } from '../../core/errors.ts';
import { USERS_TIMEOUT_MS, type UsersTransport } from '../../core/identity/users-api/users-call.ts';

const CONNECTIONS = 8;

/**
 * The users API over HTTP, in the embedded home.
 * @param identityUrl base of `/realms/<realm>`
 */
export function createHttpTransport(identityUrl: string): UsersTransport {
  const agent = new Agent({
    connections: CONNECTIONS,
    headersTimeout: USERS_TIMEOUT_MS,
    bodyTimeout: USERS_TIMEOUT_MS,
  });
  const { origin, pathname } = new URL(identityUrl);
  const base = pathname.replace(/\/$/, '');

  return {
    async send({ realm, method, path, body, authorization, requestId }) {
      const response = await agent
        .request({
          origin,
          path: `${base}/realms/${realm}${path}`,
          method,
          headers: {
            authorization,
            'x-request-id': requestId,
            ...(body && { 'content-type': 'application/json' }),
          },
          body: body ? JSON.stringify(body) : null,
        })
        .then(async ({ statusCode, headers, body: content }) => ({
          status: statusCode,
          text: await content.text(),
          retryAfter: headers['retry-after'],
        }))
        .catch((cause: unknown) => {
          throw new DomainError('UNAVAILABLE', 'identity does not respond; try again', { cause });
        });
      const { status, text, retryAfter } = response;
      return { status, body: jsonIn(text), ...(retryAfter !== undefined && { retryAfter: Number(retryAfter) }) };
    },
    close: () => agent.close(),
  };
}

/** @returns undefined for text that is not JSON */
