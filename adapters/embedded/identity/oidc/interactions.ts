import type { IncomingMessage } from 'node:http';
import { errors as oidcErrors } from 'oidc-provider';
import { DomainError, isDomainError } from '../../../../core/errors.ts';
import { clientGroup } from '../../../../core/http/client-address.ts';
import { clientRequestId } from '../../../../core/http/request-id.ts';
import { CLI_CLIENT } from '../../../../core/identity/issuers.ts';
import { minPasswordLength } from '../../../../core/identity/password-policy.ts';
import type { Clock } from '../../../../core/ports/clock.ts';
import type { User } from '../../../../core/ports/identity.ts';
import type { Log } from '../../../../core/ports/log.ts';
import { remainingMs } from '../../../../core/retry/back-off.ts';
import { errorPage } from '../../../../web/pages/error.ts';
import { sentence } from '../../../../web/pages/sentence.ts';
import { changePasswordPage, signInPage } from '../../../../web/pages/sign-in.ts';
import { acceptsJson, clientAddress, isForeignOrigin, readForm, sendHtml, sendJson } from '../http/messages.ts';
import type { EmbeddedIdentity } from '../identity.ts';
import type { Seal } from '../seal.ts';
import type { Accounts, SignIn } from './accounts.ts';
import type { DeviceCookies } from './device-cookies.ts';
import type { RealmRequest } from './realm-request.ts';

export interface InteractionDeps {
  readonly accounts: Accounts;
  readonly identity: Pick<EmbeddedIdentity, 'setPassword'>;
  readonly seal: Seal;
  readonly devices: DeviceCookies;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  readonly publicUrl: string;
  /** The name of the active tenant with this slug. */
  readonly tenantNameOf: (slug: string) => Promise<string | undefined>;
}

export interface InteractionRequest extends RealmRequest {
  /** The interaction that the path names. */
  readonly uid: string;
  /** '' for the sign-in form, 'password' for the form that replaces a temporary password. */
  readonly step: string;
}

interface Interaction extends InteractionRequest {
  /** Whether the client gets JSON in place of pages. */
  readonly json: boolean;
  /** What the user signs in to: the tenant that the link names, or the realm. */
  readonly realmName: string;
}

const TICKET_MS = 10 * 60_000;

/** The response to each refused sign-in. */
const REFUSALS: Record<
  Exclude<SignIn['outcome'], 'signed-in' | 'change-password' | 'too-many'>,
  { status: number; text: string }
> = {
  wrong: { status: 401, text: 'User name or password is wrong.' },
  expired: {
    status: 403,
    text: 'This temporary password has expired. Choose “Forgot your password?”, or ask for a new invitation.',
  },
  disabled: { status: 403, text: 'This account is disabled. Ask your administrator.' },
  suspended: { status: 403, text: 'Your organization has no access at the moment. Ask your administrator.' },
};

/**
 * Serves the forms between an authorization request and its code: the sign-in, and the replacement of a temporary
 * password.
 *
 * The command line gets and sends the same forms as JSON (docs/decisions/0012), with the same fields, the same token
 * against forged forms and the same limits. Other clients get pages only.
 */
export async function handleInteraction(deps: InteractionDeps, request: InteractionRequest): Promise<void> {
  const { req, res, provider, uid, step } = request;
  const interaction = await currentInteraction(request);
  if (!interaction) return;
  const one = {
    ...request,
    json: acceptsJson(req) && interaction.params.client_id === CLI_CLIENT,
    realmName: await nameFor(deps, request, interaction.params.tenant),
  };

  if (req.method === 'GET' && step === '') {
    if (interaction.prompt.name !== 'login') {
      // The client requested `prompt=consent`. All clients are our own, so no user has to consent.
      await provider.interactionFinished(req, res, { consent: {} });
      return;
    }
    const hint = interaction.params.login_hint;
    showSignIn(deps, one, 200, typeof hint === 'string' && hint.length <= 254 ? { userName: hint } : {});
    return;
  }
  if (req.method !== 'POST') {
    res.setHeader('allow', step === '' ? 'GET, POST' : 'POST');
    throw new DomainError('NOT_FOUND', 'page not found');
  }
  const form = await readForm(req);
  if (!isOwnForm(deps, req, uid, form.get('csrf'))) {
    sendHtml(
      res,
      403,
      errorPage({
        title: 'This form is not valid',
        text: 'It came from another page, or it has expired. Sign in again.',
        link: { text: 'Sign in', href: pathOf(one) },
      }),
    );
    return;
  }
  if (step === '') await signIn(deps, one, form);
  else await changePassword(deps, one, form, interaction.session?.uid);
}

