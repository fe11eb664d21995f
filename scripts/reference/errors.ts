import { dataUnavailable, RESPONSES } from '../../app-plane/gateway/responses.ts';
import { EXIT, EXIT_MEANINGS } from '../../cli/exit-codes.ts';
import { errorResponse } from '../../control-plane/api/http/error-response.ts';
import { DomainError, type ErrorCode } from '../../core/errors.ts';
import { toProblem } from '../../services/kit/problem.ts';
import { code, table } from './markdown.ts';

interface Advice {
  readonly meaning: string;
  readonly advice: string;
}

const CODES: Record<ErrorCode, Advice> = {
  INVALID: { meaning: 'The input breaks a rule.', advice: 'Fix the fields that the response lists.' },
  BAD_PAGE_TOKEN: {
    meaning: 'The `next_token` is not one that this list returned.',
    advice: 'Begin again with the first page; change no filter between pages.',
  },
  UNAUTHENTICATED: { meaning: 'The token is missing, expired or not valid.', advice: 'Sign in again.' },
  FORBIDDEN: { meaning: 'The caller is known but lacks the right.', advice: 'Use an account with the right role.' },
  ACCESS_DENIED: {
    meaning: "The data belongs to another tenant, or the service's table does not contain it.",
    advice: 'Use an id of your own tenant.',
  },
  NOT_FOUND: { meaning: 'The resource does not exist.', advice: 'Check the id; list the resources.' },
  CONFLICT: {
    meaning: 'The resource exists already, or its state does not allow the operation.',
    advice: 'Read the message; wait until the current operation ends, or choose another name.',
  },
  CONDITION_FAILED: {
    meaning: 'Another request changed the resource first.',
    advice: 'Read the resource again and repeat the change.',
  },
  TOO_LARGE: { meaning: 'The body is larger than allowed.', advice: 'Send less in one request.' },
  TOO_MANY: { meaning: 'A rate limit is exceeded.', advice: 'Wait, then repeat with back-off.' },
  UNAVAILABLE: { meaning: 'A part of the platform is not ready.', advice: 'Repeat after a second, with back-off.' },
  FAILED: {
    meaning: 'Work elsewhere, such as the creation of a stack, was attempted and rolled back.',
    advice: 'Read the reason that the tenant shows or the log has, fix the cause, then retry the tenant.',
  },
  CONFIG: { meaning: 'The configuration is not valid.', advice: 'Fix what the message names; see configuration.md.' },
  NOT_WRITABLE: {
    meaning: 'The data directory cannot be created or written.',
    advice: 'Fix its owner, its mode or the disk, or name another directory with `--data-dir`.',
  },
  CORRUPT: {
    meaning: 'A file is damaged, or a newer version has written it.',
    advice: 'Restore it from a copy, or run the newer version.',
  },
  INTERNAL: { meaning: 'An unexpected error.', advice: 'Find the request id in `tierplane logs`; report it.' },
};

const GATEWAY: Record<Exclude<keyof typeof RESPONSES, 'healthy'>, Advice> = {
  badRequest: { meaning: 'The request is not valid HTTP, or its path is malformed.', advice: 'Fix the request.' },
  uriTooLong: {
    meaning: 'The path is longer than 2,048 characters, or 8,192 with the query.',
    advice: 'Send a shorter path.',
  },
  expectationFailed: {
    meaning: 'The request expects something other than `100-continue`.',
    advice: 'Send it without `Expect`.',
  },
  upgradeRefused: { meaning: 'The request asks for another protocol.', advice: 'Use HTTP/1.1 without `Upgrade`.' },
  unauthorized: { meaning: 'The token is missing or not valid.', advice: 'Sign in again.' },
  forbidden: { meaning: 'No tenant, or no API key, belongs to the token.', advice: 'Sign in as a user of the tenant.' },
  suspended: { meaning: 'The tenant is not active.', advice: 'Ask the operator to make it active.' },
  notFound: { meaning: 'No service has this path.', advice: 'See the OpenAPI description.' },
  requestTimeout: { meaning: 'The request did not arrive in time.', advice: 'Send headers and body without pauses.' },
  tooLarge: {
    meaning: 'The body is larger than 10 MB, or than 256 KiB for sign-in and the control plane.',
    advice: 'Send less in one request.',
  },
  headersTooLarge: { meaning: 'The headers are larger than 16 KB.', advice: 'Send fewer cookies and headers.' },
  tooManyRequests: {
    meaning: "The rate of the tenant's usage plan is exceeded, or too many of its requests are in progress.",
    advice: 'Wait for the time in `Retry-After`, then repeat.',
  },
  limitExceeded: {
    meaning: "The daily quota of the tenant's usage plan is used up.",
    advice: 'Wait until 00:00 UTC, or move to a higher tier.',
  },
  internalError: { meaning: 'An unexpected error in the gateway.', advice: 'Find the request id in the logs.' },
  badGateway: {
    meaning: 'The service closed the connection or sent a malformed response.',
    advice: 'Repeat reads; check writes first.',
  },
  unavailable: { meaning: 'No task of the service is ready.', advice: 'Repeat after the time in `Retry-After`.' },
  gatewayTimeout: { meaning: 'The service did not respond in time.', advice: 'Repeat reads; check writes first.' },
};

