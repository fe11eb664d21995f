import { isDomainError, messageOf } from '../../../../core/errors.ts';
import { clientGroup } from '../../../../core/http/client-address.ts';
import { clientRequestId } from '../../../../core/http/request-id.ts';
import { type AttemptLimiter, createAttemptLimiter } from '../../../../core/identity/attempts.ts';
import { minPasswordLength } from '../../../../core/identity/password-policy.ts';
import type { Clock, RandomBytes } from '../../../../core/ports/clock.ts';
import type { Log } from '../../../../core/ports/log.ts';
import { chanceOf } from '../../../../core/retry/back-off.ts';
import { pause } from '../../../../core/time/wait.ts';
import { errorPage } from '../../../../web/pages/error.ts';
import {
  forgotPasswordPage,
  linkNotValidPage,
  linkSentPage,
  passwordResetPage,
  resetPasswordPage,
} from '../../../../web/pages/forgotten-password.ts';
import { sentence } from '../../../../web/pages/sentence.ts';
import { clientAddress, isForeignOrigin, readForm, sendHtml } from '../http/messages.ts';
import type { PasswordResets } from '../password-resets.ts';
import type { RealmRequest } from './realm-request.ts';

export interface ForgottenPasswordDeps {
  readonly resets: PasswordResets;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly publicUrl: string;
}

export interface ForgottenPassword {
  /** Serves `/forgot-password`: asks for a name, and mails a link. */
  request(request: RealmRequest): Promise<void>;
  /** Serves `/reset-password`, the page behind the link. */
  reset(request: RealmRequest): Promise<void>;
}

/** Forms that one client may send within a quarter of an hour. All people in an office may share an address. */
const MAX_PER_CLIENT = 30;
const WINDOW_MS = 15 * 60_000;
/** The mail is prepared within this time after the response, so that later responses do not show whether there is one. */
const MAX_DELAY_MS = 500;
const MAX_LOGIN_LENGTH = 254;

export function createForgottenPassword(deps: ForgottenPasswordDeps): ForgottenPassword {
  const { clock } = deps;
  const limiter = createAttemptLimiter({ clock, windowMs: WINDOW_MS });
  return {
    request: (request) => (request.req.method === 'POST' ? sendLink(deps, limiter, request) : showForm(request, 200)),
    reset: (request) => {
      // The address has the token, so no other page may learn it.
      request.res.setHeader('referrer-policy', 'no-referrer');
      return request.req.method === 'POST' ? complete(deps, limiter, request) : showLink(deps, request);
    },
  };
}

function admits(limiter: AttemptLimiter, { req, res }: RealmRequest): boolean {
  if (limiter.take([{ key: clientGroup(clientAddress(req)), max: MAX_PER_CLIENT }])) return true;
  res.setHeader('retry-after', String(WINDOW_MS / 1_000));
  return false;
}

async function showForm({ res, spec, mount }: RealmRequest, status: number, error?: string): Promise<void> {
  const urls = { action: `${mount}/forgot-password`, signInUrl: `${mount}/account` };
  sendHtml(res, status, forgotPasswordPage({ realmName: spec.displayName, ...urls, ...(error && { error }) }));
}

/** Responds before it looks the name up, so neither the response nor its time reveals whether an account exists. */
async function sendLink(deps: ForgottenPasswordDeps, limiter: AttemptLimiter, request: RealmRequest): Promise<void> {
  const { req, res, mount } = request;
  const form = await readForm(req);
  if (isForeignOrigin(req, deps.publicUrl))
    return showForm(request, 403, 'The form came from another page. Try again.');
  if (!admits(limiter, request)) return showForm(request, 429, 'Too many requests. Try again in 15 minutes.');
  const login = (form.get('userName') ?? '').trim();
  if (login === '' || login.length > MAX_LOGIN_LENGTH) {
    return showForm(request, 422, 'Enter your email or user name.');
  }
  sendHtml(res, 200, linkSentPage({ forgotUrl: `${mount}/forgot-password`, signInUrl: `${mount}/account` }));
  void mailLink(deps, request, login);
}

async function mailLink(
  { resets, clock, random, log }: ForgottenPasswordDeps,
  { req, spec }: RealmRequest,
  login: string,
): Promise<void> {
  const facts = {
    requestId: clientRequestId(req.headers['x-request-id']),
    realm: spec.id,
    client: clientAddress(req),
  };
  await pause(clock, chanceOf(random) * MAX_DELAY_MS);
  try {
    log.info({ ...facts, ...(await resets.request(spec, login)) }, 'forgotten password');
  } catch (error) {
    log.error({ ...facts, error: messageOf(error) }, 'the link for a forgotten password could not be mailed');
  }
}

async function showLink({ resets }: ForgottenPasswordDeps, request: RealmRequest): Promise<void> {
  const { res, spec, query, mount } = request;
  const token = query.get('token') ?? '';
  const account = await resets.find(spec.id, token);
  if (!account) return sendHtml(res, 404, linkNotValidPage({ forgotUrl: `${mount}/forgot-password` }));
  return showReset(request, 200, shownOf(request, account, token));
}

/** What the page behind the link shows. */
interface Shown {
  readonly realmName: string;
  readonly userName: string;
  readonly token: string;
  readonly errors?: readonly string[];
}

function shownOf(
  { spec }: RealmRequest,
  { user, tenantName }: NonNullable<Awaited<ReturnType<PasswordResets['find']>>>,
  token: string,
): Shown {
  return { realmName: tenantName ?? spec.displayName, userName: user.userName, token };
}

async function showReset({ res, spec, mount }: RealmRequest, status: number, shown: Shown): Promise<void> {
  const minLength = minPasswordLength(spec.id);
  const html = resetPasswordPage({
    action: `${mount}/reset-password`,
    minLength,
    ...shown,
  });
  sendHtml(res, status, html);
}

/** The token proves that the form is the user's own, so it needs no other token against forged forms. */
async function complete(deps: ForgottenPasswordDeps, limiter: AttemptLimiter, request: RealmRequest): Promise<void> {
  const { req, res, spec, mount } = request;
  const form = await readForm(req);
  const token = form.get('token') ?? '';
  if (!admits(limiter, request)) {
    return sendHtml(res, 429, errorPage({ title: 'Too many requests', text: 'Try the link again in 15 minutes.' }));
  }
  const account = await deps.resets.find(spec.id, token);
  if (!account) return sendHtml(res, 404, linkNotValidPage({ forgotUrl: `${mount}/forgot-password` }));
  const shown = shownOf(request, account, token);
  const password = form.get('newPassword') ?? '';
  if (password !== form.get('repeated')) {
    return showReset(request, 422, { ...shown, errors: ['The two passwords must be equal.'] });
  }
  try {
    await deps.resets.complete(spec.id, token, password);
  } catch (error) {
    if (isDomainError(error, 'NOT_FOUND')) {
      return sendHtml(res, 404, linkNotValidPage({ forgotUrl: `${mount}/forgot-password` }));
    }
    if (!isDomainError(error, 'INVALID')) throw error;
    return showReset(request, 422, { ...shown, errors: error.issues.map(({ msg }) => sentence(msg)) });
  }
  const requestId = clientRequestId(req.headers['x-request-id']);
  deps.log.info(
    { requestId, realm: spec.id, client: clientAddress(req), subject: account.user.subject },
    'password reset',
  );
  sendHtml(res, 200, passwordResetPage({ signInUrl: `${mount}/account` }));
}
