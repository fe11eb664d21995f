import { DomainError, isDomainError } from '../../../core/errors.ts';
import { clientGroup } from '../../../core/http/client-address.ts';
import { type AttemptLimiter, createAttemptLimiter } from '../../../core/identity/attempts.ts';
import { checkPassword as brokenRules, minPasswordLength } from '../../../core/identity/password-policy.ts';
import type { TenantClaimsLookup } from '../../../core/identity/tenant-claims.ts';
import type { PasswordCheck } from '../../../core/identity/users-api/own-account.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { Identity, RealmId, User } from '../../../core/ports/identity.ts';
import type { Log } from '../../../core/ports/log.ts';
import type { Check } from '../../../core/ports/table.ts';
import { changePasswordPage, endSessionsPage } from '../../../web/pages/account-by-password.ts';
import { passwordResetPage } from '../../../web/pages/forgotten-password.ts';
import { signedOutEverywherePage } from '../../../web/pages/own-account.ts';
import { sentence } from '../../../web/pages/sentence.ts';
import { createForgottenPassword } from '../../shared/identity/forgotten-password.ts';
import type { PageRequest, PageResponse } from '../../shared/identity/page-request.ts';
import type { PasswordResets } from '../../shared/identity/password-resets.ts';

export interface AccountPagesOptions {
  readonly identity: Pick<Identity, 'user' | 'caller' | 'guardedBy' | 'endSessions'>;
  readonly resets: PasswordResets;
  readonly tenantClaims: TenantClaimsLookup;
  readonly checkPassword: (realm: RealmId, user: Pick<User, 'userName'>, password: string) => Promise<PasswordCheck>;
  readonly clock: Clock;
  readonly log: Log;
  /** The page where users sign in. */
  readonly signInUrl: string;
}

/** Responds to a request for the page at `path` below a realm. Throws NOT_FOUND for other paths. */
export type AccountPages = (path: string, request: PageRequest) => Promise<PageResponse>;

/** Forms with a password that one client may send within a quarter of an hour. Cognito limits them for each user. */
const MAX_PER_CLIENT = 30;
const WINDOW_MS = 15 * 60_000;
/** Stands for every user who may not sign in. No user has this name. */
const NOBODY = { userName: '-'.repeat(128) };
/** The same for a user whom Cognito has locked, because it locks only users who exist. */
const WRONG =
  'The user name or the current password is wrong, or there were too many attempts. Wait a minute before you try again.';
const FOREIGN = 'The form came from another page. Try again.';
const CHANGED_MEANWHILE = 'Your account has changed meanwhile, so your password stays as it is. Try again.';
const FIRST_SIGN_IN = 'Sign in first: you choose your own password when you sign in with the temporary one.';
const SECOND_FACTOR =
  'Your account has a second factor. Choose a new password by a link that we mail you: "Forgot your password?"';

type Page = 'password' | 'sign-out-everywhere';

/**
 * The pages with which users help themselves where Cognito has the sign-in: forgotten password, own password, and signing out
 * everywhere. Managed login does not show who is signed in, so the last two ask for the current password.
 */
export function createAccountPages(options: AccountPagesOptions): AccountPages {
  const { resets, clock, log, signInUrl } = options;
  const frame = { homeHref: signInUrl };
  const forgotten = createForgottenPassword({ resets, clock, log, frame, signInUrl: () => signInUrl });
  const own = new OwnAccountPages(options);
  return async (path, request) => {
    switch (path) {
      case '/forgot-password':
        return forgotten.request(request);
      case '/reset-password':
        return forgotten.reset(request);
      case '/account/password':
        return own.respond('password', request);
      case '/account/sign-out-everywhere':
        return own.respond('sign-out-everywhere', request);
      default:
        throw new DomainError('NOT_FOUND', 'page not found');
    }
  };
}

/** What a form says. */
interface Sent {
  readonly page: Page;
  readonly request: PageRequest;
  readonly userName: string;
  readonly password: string;
  readonly newPassword: string;
}

class OwnAccountPages {
  readonly #options: AccountPagesOptions;
  readonly #limiter: AttemptLimiter;

  constructor(options: AccountPagesOptions) {
    this.#options = options;
    this.#limiter = createAttemptLimiter({ clock: options.clock, windowMs: WINDOW_MS });
  }

  async respond(page: Page, request: PageRequest): Promise<PageResponse> {
    if (request.method !== 'POST') return this.#form(page, request, 200);
    const form = await request.form();
    const field = (name: string): string => form.get(name) ?? '';
    const userName = field('userName').trim();
    const sent: Sent = { page, request, userName, password: field('password'), newPassword: field('newPassword') };
    if (request.isForeign) return this.#again(sent, 403, [FOREIGN]);
    if (!this.#limiter.take([{ key: clientGroup(request.client), max: MAX_PER_CLIENT }])) {
      return this.#tooMany(sent);
    }
    const broken = page === 'password' ? faultsOf(sent, field('repeated')) : [];
    return broken.length > 0 ? this.#again(sent, 422, broken) : this.#act(sent);
  }

