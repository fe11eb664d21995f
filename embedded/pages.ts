import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EmbeddedMailer, StoredMail } from '../adapters/embedded/mail/mailer.ts';
import type { Principal } from '../control-plane/api/http/http.ts';
import { DomainError, isDomainError } from '../core/errors.ts';
import { decodePageToken, encodePageToken } from '../core/http/page-token.ts';
import { SCOPES } from '../core/identity/issuers.ts';
import { SYSTEM_ADMIN } from '../core/identity/users/administrators.ts';
import { errorPage } from '../web/pages/error.ts';
import { type MailModel, mailboxPage, mailPage } from '../web/pages/mailbox.ts';
import { hasToken, withToken } from './operator-token.ts';
import { sendPage } from './page-response.ts';
import { renderStart, type StartPageDeps } from './start-page.ts';

interface PagesDeps extends StartPageDeps {
  readonly mailer: EmbeddedMailer;
  /** Opens the mailbox, and the start page with every tenant. */
  readonly operatorToken: string;
  readonly smtp: boolean;
  /** Identifies the caller. Throws UNAUTHENTICATED unless the header holds a system user's token. */
  readonly principal: (authorization: string | undefined) => Promise<Principal>;
}

type Handler = (req: IncomingMessage, res: ServerResponse) => Promise<void>;

const MAILS_PER_PAGE = 50;
const MAILS_PER_JSON_PAGE = 1_000;
const LIST = 'mails';
const MAIL_ID = /^[a-z0-9]{1,64}$/;

/** Serves the platform's pages: start page and mailbox. Other paths get 404. */
export function createPages(deps: PagesDeps): Handler {
  return async (req, res) => {
    const [path = '/', ...search] = (req.url ?? '/').split('?');
    const query = new URLSearchParams(`?${search.join('?')}`);
    if (req.method !== 'GET' && req.method !== 'HEAD') return notFound(res);
    if (path === '/') return sendPage(res, 200, await renderStart(deps, hasToken(query, deps.operatorToken)));
    if (path === '/mailbox.json') return sendMails(deps, req, res, query);
    if (!/^\/mailbox(\/|$)/.test(path)) return notFound(res);
    if (!hasToken(query, deps.operatorToken)) return refuseMailbox(deps, res);
    if (path === '/mailbox') return showMailbox(deps, res, query.get('after') ?? '');
    return showMail(deps, res, path.slice('/mailbox/'.length));
  };
}

function notFound(res: ServerResponse): void {
  sendPage(res, 404, errorPage({ title: 'Not found', text: 'There is no page at this address.' }));
}

/**
 * Mails hold invitations with temporary passwords. The address of a client proves nothing: other users of the machine and
 * tenants' tasks have the same one.
 */
function refuseMailbox({ smtp }: PagesDeps, res: ServerResponse): void {
  const text = `Open the link that 'tierplane status' prints on the platform's machine. A SystemAdmin can also read ${smtp ? 'the list of mails' : 'the mails'} with an access token at /mailbox.json`;
  sendPage(res, 403, errorPage({ title: 'The mailbox needs its link', text }));
}

async function showMailbox(deps: PagesDeps, res: ServerResponse, after: string): Promise<void> {
  const { items, next } = await deps.mailer.list({ limit: MAILS_PER_PAGE, ...(MAIL_ID.test(after) && { after }) });
  const { operatorToken, smtp } = deps;
  const older =
    next === undefined ? {} : { olderHref: withToken(`/mailbox?after=${encodeURIComponent(next)}`, operatorToken) };
  const mails = items.map((mail) => mailModel(mail, operatorToken));
  sendPage(res, 200, mailboxPage({ mails, smtp, startHref: withToken('/', operatorToken), ...older }));
}

async function showMail({ mailer, operatorToken }: PagesDeps, res: ServerResponse, id: string): Promise<void> {
  const mail = MAIL_ID.test(id) ? await mailer.get(id) : undefined;
  if (!mail) return notFound(res);
  const hrefs = { mailboxHref: withToken('/mailbox', operatorToken), startHref: withToken('/', operatorToken) };
  sendPage(res, 200, mailPage(mailModel(mail, operatorToken), hrefs));
}

/** The text of a mail that an SMTP server has accepted is deleted. */
function mailModel(mail: StoredMail, operatorToken: string): MailModel {
  const delivery = mail.delivery === 'delivered' && mail.text !== '' ? 'kept' : mail.delivery;
  return { ...mail, delivery, href: withToken(`/mailbox/${mail.id}`, operatorToken) };
}

async function sendMails(
  { mailer, principal }: PagesDeps,
  req: IncomingMessage,
  res: ServerResponse,
  query: URLSearchParams,
): Promise<void> {
  let status = 200;
  let body: object;
  try {
    requireMailReader(await principal(req.headers.authorization));
    body = await pageOfMails(mailer, query);
  } catch (error) {
    ({ status, body } = refusalOf(error));
  }
  res.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  res.end(JSON.stringify(body));
}

async function pageOfMails(mailer: EmbeddedMailer, query: URLSearchParams): Promise<object> {
  const after = decodePageToken(LIST, query.get('next_token') ?? undefined);
  const { items, next } = await mailer.list({ limit: MAILS_PER_JSON_PAGE, ...(after !== undefined && { after }) });
  return { data: items, ...(next !== undefined && { next_token: encodePageToken(LIST, next) }) };
}

/** Rethrows errors that are not refusals. */
function refusalOf(error: unknown): { status: number; body: object } {
  if (isDomainError(error, 'FORBIDDEN')) return { status: 403, body: { message: 'Forbidden' } };
  if (isDomainError(error, 'UNAUTHENTICATED')) return { status: 401, body: { message: 'Unauthorized' } };
  if (isDomainError(error, 'BAD_PAGE_TOKEN')) return { status: 400, body: { message: error.message } };
  throw error;
}

/** The reader of an invitation can take over its account, so reading mail needs the same permissions as creating users. */
function requireMailReader(caller: Principal): void {
  if (caller.kind === 'user' && caller.role === SYSTEM_ADMIN && caller.scopes.includes(SCOPES.userWrite)) return;
  throw new DomainError('FORBIDDEN', 'only a SystemAdmin with the scope to write users may read mail');
}
