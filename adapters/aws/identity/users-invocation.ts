import { InvokeCommand, LambdaClient, type LambdaClientConfig } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { DomainError } from '../../../core/errors.ts';
import { USERS_TIMEOUT_MS, type UsersTransport } from '../../../core/identity/users-api/users-call.ts';
import type { UsersEvent } from '../../../core/identity/users-api/users-endpoint.ts';
import type { UsersResponse } from '../../../core/identity/users-api/users-response.ts';

/** What the function returns; see `UsersResponse`. */
const Returned = z.object({
  status: z.number().int(),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.unknown().optional(),
}) satisfies z.ZodType<UsersResponse>;

/** The event of the function `tenant-users`. */
export interface UsersCallEvent extends UsersEvent {
  readonly requestId: string;
}

const CONNECTION_TIMEOUT_MS = 1_000;

/**
 * The users API by invocation of the function `tenant-users`, on AWS. The service that calls needs one permission:
 * `lambda:InvokeFunction` on this function. The SDK would repeat a call after a time-out, so it may try only once.
 *
 * @param functionName name or ARN
 * @param config of the SDK's client, except retries and time-outs. @default - from the environment
 * @param timeoutMs for the response. @default 5_000
 */
export function openUsersInvocation(
  functionName: string,
  config: LambdaClientConfig = {},
  timeoutMs = USERS_TIMEOUT_MS,
): UsersTransport {
  const lambda = new LambdaClient({
    ...config,
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: timeoutMs,
      throwOnRequestTimeout: true,
    },
  });

  return {
    async send({ body, ...call }) {
      const event: UsersCallEvent = { ...call, ...(body && { body: JSON.stringify(body) }) };
      const command = new InvokeCommand({ FunctionName: functionName, Payload: Buffer.from(JSON.stringify(event)) });
      const { FunctionError, Payload } = await lambda.send(command).catch(unavailable);
      if (FunctionError !== undefined) throw unavailable(new Error(`the function failed: ${FunctionError}`));
      const { status, headers, body: returned } = responseIn(Payload);
      const retryAfter = headers['retry-after'];
      return { status, body: returned, ...(retryAfter !== undefined && { retryAfter: Number(retryAfter) }) };
    },
    close: async () => lambda.destroy(),
  };
}

function responseIn(payload: Uint8Array = new Uint8Array()): z.output<typeof Returned> {
  try {
    return Returned.parse(JSON.parse(Buffer.from(payload).toString()));
  } catch (cause) {
    throw unavailable(cause);
  }
}

/** Errors of the SDK name accounts and roles, so their messages stay in the cause. */
function unavailable(cause: unknown): never {
  throw new DomainError('UNAVAILABLE', 'identity does not respond; try again', { cause });
}
