import { type DomainError, isDomainError, messageOf } from '../../../core/errors.ts';
import { clientGroup } from '../../../core/http/client-address.ts';
import { type AttemptLimiter, createAttemptLimiter } from '../../../core/identity/attempts.ts';
import { minPasswordLength } from '../../../core/identity/password-policy.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { Log } from '../../../core/ports/log.ts';
import { errorPage } from '../../../web/pages/error.ts';
import {
  forgotPasswordPage,
  linkNotValidPage,
  linkSentPage,
  passwordNotSavedPage,
  passwordResetPage,
  resetPasswordPage,
} from '../../../web/pages/forgotten-password.ts';
import type { PageFrame } from '../../../web/pages/layout.ts';
import { sentence } from '../../../web/pages/sentence.ts';
import type { PageRequest, PageResponse } from './page-request.ts';
import type { PasswordResets } from './password-resets.ts';

export interface ForgottenPasswordDeps {
  readonly resets: PasswordResets;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: Log;
  /** The page where users of the realm sign in. */
  readonly signInUrl: (request: Pick<PageRequest, 'mount'>) => string;
  /** @default - that of all pages */
  readonly frame?: PageFrame;
}

export interface ForgottenPassword {
  /** Serves `/forgot-password`: asks for a name, and mails a link. */
  request(request: PageRequest): Promise<PageResponse>;
  /** Serves `/reset-password`, the page behind the link. */
  reset(request: PageRequest): Promise<PageResponse>;
}

/** Forms that one client may send within a quarter of an hour. All people in an office may share an address. */
const MAX_PER_CLIENT = 30;
const WINDOW_MS = 15 * 60_000;
const MAX_LOGIN_LENGTH = 254;

export function createForgottenPassword(deps: ForgottenPasswordDeps): ForgottenPassword {
  const limiter = createAttemptLimiter({ clock: deps.clock, windowMs: WINDOW_MS });
  return {
    async request(request) {
      return request.method === 'POST' ? sendLink(deps, limiter, request) : formPage(deps, request, 200);
    },
    async reset(request) {
      const response = await (request.method === 'POST' ? complete(deps, limiter, request) : linkPage(deps, request));
      // The address has the token, so no other page may learn it.
      return { ...response, headers: { ...response.headers, 'referrer-policy': 'no-referrer' } };
    },
  };
}

const RETRY_LATER = { 'retry-after': String(WINDOW_MS / 1_000) };

function admits(limiter: AttemptLimiter, { client }: PageRequest): boolean {
  return limiter.take([{ key: clientGroup(client), max: MAX_PER_CLIENT }]);
}

function formPage(deps: ForgottenPasswordDeps, request: PageRequest, status: number, error?: string): PageResponse {
  const { mount, realm } = request;
  const urls = { action: `${mount}/forgot-password`, signInUrl: deps.signInUrl(request) };
  const shown = { ...deps.frame, ...urls, realmName: realm.displayName, ...(error && { error }) };
  return { status, html: forgotPasswordPage(shown) };
}

/** The response is ready before the name is looked up, so it does not reveal whether an account exists. */
async function sendLink(
  deps: ForgottenPasswordDeps,
  limiter: AttemptLimiter,
  request: PageRequest,
): Promise<PageResponse> {
  const { mount } = request;
  const form = await request.form();
  if (request.isForeign) return formPage(deps, request, 403, 'The form came from another page. Try again.');
  if (!admits(limiter, request)) {
    const refused = formPage(deps, request, 429, 'Too many requests. Try again in 15 minutes.');
    return { ...refused, headers: RETRY_LATER };
  }
  const login = (form.get('userName') ?? '').trim();
  if (login === '' || login.length > MAX_LOGIN_LENGTH) {
    return formPage(deps, request, 422, 'Enter your email or user name.');
  }
  const urls = { forgotUrl: `${mount}/forgot-password`, signInUrl: deps.signInUrl(request) };
  const html = linkSentPage({ ...deps.frame, ...urls });
  return { status: 200, html, afterwards: () => mailLink(deps, request, login) };
}