/** What a caller of `tierplane` does about each exit code. */
const EXIT_ADVICE: Record<keyof typeof EXIT, string> = {
  done: '-',
  failed: 'Read the message; `TIERPLANE_DEBUG=1` adds a stack trace.',
  usage: 'See `--help` of the command.',
  notRunning: 'Start the platform, or name another one with `--data-dir` or `--url`.',
  refused: 'Read the message and fix the input.',
  signIn: 'Sign in with `tierplane login`, or check the credential or the password.',
  timeout: 'Look again with `tierplane tenants watch`; the operation goes on.',
  cannotCreate: 'Fix the permissions, or name another data directory.',
  config: 'Fix what the message names.',
  interrupted: 'Look again with `tierplane tenants watch`.',
};

/** Statuses of requests that the services' framework refuses before a handler runs. */
const FRAMEWORK: Readonly<Record<number, Advice>> = {
  400: { meaning: 'The URL or the JSON body is malformed.', advice: 'Fix the request.' },
  414: { meaning: 'The URL is too long.', advice: 'Send less in the query.' },
  415: { meaning: 'The body is not `application/json`.', advice: 'Set `Content-Type: application/json`.' },
};

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined };

export function errorCodes(): string {
  const rows = Object.entries(CODES).map(([name, { meaning, advice }]) => {
    const error = new DomainError(name as ErrorCode, '');
    const { status } = errorResponse(error, SILENT, { method: 'GET', path: '/' });
    const problem = toProblem(error);
    return [code(name), String(status), String(problem.status), code(problem.type), meaning, advice];
  });
  return table(['Code', 'Control plane', 'Services', 'Problem type', 'Meaning', 'What to do'], rows);
}

export function frameworkProblems(): string {
  const rows = Object.entries(FRAMEWORK).map(([status, { meaning, advice }]) => {
    const { type } = toProblem(Object.assign(new Error(), { statusCode: Number(status) }));
    return [status, code(type), meaning, advice];
  });
  return table(['Status', 'Problem type', 'Meaning', 'What to do'], rows);
}

export function gatewayMessages(): string {
  const rows = Object.entries(GATEWAY).map(([name, { meaning, advice }]) => {
    const { status, body } = RESPONSES[name as keyof typeof GATEWAY];
    return [String(status), code(body), meaning, advice];
  });
  const { status, body } = dataUnavailable('products');
  rows.push([
    String(status),
    code(body),
    "A service's store is damaged or cannot be opened; `tierplane status` names the file.",
    'Clients: try again later. Operators: move the file away with its `-wal` and `-shm` files, and restore a backup.',
  ]);
  return table(['Status', 'Body', 'Meaning', 'What to do'], rows);
}

export function exitCodeMeanings(): string {
  const rows = Object.entries(EXIT).map(([name, exit]) => [String(exit), EXIT_MEANINGS[name as keyof typeof EXIT]]);
  return table(['Exit code', 'Meaning'], rows);
}

export function exitCodes(): string {
  const rows = Object.entries(EXIT).map(([name, exit]) => {
    const key = name as keyof typeof EXIT;
    return [String(exit), EXIT_MEANINGS[key], EXIT_ADVICE[key]];
  });
  return table(['Exit code', 'Meaning', 'What to do'], rows);
}
