import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EmbeddedMailer, StoredMail } from '../adapters/embedded/mail/mailer.ts';
import type { Principal } from '../control-plane/api/http/http.ts';
import { DomainError, isDomainError } from '../core/errors.ts';
import { SCOPES } from '../core/identity/issuers.ts';
import { SYSTEM_ADMIN } from '../core/identity/users/administrators.ts';
import { errorPage } from '../web/pages/error.ts';
import { type MailModel, mailboxPage, mailPage } from '../web/pages/mailbox.ts';
import { isLocal } from './local-client.ts';
import { sendPage } from './page-response.ts';
import { renderStart, type StartPageDeps } from './start-page.ts';

interface PagesDeps extends StartPageDeps {
  readonly mailer: EmbeddedMailer;
  readonly smtp: boolean;
  /** Identifies the caller. Throws UNAUTHENTICATED unless the header holds a system user's token. */
  readonly principal: (authorization: string | undefined) => Promise<Principal>;
}

type Handler = (req: IncomingMessage, res: ServerResponse) => Promise<void>;

const MAILS_PER_PAGE = 50;
const MAIL_ID = /^[a-z0-9]{1,64}$/;

/** Serves the platform's pages: start page and mailbox. Other paths get 404. */
export function createPages(deps: PagesDeps): Handler {
  return async (req, res) => {
    const [path = '/', query = ''] = (req.url ?? '/').split('?', 2);
    if (req.method !== 'GET' && req.method !== 'HEAD') return notFound(res);
    if (path === '/') return sendPage(res, 200, await renderStart(deps, isLocal(req.headers)));
    if (path === '/mailbox.json') return sendMails(deps, req, res);
    if (path === '/mailbox') return showMailbox(deps, req, res, new URLSearchParams(query).get('after') ?? '');
    if (path.startsWith('/mailbox/')) return showMail(deps, req, res, path.slice('/mailbox/'.length));
    return notFound(res);
  };
}

function notFound(res: ServerResponse): void {
  sendPage(res, 404, errorPage({ title: 'Not found', text: 'There is no page at this address.' }));
}

/** Mails hold invitations with temporary passwords, so remote callers need a SystemAdmin's token and `/mailbox.json`. */
function refuseRemote(res: ServerResponse): void {
  const text = 'The mailbox page is available on this machine only. A SystemAdmin can read it at /mailbox.json.';
  sendPage(res, 403, errorPage({ title: 'Not available from here', text }));
}

async function showMailbox(deps: PagesDeps, req: IncomingMessage, res: ServerResponse, after: string): Promise<void> {
  if (!isLocal(req.headers)) return refuseRemote(res);
  const { items, next } = await deps.mailer.list({ limit: MAILS_PER_PAGE, ...(MAIL_ID.test(after) && { after }) });
  const olderHref = next === undefined ? {} : { olderHref: `/mailbox?after=${encodeURIComponent(next)}` };
  sendPage(res, 200, mailboxPage({ mails: items.map(mailModel), smtp: deps.smtp, ...olderHref }));
}

async function showMail(deps: PagesDeps, req: IncomingMessage, res: ServerResponse, id: string): Promise<void> {
  if (!isLocal(req.headers)) return refuseRemote(res);
  const mail = MAIL_ID.test(id) ? await deps.mailer.get(id) : undefined;
  return mail ? sendPage(res, 200, mailPage(mailModel(mail), '/mailbox')) : notFound(res);
}

/** The text of a mail that an SMTP server has accepted is deleted. */
function mailModel(mail: StoredMail): MailModel {
  const delivery = mail.delivery === 'delivered' && mail.text !== '' ? 'kept' : mail.delivery;
  return { ...mail, delivery, href: `/mailbox/${encodeURIComponent(mail.id)}` };
}

async function sendMails({ mailer, principal }: PagesDeps, req: IncomingMessage, res: ServerResponse): Promise<void> {
  let status = 200;
  let body: object;
  try {
    requireMailReader(await principal(req.headers.authorization));
    body = { data: (await mailer.list({ limit: 1_000 })).items };
  } catch (error) {
    if (!isDomainError(error, 'UNAUTHENTICATED') && !isDomainError(error, 'FORBIDDEN')) throw error;
    status = error.code === 'FORBIDDEN' ? 403 : 401;
    body = { message: status === 403 ? 'Forbidden' : 'Unauthorized' };
  }
  res.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  res.end(JSON.stringify(body));
}

/** The reader of an invitation can take over its account, so reading mail needs the same permissions as creating users. */
function requireMailReader(caller: Principal): void {
  if (caller.kind === 'user' && caller.role === SYSTEM_ADMIN && caller.scopes.includes(SCOPES.userWrite)) return;
  throw new DomainError('FORBIDDEN', 'only a SystemAdmin with the scope to write users may read mail');
}
