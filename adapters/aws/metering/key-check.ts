import { encodeBase64Url } from '../../../core/encoding/base64url.ts';
import { DomainError, messageOf } from '../../../core/errors.ts';
import type { Clock, RandomBytes } from '../../../core/ports/clock.ts';
import type { MeteringKey } from '../../../core/ports/metering-keys.ts';
import { put, type Table } from '../../../core/ports/table.ts';
import { KEY_CHECK_PATH, keyCheckAuthorization, keyCheckKey } from '../../../core/routing/key-check.ts';
import { statusOf } from '../http-status.ts';

export interface KeyCheckOptions {
  /** URL of the tenants' REST API with its stage, without a slash at its end. */
  readonly apiUrl: string;
  /** The application plane's table, in which the API's authorizer finds the permission for the request. */
  readonly table: Table;
  readonly clock: Pick<Clock, 'now'>;
  readonly random: RandomBytes;
  /** Where all services of AWS are. @default - the API at its own address */
  readonly endpointUrl?: string | undefined;
}

const TIMEOUT_MS = 5_000;
/** How long the permission for a request is valid, in milliseconds. */
const VALID_MS = 60_000;
const TICKET_BYTES = 32;
const OK = 200;
/** API Gateway does not know the key, or not in this plan. */
const FORBIDDEN = 403;
/** The plan has refused the request, so it has counted it by the key. */
const TOO_MANY_REQUESTS = 429;

/**
 * Whether API Gateway counts requests by a tenant's key: sends one request through the public API. It counts against the
 * tenant's usage plan.
 * @returns a function that resolves to false as long as API Gateway refuses the key. It throws UNAVAILABLE if the API does not
 *   respond, or with another error
 */
export function openKeyCheck(options: KeyCheckOptions): (key: MeteringKey) => Promise<boolean> {
  const { apiUrl, table, clock, random, endpointUrl } = options;
  return async ({ tenantId, value: apiKey }) => {
    const ticket = encodeBase64Url(random(TICKET_BYTES));
    const until = clock.now() + VALID_MS;
    const item = { ...keyCheckKey(ticket), version: 1, data: { tenantId, apiKey, until } };
    await table.transact([put({ ...item, expiresAt: Math.ceil(until / 1000) }, 'absent')]);
    try {
      return await request(new URL(`${apiUrl}/${KEY_CHECK_PATH}`), ticket, endpointUrl);
    } finally {
      await table.transact([{ delete: keyCheckKey(ticket) }]);
    }
  };
}

async function request(url: URL, ticket: string, endpointUrl: string | undefined): Promise<boolean> {
  const headers = { authorization: keyCheckAuthorization(ticket) };
  const got = await statusOf(url, { headers, timeoutMs: TIMEOUT_MS, endpointUrl }).catch(messageOf);
  if (got === OK || got === TOO_MANY_REQUESTS) return true;
  if (got === FORBIDDEN) return false;
  throw new DomainError('UNAVAILABLE', `GET ${url.pathname} of the tenants' API must respond with ${OK}, got ${got}`);
}