  /** Cognito is asked for every name, so that neither the response nor its time reveals whether a user exists. */
  async #act(sent: Sent): Promise<PageResponse> {
    const { page, request, password } = sent;
    const { realm } = request;
    const user = await this.#activeUser(realm.id, sent.userName);
    const check = await this.#options.checkPassword(realm.id, user ?? NOBODY, password);
    if (check.outcome === 'too-many' || check.outcome === 'wrong' || !user) return this.#again(sent, 401, [WRONG]);
    if (user.status !== 'CONFIRMED') return this.#again(sent, 409, [FIRST_SIGN_IN]);
    if (page === 'sign-out-everywhere') return this.#signOut(sent, user);
    if (check.outcome === 'more-required') return this.#again(sent, 409, [SECOND_FACTOR]);
    return this.#changePassword(sent, user);
  }

  /** Undefined if unknown, disabled, or of a tenant that is not active. */
  async #activeUser(realm: RealmId, login: string): Promise<User | undefined> {
    const { identity, tenantClaims } = this.#options;
    const user = await identity.user(realm, login);
    if (!user?.enabled) return undefined;
    if (user.tenantId === undefined) return user;
    return (await tenantClaims(user.tenantId))?.active ? user : undefined;
  }

  async #changePassword(sent: Sent, user: User): Promise<PageResponse> {
    const { realm } = sent.request;
    try {
      await this.#options.identity
        .guardedBy(() => this.#basisOf(realm.id, user))
        .setPassword(realm.id, user.userName, sent.newPassword, { replaced: sent.password });
    } catch (error) {
      if (isDomainError(error, 'CONFLICT')) return this.#again(sent, 409, [CHANGED_MEANWHILE]);
      throw error;
    }
    this.#logDone(sent, user, 'password changed');
    const { signInUrl } = this.#options;
    return { status: 200, html: passwordResetPage({ homeHref: signInUrl, signInUrl }) };
  }

  async #signOut(sent: Sent, user: User): Promise<PageResponse> {
    const { realm } = sent.request;
    await this.#options.identity.endSessions(realm.id, user.userName);
    this.#logDone(sent, user, 'signed out everywhere');
    const { signInUrl } = this.#options;
    const shown = { homeHref: signInUrl, signInUrl, realmName: realm.displayName };
    return { status: 200, html: signedOutEverywherePage(shown) };
  }

  /** The conditions under which the user and the user's tenant stay active. Throws CONFLICT. */
  async #basisOf(realm: RealmId, { subject, tenantId }: User): Promise<readonly Check[]> {
    const { identity, tenantClaims } = this.#options;
    const caller = await identity.caller(realm, subject);
    const tenant = tenantId === undefined ? undefined : await tenantClaims(tenantId);
    const active = caller?.enabled === true && (tenantId === undefined || tenant?.active === true);
    if (!active) throw new DomainError('CONFLICT', 'the user and the tenant must be active');
    return [...caller.basis, ...(tenant?.basis ?? [])];
  }

  /** Too many forms from one client, whatever they say. */
  #tooMany(sent: Sent): PageResponse {
    const refused = this.#again(sent, 429, ['Too many attempts. Try again in 15 minutes.']);
    return { ...refused, headers: { 'retry-after': String(WINDOW_MS / 1_000) } };
  }

  #again({ page, request, userName }: Sent, status: number, errors: readonly string[]): PageResponse {
    return this.#form(page, request, status, { userName, errors });
  }

  #form(
    page: Page,
    { mount, realm }: PageRequest,
    status: number,
    filled: { readonly userName?: string; readonly errors?: readonly string[] } = {},
  ): PageResponse {
    const { signInUrl } = this.#options;
    const urls = { action: `${mount}/account/${page}`, forgotUrl: `${mount}/forgot-password`, signInUrl };
    const model = { homeHref: signInUrl, realmName: realm.displayName, ...urls, ...filled };
    if (page === 'sign-out-everywhere') return { status, html: endSessionsPage(model) };
    return { status, html: changePasswordPage({ ...model, minLength: minPasswordLength(realm.id) }) };
  }

  #logDone({ request }: Sent, { subject }: User, message: string): void {
    const { requestId, realm, client } = request;
    this.#options.log.info({ requestId, realm: realm.id, client, subject }, message);
  }
}

/** What is wrong with the new password; empty if nothing is. */
function faultsOf({ request, newPassword }: Sent, repeated: string): readonly string[] {
  if (newPassword !== repeated) return ['The two new passwords must be equal.'];
  const rules = brokenRules(newPassword, minPasswordLength(request.realm.id));
  return rules.map((rule) => sentence(`the password ${rule}`));
}
