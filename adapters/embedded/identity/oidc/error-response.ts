import type { IncomingMessage, ServerResponse } from 'node:http';
import { clientRequestId } from '../../../../core/http/request-id.ts';
import type { Log } from '../../../../core/ports/log.ts';
import { pageOfError } from '../../../shared/identity/page-error.ts';
import { sendHtml } from '../http/messages.ts';
import { RETRY_AFTER } from '../oidc-store.ts';

/** Sends an error page. Logs errors that no client caused. */
export function sendError(req: IncomingMessage, res: ServerResponse, error: unknown, log: Log): void {
  const { status, html } = pageOfError(error);
  if (status === 500) {
    const requestId = clientRequestId(req.headers['x-request-id']);
    log.error({ requestId, error: error instanceof Error ? error.message : 'unknown' }, 'a realm could not respond');
  }
  if (res.headersSent) {
    res.destroy();
    return;
  }
  if (status === 503) res.setHeader('retry-after', RETRY_AFTER);
  sendHtml(res, status, html);
}
