import { describedBy, errorSummary } from './form-errors.ts';
import { html } from './html.ts';
import { frameOf, type PageFrame, page } from './layout.ts';
import { outcomePage } from './outcome.ts';
import { newPasswordFields } from './password-fields.ts';

export interface ForgotPasswordModel extends PageFrame {
  /** The realm's display name. */
  readonly realmName: string;
  /** The URL that the form posts to. */
  readonly action: string;
  readonly signInUrl: string;
  readonly error?: string;
}

/** Asks whose password is forgotten. */
export function forgotPasswordPage(model: ForgotPasswordModel): string {
  const { realmName, action, signInUrl, error } = model;
  return page({
    ...frameOf(model),
    title: error ? 'Error: Forgot your password?' : 'Forgot your password?',
    width: 'narrow',
    body: html`<div class="card panel" data-page="forgot-password">
<header><h1>Forgot your password?</h1>
<p class="muted">Enter the email or user name with which you sign in to ${realmName}. We mail you a link to choose a new password.</p></header>
${error && errorSummary([error])}
<form method="post" action="${action}">
<div class="field"><label for="userName">Email or user name</label>
<input id="userName" name="userName" type="text" autocomplete="username" autocapitalize="none" spellcheck="false" required
  maxlength="254" autofocus${describedBy(error)}></div>
<button type="submit">Send link</button>
</form>
<p class="small"><a href="${signInUrl}">Back to sign-in</a></p></div>`,
  });
}

/** The same for every name, so that it does not reveal whether an account exists. */
export function linkSentPage(model: PageFrame & { readonly forgotUrl: string; readonly signInUrl: string }): string {
  return page({
    ...frameOf(model),
    title: 'Check your mail',
    width: 'narrow',
    body: html`<div class="card panel" data-page="link-sent">
<header><h1>Check your mail</h1>
<p class="muted">If an account has this name, a mail with a link is on its way. The link works once, within 30 minutes.</p></header>
<p class="small">No mail after a few minutes? Look into the spam folder, <a href="${model.forgotUrl}">try again</a>, or ask
your administrator.</p>
<div class="actions"><a class="button" href="${model.signInUrl}">Back to sign-in</a></div></div>`,
  });
}

export interface ResetPasswordModel extends PageFrame {
  readonly realmName: string;
  readonly userName: string;
  readonly action: string;
  /** The token of the link. */
  readonly token: string;
  readonly minLength: number;
  /** @default - none */
  readonly errors?: readonly string[];
}

/** The page behind the link. */
export function resetPasswordPage(model: ResetPasswordModel): string {
  const { realmName, userName, action, token, minLength, errors = [] } = model;
  return page({
    ...frameOf(model),
    title: errors.length > 0 ? 'Error: Choose a new password' : 'Choose a new password',
    width: 'narrow',
    body: html`<div class="card panel" data-page="reset-password">
<header><h1>Choose a new password</h1>
<p class="muted">For your account with ${realmName}. You are then signed out everywhere.</p></header>
${errors.length > 0 && errorSummary(errors)}
<form method="post" action="${action}">
<input type="hidden" name="token" value="${token}">
<div class="field"><label for="userName">User name</label>
<input id="userName" type="text" value="${userName}" autocomplete="username" readonly></div>
${newPasswordFields({ minLength, error: errors[0], autofocus: true })}
<button type="submit">Save</button>
</form></div>`,
  });
}

/** The page behind a link that was used, replaced by a newer one, or is too old. */
export function linkNotValidPage(model: PageFrame & { readonly forgotUrl: string }): string {
  return outcomePage({
    ...frameOf(model),
    name: 'link-not-valid',
    title: 'This link is not valid any more',
    text: 'It was used, it is older than 30 minutes, or a newer link has replaced it.',
    links: [{ text: 'Request a new link', href: model.forgotUrl }],
  });
}

/** The page when the password could not be set. The link may be used up. */
export function passwordNotSavedPage(model: PageFrame & { readonly forgotUrl: string }): string {
  return outcomePage({
    ...frameOf(model),
    name: 'password-not-saved',
    title: 'Your password could not be saved',
    text: 'A part of the platform is not available. The link may be used up, so request a new one in a few seconds.',
    links: [{ text: 'Request a new link', href: model.forgotUrl }],
  });
}

export function passwordResetPage(model: PageFrame & { readonly signInUrl: string }): string {
  return outcomePage({
    ...frameOf(model),
    name: 'password-reset',
    title: 'Your password is changed',
    text: 'All your sessions have ended. Sign in with the new password.',
    links: [{ text: 'Sign in', href: model.signInUrl }],
  });
}
