import { randomUUID } from 'node:crypto';
import { DynamoDBClient, type DynamoDBClientConfig, QueryCommand } from '@aws-sdk/client-dynamodb';
import { getEndpointFromInstructions } from '@smithy/core/endpoints';
import { isServerError, isThrottlingError, isTransientError, StandardRetryStrategy } from '@smithy/core/retry';
import { SignatureV4 } from '@smithy/signature-v4';
import { Pool } from 'undici';
import { dynamoError, networkError } from './dynamo-errors.ts';
import { signingHash } from './signing-hash.ts';
import type { TableCalls } from './table-calls.ts';
import type { TenantSession } from './tenant-sessions.ts';

export interface SignedCallsOptions extends Pick<DynamoDBClientConfig, 'region' | 'endpoint' | 'credentials'> {
  /** For the head of a response, and between two pieces of it. The call is then repeated. @default 10_000 (10 seconds) */
  readonly timeoutMs?: number;
}

/** Calls of one DynamoDB with the credentials of many. */
export interface SignedCalls {
  /** These calls have a budget of retries of their own: while they fail, those with other credentials are still repeated. */
  callsWith(credentials: () => Promise<TenantSession>): TableCalls;
  /** Closes the connections. Calls in progress fail. */
  close(): void;
}

type Action = 'GetItem' | 'Query' | 'TransactWriteItems';

/** As many connections as a client of the SDK has. */
const CONNECTIONS = 50;
const CONNECT_TIMEOUT_MS = 3_000;
/** DynamoDB closes idle connections later. */
const KEEP_ALIVE_MS = 10_000;
/** Before the first retry after a transient error, on average half of it. As in the SDK's client of DynamoDB. */
const RETRY_DELAY_MS = 25;
const TARGET = 'DynamoDB_20120810';

/**
 * DynamoDB's three calls that a table makes, by HTTP. Region, endpoint, signature and the rules of retries are those of the
 * SDK; what the SDK does around them takes most of a request's time (docs/decisions/0045).
 */
export function openSignedCalls({ timeoutMs = 10_000, ...config }: SignedCallsOptions): SignedCalls {
  const { config: sdk } = new DynamoDBClient({ ...config, accountIdEndpointMode: 'disabled' });
  let opened: Promise<Endpoint> | undefined;

  /** Credentials and region may be unavailable at first, so the next call tries again. */
  function endpoint(): Promise<Endpoint> {
    opened ??= openEndpoint(sdk, timeoutMs).catch((error) => {
      opened = undefined;
      throw error;
    });
    return opened;
  }

  return {
    callsWith(credentials) {
      const signer = new SignatureV4({
        ...{ credentials, region: sdk.region, service: 'dynamodb', sha256: signingHash(), applyChecksum: false },
      });
      let retries: StandardRetryStrategy | undefined;
      const call = async <T>(action: Action, input: object): Promise<T> => {
        const [to] = await Promise.all([endpoint(), credentials()]);
        const body = JSON.stringify(input);
        retries ??= new StandardRetryStrategy({ maxAttempts: to.maxAttempts, baseDelay: RETRY_DELAY_MS });
        return repeated(retries, async () => (await send(to, signer, action, body)) as T);
      };
      return {
        getItem: (input) => call('GetItem', input),
        query: (input) => call('Query', input),
        // A repeated call has the same token, so it does not write twice.
        transactWriteItems: (input) => call('TransactWriteItems', { ClientRequestToken: randomUUID(), ...input }),
      };
    },
    close() {
      opened?.then(({ pool }) => pool.destroy()).catch(() => undefined);
    },
  };
}

type Sdk = DynamoDBClient['config'];

interface Endpoint {
  readonly url: URL;
  readonly pool: Pool;
  /** At one call. */
  readonly maxAttempts: number;
}

/** The endpoint that the SDK would call: the configured one, that of the environment, or the region's. */
async function openEndpoint(sdk: Sdk, timeoutMs: number): Promise<Endpoint> {
  const { url } = await getEndpointFromInstructions({}, QueryCommand, sdk);
  const pool = new Pool(url.origin, {
    connections: CONNECTIONS,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
  });
  return { url, pool, maxAttempts: await sdk.maxAttempts() };
}

/** Makes one attempt at a call. @returns the response's JSON */
async function send({ url, pool }: Endpoint, signer: SignatureV4, action: Action, body: string): Promise<unknown> {
  const request = {
    ...{ method: 'POST', protocol: url.protocol, hostname: url.hostname, path: '/', query: {}, body },
    headers: { host: url.host, 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `${TARGET}.${action}` },
  };
  const { headers } = await signer.sign(request);
  const response = await pool
    .request({ method: 'POST', path: '/', headers, body })
    .then(async (one) => ({ status: one.statusCode, headers: one.headers, text: await one.body.text() }))
    .catch((cause: unknown) => {
      throw networkError(cause);
    });
  if (response.status !== 200) throw dynamoError(response);
  return JSON.parse(response.text);
}

/** Repeats a call as the SDK does: after throttling and transient errors, and less often while many calls fail. */
async function repeated<T>(strategy: StandardRetryStrategy, call: () => Promise<T>): Promise<T> {
  let token = await strategy.acquireInitialRetryToken('');
  for (;;) {
    try {
      const output = await call();
      strategy.recordSuccess(token);
      return output;
    } catch (failure) {
      const error = failure as SdkError;
      // Waits as long as the next attempt must wait.
      token = await strategy.refreshRetryTokenForRetry(token, { error, errorType: kindOf(error) }).catch(() => {
        throw error;
      });
    }
  }
}

type SdkError = Parameters<typeof isThrottlingError>[0];

function kindOf(error: SdkError) {
  if (isThrottlingError(error)) return 'THROTTLING';
  if (isTransientError(error)) return 'TRANSIENT';
  return isServerError(error) ? 'SERVER_ERROR' : 'CLIENT_ERROR';
}