/** In the pool, the name of the tenant that the link names by its slug. Every tenant's name is public. */
async function nameFor({ tenantNameOf }: InteractionDeps, { spec }: RealmRequest, slug: unknown): Promise<string> {
  const named = spec.id === 'pool' && typeof slug === 'string' ? await tenantNameOf(slug) : undefined;
  return named ?? spec.displayName;
}

async function signIn(deps: InteractionDeps, one: Interaction, form: URLSearchParams): Promise<void> {
  const { req, res, spec, provider } = one;
  const userName = (form.get('userName') ?? '').trim().slice(0, 255);
  const result = await deps.accounts.signIn(spec.id, userName, form.get('password') ?? '', {
    group: clientGroup(clientAddress(req)),
    deviceOf: (subject) => deps.devices.idOf(req, spec.id, subject),
  });
  deps.log.info(
    {
      requestId: clientRequestId(req.headers['x-request-id']),
      realm: spec.id,
      client: clientAddress(req),
      outcome: result.outcome,
      ...('user' in result && { subject: result.user.subject }),
    },
    'sign-in',
  );
  if (result.outcome === 'too-many') {
    res.setHeader('retry-after', String(result.retryAfter));
    const error = `Too many failed attempts. Try again in ${durationText(result.retryAfter)}.`;
    showSignIn(deps, one, 429, { userName, error });
  } else if (!('user' in result)) {
    const { status, text } = REFUSALS[result.outcome];
    showSignIn(deps, one, status, { userName, error: text });
  } else if (result.outcome === 'change-password') {
    showChange(deps, one, 200, result.user, ticketFor(deps, one, result.user.subject));
  } else {
    deps.devices.give(one, result.user.subject);
    await provider.interactionFinished(req, res, { login: { accountId: result.user.subject } });
  }
}

