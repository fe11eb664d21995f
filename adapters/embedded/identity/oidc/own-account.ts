import { isDomainError } from '../../../../core/errors.ts';
import { clientGroup } from '../../../../core/http/client-address.ts';
import { clientRequestId } from '../../../../core/http/request-id.ts';
import { minPasswordLength } from '../../../../core/identity/password-policy.ts';
import type { User } from '../../../../core/ports/identity.ts';
import type { Log } from '../../../../core/ports/log.ts';
import { errorPage } from '../../../../web/pages/error.ts';
import {
  ownPasswordChangedPage,
  ownPasswordPage,
  signedOutEverywherePage,
  signOutEverywherePage,
} from '../../../../web/pages/own-account.ts';
import { sentence } from '../../../../web/pages/sentence.ts';
import { clientAddress, isForeignOrigin, readForm, redirect, sendHtml } from '../http/messages.ts';
import type { EmbeddedIdentity } from '../identity.ts';
import type { Seal } from '../seal.ts';
import type { Accounts } from './accounts.ts';
import type { DeviceCookies } from './device-cookies.ts';
import type { RealmRequest } from './realm-request.ts';

export interface OwnAccountDeps {
  readonly accounts: Accounts;
  readonly identity: Pick<EmbeddedIdentity, 'setPassword' | 'endSessions'>;
  readonly seal: Seal;
  readonly devices: DeviceCookies;
  readonly log: Log;
  readonly publicUrl: string;
}

/** A request by the user who is signed in in this browser. */
interface Own extends RealmRequest {
  readonly user: User;
  /** What the user is signed in to: the tenant's name, or the realm's. */
  readonly realmName: string;
  /** Id of the session. */
  readonly session: string;
  readonly csrf: string;
}

const TOO_OLD = ['This page was too old. Try again.'];
const CHANGED_MEANWHILE = 'Your account has changed meanwhile, so your password stays as it is. Sign in again.';
const SIGNED_OUT = {
  title: 'You are no longer signed in',
  text: 'Your session had ended before you sent the form, so nothing has changed. Sign in and send it again.',
};

/**
 * Serves `/account/password` and `/account/sign-out-everywhere`. Where nobody is signed in, redirects to the sign-in, and
 * refuses a form.
 */
export async function handleOwnAccount(
  deps: OwnAccountDeps,
  request: RealmRequest,
  page: 'password' | 'sign-out-everywhere',
): Promise<void> {
  const { req, res, mount } = request;
  const form = req.method === 'POST' ? await readForm(req) : undefined;
  const own = await signedIn(deps, request);
  if (!own) return form ? refuseSignedOut(request) : redirect(res, `${mount}/account`);
  const show = page === 'password' ? showPassword : showSignOut;
  if (!form) return show(own, 200);
  // The session has changed since the page was shown, or another site sent the form.
  const isOwn = !isForeignOrigin(req, deps.publicUrl) && deps.seal.verify(formOf(own), form.get('csrf') ?? '');
  if (!isOwn) return show(own, 403, TOO_OLD);
  return page === 'password' ? changePassword(deps, own, form) : signOutEverywhere(deps, own);
}

async function signedIn({ accounts, seal }: OwnAccountDeps, request: RealmRequest): Promise<Own | undefined> {
  const { req, res, spec, provider } = request;
  const { accountId, uid } = await provider.Session.get(provider.createContext(req, res));
  const account = accountId ? await accounts.active(spec.id, accountId) : undefined;
  if (!account) return undefined;
  const realmName = account.tenantName ?? spec.displayName;
  const own = { ...request, user: account.user, realmName, session: uid };
  return { ...own, csrf: seal.sign(formOf(own)) };
}

function formOf({ spec, session }: Pick<Own, 'spec' | 'session'>): string {
  return `account ${spec.id} ${session}`;
}

function showPassword({ res, spec, mount, user, csrf }: Own, status: number, errors: readonly string[] = []): void {
  const { userName } = user;
  const urls = { action: `${mount}/account/password`, accountUrl: `${mount}/account` };
  sendHtml(res, status, ownPasswordPage({ userName, csrf, ...urls, minLength: minPasswordLength(spec.id), errors }));
}

function showSignOut({ res, realmName, mount, csrf }: Own, status: number, errors: readonly string[] = []): void {
  const urls = { action: `${mount}/account/sign-out-everywhere`, accountUrl: `${mount}/account` };
  sendHtml(res, status, signOutEverywherePage({ realmName, csrf, ...urls, errors }));
}

function refuseSignedOut({ res, mount }: RealmRequest): void {
  sendHtml(res, 403, errorPage({ ...SIGNED_OUT, link: { text: 'Sign in', href: `${mount}/account` } }));
}

async function changePassword(deps: OwnAccountDeps, own: Own, form: URLSearchParams): Promise<void> {
  const { req, res, spec, mount, user, session } = own;
  const password = form.get('newPassword') ?? '';
  if (password !== form.get('repeated')) return showPassword(own, 422, ['The two new passwords must be equal.']);
  const check = await deps.accounts.signIn(spec.id, user.userName, form.get('password') ?? '', {
    group: clientGroup(clientAddress(req)),
    deviceOf: (subject) => deps.devices.idOf(req, spec.id, subject),
  });
  if (check.outcome === 'too-many') {
    res.setHeader('retry-after', String(check.retryAfter));
    return showPassword(own, 429, ['Too many failed attempts. Try again later.']);
  }
  if (check.outcome !== 'signed-in') return showPassword(own, 401, ['The current password is wrong.']);
  try {
    await deps.identity.setPassword(spec.id, user.userName, password, { ...check.replacing, keepSession: session });
  } catch (error) {
    if (isDomainError(error, 'CONFLICT')) return showPassword(own, 409, [CHANGED_MEANWHILE]);
    if (!isDomainError(error, 'INVALID')) throw error;
    return showPassword(
      own,
      422,
      error.issues.map(({ msg }) => sentence(msg)),
    );
  }
  logDone(deps, own, 'password changed');
  sendHtml(res, 200, ownPasswordChangedPage({ accountUrl: `${mount}/account` }));
}

async function signOutEverywhere(deps: OwnAccountDeps, own: Own): Promise<void> {
  const { res, spec, mount, user, realmName } = own;
  await deps.identity.endSessions(spec.id, user.userName);
  logDone(deps, own, 'signed out everywhere');
  sendHtml(res, 200, signedOutEverywherePage({ realmName, signInUrl: `${mount}/account` }));
}

function logDone({ log }: OwnAccountDeps, { req, spec, user }: Own, message: string): void {
  const requestId = clientRequestId(req.headers['x-request-id']);
  log.info({ requestId, realm: spec.id, client: clientAddress(req), subject: user.subject }, message);
}