async function mailLink({ resets, log }: ForgottenPasswordDeps, request: PageRequest, login: string): Promise<void> {
  const { requestId, realm, client } = request;
  const facts = { requestId, realm: realm.id, client };
  try {
    log.info({ ...facts, ...(await resets.request(realm, login)) }, 'forgotten password');
  } catch (error) {
    log.error({ ...facts, error: messageOf(error) }, 'the link for a forgotten password could not be mailed');
  }
}

async function linkPage(deps: ForgottenPasswordDeps, request: PageRequest): Promise<PageResponse> {
  const token = request.query.get('token') ?? '';
  const account = await deps.resets.find(request.realm.id, token);
  return account ? resetPage(request, 200, shownOf(deps, request, account, token)) : linkNotValid(deps, request);
}

function linkNotValid({ frame }: ForgottenPasswordDeps, { mount }: PageRequest): PageResponse {
  return { status: 404, html: linkNotValidPage({ ...frame, forgotUrl: `${mount}/forgot-password` }) };
}

/** What the page behind the link shows. */
interface Shown extends PageFrame {
  readonly realmName: string;
  readonly userName: string;
  readonly token: string;
  readonly errors?: readonly string[];
}

function shownOf(
  { frame }: ForgottenPasswordDeps,
  { realm }: PageRequest,
  { user, tenantName }: NonNullable<Awaited<ReturnType<PasswordResets['find']>>>,
  token: string,
): Shown {
  return { ...frame, realmName: tenantName ?? realm.displayName, userName: user.userName, token };
}

function resetPage({ mount, realm }: PageRequest, status: number, shown: Shown): PageResponse {
  const minLength = minPasswordLength(realm.id);
  return { status, html: resetPasswordPage({ action: `${mount}/reset-password`, minLength, ...shown }) };
}

/** The token proves that the form is the user's own, so it needs no other token against forged forms. */
async function complete(
  deps: ForgottenPasswordDeps,
  limiter: AttemptLimiter,
  request: PageRequest,
): Promise<PageResponse> {
  const { realm, requestId, client } = request;
  const form = await request.form();
  const token = form.get('token') ?? '';
  if (!admits(limiter, request)) {
    const html = errorPage({ ...deps.frame, title: 'Too many requests', text: 'Try the link again in 15 minutes.' });
    return { status: 429, html, headers: RETRY_LATER };
  }
  const account = await deps.resets.find(realm.id, token);
  if (!account) return linkNotValid(deps, request);
  const shown = shownOf(deps, request, account, token);
  const password = form.get('newPassword') ?? '';
  if (password !== form.get('repeated')) {
    return resetPage(request, 422, { ...shown, errors: ['The two passwords must be equal.'] });
  }
  try {
    await deps.resets.complete(realm.id, token, password);
  } catch (error) {
    if (isDomainError(error, 'NOT_FOUND')) return linkNotValid(deps, request);
    if (isDomainError(error, 'UNAVAILABLE')) return notSaved(deps, request, error);
    if (!isDomainError(error, 'INVALID')) throw error;
    return resetPage(request, 422, { ...shown, errors: error.issues.map(({ msg }) => sentence(msg)) });
  }
  deps.log.info({ requestId, realm: realm.id, client, subject: account.user.subject }, 'password reset');
  return { status: 200, html: passwordResetPage({ ...deps.frame, signInUrl: deps.signInUrl(request) }) };
}

function notSaved({ frame, log }: ForgottenPasswordDeps, request: PageRequest, error: DomainError): PageResponse {
  const { mount, requestId, realm, client } = request;
  log.error({ requestId, realm: realm.id, client, error: messageOf(error) }, 'the new password could not be saved');
  const html = passwordNotSavedPage({ ...frame, forgotUrl: `${mount}/forgot-password` });
  return { status: 503, html, headers: { 'retry-after': '5' } };
}
