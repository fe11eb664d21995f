import type { IncomingMessage, ServerResponse } from 'node:http';
import { DomainError, type ErrorCode } from '../../../../core/errors.ts';
import { clientRequestId } from '../../../../core/http/request-id.ts';
import type { Log } from '../../../../core/ports/log.ts';
import { errorPage } from '../../../../web/pages/error.ts';
import { sendHtml } from '../http/messages.ts';
import { RETRY_AFTER } from '../oidc-store.ts';

/** The statuses of errors that the client caused. All others are 500. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  INVALID: 400,
  FORBIDDEN: 400,
  NOT_FOUND: 404,
  CONFLICT: 409,
  CONDITION_FAILED: 409,
  TOO_LARGE: 413,
  TOO_MANY: 429,
  UNAVAILABLE: 503,
};

const NOT_FOUND = {
  title: 'Page not found',
  text: 'The address is not right. Go back to the page you came from and try again.',
};
const REFUSED = {
  title: 'This did not work',
  text: 'The address or the data sent to it is not right. Go back to the page you came from and try again.',
};
const FAILED = {
  title: 'Something went wrong',
  text: 'The error is on our side, and it is in the log. Please try again.',
};

/** The page while the store is unavailable, for example because the disk is full. */
export const UNAVAILABLE = {
  title: 'Not possible at the moment',
  text: 'A part of the platform is not available. Please try again in a few seconds.',
};

/** Sends an error page. Logs errors that no client caused. */
export function sendError(req: IncomingMessage, res: ServerResponse, error: unknown, log: Log): void {
  const status = (error instanceof DomainError && STATUS[error.code]) || 500;
  if (status === 500) {
    const requestId = clientRequestId(req.headers['x-request-id']);
    log.error({ requestId, error: error instanceof Error ? error.message : 'unknown' }, 'a realm could not respond');
  }
  if (res.headersSent) {
    res.destroy();
    return;
  }
  if (status === 503) res.setHeader('retry-after', RETRY_AFTER);
  sendHtml(res, status, errorPage(pageOf(status)));
}

function pageOf(status: number): Parameters<typeof errorPage>[0] {
  if (status === 404) return NOT_FOUND;
  if (status === 503) return UNAVAILABLE;
  return status >= 500 ? FAILED : REFUSED;
}
