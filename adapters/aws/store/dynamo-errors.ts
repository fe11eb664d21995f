import { jsonIn } from '../../../core/encoding/json.ts';

/** A response of DynamoDB that is not 200. */
export interface ErrorResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** What DynamoDB writes into the body of an error. */
interface ErrorBody {
  /** `com.amazonaws.dynamodb.v20120810#ThrottlingException` */
  readonly __type?: unknown;
  readonly message?: unknown;
  readonly Message?: unknown;
  /** Of a TransactionCanceledException: a reason per write. */
  readonly CancellationReasons?: unknown;
}

/**
 * The error of a response, as the SDK would throw it: the name that DynamoDB gives it, `$metadata.httpStatusCode`, and the
 * reasons of a cancelled transaction. A response without a name, as load balancers send it, is an InternalFailure.
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
 */
export function dynamoError({ status, headers, text }: ErrorResponse): Error {
  const body = (jsonIn(text) ?? {}) as ErrorBody;
  const { __type: type = headers['x-amzn-errortype'], message = body.Message, CancellationReasons } = body;
  return Object.assign(new Error(String(message ?? `status ${status}`)), {
    name: typeof type === 'string' ? nameIn(type) : 'InternalFailure',
    $metadata: { httpStatusCode: status },
    ...(Array.isArray(CancellationReasons) && { CancellationReasons }),
  });
}

/** `ThrottlingException` in `com.amazonaws.dynamodb.v20120810#ThrottlingException:http://...` */
function nameIn(type: string): string {
  return type.replace(/^.*#/, '').replace(/:.*$/, '');
}

const TIMEOUTS = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

/** An error of the HTTP client with the name or the code that Node's own client and the SDK use, by which retries decide. */
export function networkError(cause: unknown): unknown {
  if (!(cause instanceof Error) || !('code' in cause)) return cause;
  if (TIMEOUTS.has(String(cause.code))) {
    return Object.assign(new Error('DynamoDB did not respond in time', { cause }), { name: 'TimeoutError' });
  }
  if (cause.code !== 'UND_ERR_SOCKET') return cause;
  return Object.assign(new Error('DynamoDB closed the connection', { cause }), { code: 'ECONNRESET' });
}