/** `1 second`, `40 seconds`, `5 minutes`; rounded up to whole minutes above 90 seconds. */
function durationText(seconds: number): string {
  const [count, unit] = seconds > 90 ? [Math.ceil(seconds / 60), 'minute'] : [seconds, 'second'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

async function changePassword(
  deps: InteractionDeps,
  one: Interaction,
  form: URLSearchParams,
  session: string | undefined,
): Promise<void> {
  const { req, res, spec, provider } = one;
  const ticket = form.get('ticket') ?? '';
  const subject = subjectOfTicket(deps, one, ticket);
  const account = subject === undefined ? undefined : await deps.accounts.invited(spec.id, subject);
  if (!account) {
    showTooLate(deps, one);
    return;
  }
  const { user, tenantBasis } = account;
  const password = form.get('newPassword') ?? '';
  if (password !== form.get('repeated')) {
    showChange(deps, one, 422, user, ticket, ['The two passwords must be equal.']);
    return;
  }
  try {
    const further = { writes: tenantBasis, refusal: notInvited };
    await deps.identity.setPassword(spec.id, user.userName, password, {
      ...{ keepSession: session, check: requireInvited, further },
    });
  } catch (error) {
    if (isDomainError(error, 'CONFLICT')) return showTooLate(deps, one);
    if (!isDomainError(error, 'INVALID')) throw error;
    showChange(
      deps,
      one,
      422,
      user,
      ticket,
      error.issues.map(({ msg }) => sentence(msg)),
    );
    return;
  }
  deps.log.info(
    {
      requestId: clientRequestId(req.headers['x-request-id']),
      realm: spec.id,
      client: clientAddress(req),
      outcome: 'password-changed',
      subject: user.subject,
    },
    'sign-in',
  );
  deps.devices.give(one, user.subject);
  await provider.interactionFinished(req, res, { login: { accountId: user.subject } });
}

/** Throws CONFLICT if the user has been disabled, or has chosen a password elsewhere. */
function requireInvited({ enabled, status }: User): void {
  if (!enabled || status !== 'FORCE_CHANGE_PASSWORD') throw notInvited();
}

function notInvited(): DomainError {
  return new DomainError('CONFLICT', 'only the temporary password of an active user can be replaced here');
}

function showTooLate(deps: InteractionDeps, one: Interaction): void {
  showSignIn(deps, one, 401, { error: 'The time to choose a password has passed. Sign in again.' });
}

/** The interaction that both the cookie and the path name. Otherwise sends a page that explains what to do. */
async function currentInteraction({ req, res, provider, uid, mount }: InteractionRequest) {
  try {
    const interaction = await provider.interactionDetails(req, res);
    if (interaction.uid === uid) return interaction;
  } catch (error) {
    if (!(error instanceof oidcErrors.SessionNotFound)) throw error;
  }
  sendHtml(
    res,
    400,
    errorPage({
      title: 'This sign-in has ended',
      text: 'It was started over an hour ago or in another browser, or it is complete. Sign in again.',
      link: { text: 'Sign in', href: `${mount}/account` },
    }),
  );
  return undefined;
}

function showSignIn(
  deps: InteractionDeps,
  one: Interaction,
  status: number,
  shown: { readonly userName?: string; readonly error?: string },
): void {
  const csrf = deps.seal.sign(`csrf ${one.uid}`);
  if (one.json) {
    sendJson(one.res, status, { page: 'sign-in', csrf, ...(shown.error && { message: shown.error }) });
    return;
  }
  const forgotUrl = `${one.mount}/forgot-password`;
  const html = signInPage({ realmName: one.realmName, action: pathOf(one), csrf, forgotUrl, ...shown });
  sendHtml(one.res, status, html);
}

function showChange(
  deps: InteractionDeps,
  one: Interaction,
  status: number,
  { userName }: User,
  ticket: string,
  errors: readonly string[] = [],
): void {
  if (one.json) {
    const message = 'The temporary password must be changed first: sign in with a browser.';
    sendJson(one.res, 403, { page: 'change-password', message });
    return;
  }
  const html = changePasswordPage({
    realmName: one.realmName,
    userName,
    action: `${pathOf(one)}/password`,
    csrf: deps.seal.sign(`csrf ${one.uid}`),
    ticket,
    minLength: minPasswordLength(one.spec.id),
    errors,
  });
  sendHtml(one.res, status, html);
}

function pathOf({ mount, uid }: Interaction): string {
  return `${mount}/interaction/${uid}`;
}

/** Whether the form has the token of this interaction, and no foreign origin. */
function isOwnForm(deps: InteractionDeps, req: IncomingMessage, uid: string, csrf: string | null): boolean {
  if (isForeignOrigin(req, deps.publicUrl)) return false;
  return deps.seal.verify(`csrf ${uid}`, csrf ?? '');
}

/** A ticket that proves that this user has just entered the temporary password in this interaction. */
function ticketFor(deps: InteractionDeps, { spec, uid }: Interaction, subject: string): string {
  const until = deps.clock.now() + TICKET_MS;
  return `${subject}.${until}.${deps.seal.sign(`ticket ${spec.id} ${uid} ${subject} ${until}`)}`;
}

function subjectOfTicket(deps: InteractionDeps, { spec, uid }: Interaction, ticket: string): string | undefined {
  const [subject = '', until = '', mac = ''] = ticket.split('.');
  const intact = deps.seal.verify(`ticket ${spec.id} ${uid} ${subject} ${until}`, mac);
  // A ticket that lasts longer than any ticket can was made before the system clock was set back.
  return intact && remainingMs(Number(until), deps.clock.now(), TICKET_MS) > 0 ? subject : undefined;
}
