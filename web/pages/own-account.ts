import { describedBy, errorSummary } from './form-errors.ts';
import { html } from './html.ts';
import { frameOf, type PageFrame, page } from './layout.ts';
import { outcomePage } from './outcome.ts';
import { MAX_PASSWORD_UNITS, newPasswordFields } from './password-fields.ts';

export interface OwnPasswordModel {
  readonly userName: string;
  readonly action: string;
  readonly csrf: string;
  readonly minLength: number;
  readonly accountUrl: string;
  /** @default - none */
  readonly errors?: readonly string[];
}

/** A signed-in user changes the password. */
export function ownPasswordPage(model: OwnPasswordModel): string {
  const { userName, action, csrf, minLength, accountUrl, errors = [] } = model;
  return page({
    title: errors.length > 0 ? 'Error: Change your password' : 'Change your password',
    width: 'narrow',
    body: html`<div class="card panel" data-page="own-password">
<header><h1>Change your password</h1>
<p class="muted">You stay signed in here. Your sessions elsewhere end.</p></header>
${errors.length > 0 && errorSummary(errors)}
<form method="post" action="${action}">
<input type="hidden" name="csrf" value="${csrf}">
<div class="field"><label for="userName">User name</label>
<input id="userName" type="text" value="${userName}" autocomplete="username" readonly></div>
<div class="field"><label for="password">Current password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required
  maxlength="${MAX_PASSWORD_UNITS}" autofocus${describedBy(errors[0])}></div>
${newPasswordFields({ minLength, error: errors[0], autofocus: false })}
<button type="submit">Save</button>
</form>
<p class="small"><a href="${accountUrl}">Back to your account</a></p></div>`,
  });
}

export function ownPasswordChangedPage({ accountUrl }: { readonly accountUrl: string }): string {
  return outcomePage({
    name: 'own-password-changed',
    title: 'Your password is changed',
    text: 'You are still signed in here. Your sessions elsewhere have ended.',
    links: [{ text: 'Back to your account', href: accountUrl }],
  });
}

export interface SignOutEverywhereModel {
  readonly realmName: string;
  readonly action: string;
  readonly csrf: string;
  readonly accountUrl: string;
  /** @default - none */
  readonly errors?: readonly string[];
}

export function signOutEverywherePage(model: SignOutEverywhereModel): string {
  const { realmName, action, csrf, accountUrl, errors = [] } = model;
  return page({
    title: errors.length > 0 ? 'Error: Sign out everywhere' : 'Sign out everywhere',
    width: 'narrow',
    body: html`<div class="card panel" data-page="sign-out-everywhere">
<header><h1>Sign out everywhere?</h1>
<p class="muted">This ends your access to ${realmName} in every browser, application and command line at once.</p></header>
${errors.length > 0 && errorSummary(errors)}
<form method="post" action="${action}">
<input type="hidden" name="csrf" value="${csrf}">
<div class="actions"><button type="submit" autofocus>Sign out everywhere</button>
<a class="button quiet" href="${accountUrl}">Stay signed in</a></div>
</form></div>`,
  });
}

export function signedOutEverywherePage(
  model: PageFrame & { readonly realmName: string; readonly signInUrl: string },
): string {
  return outcomePage({
    ...frameOf(model),
    name: 'signed-out-everywhere',
    title: 'Signed out everywhere',
    heading: 'You are signed out everywhere',
    text: `All your sessions of ${model.realmName} have ended. You can sign in again.`,
    links: [{ text: 'Sign in again', href: model.signInUrl }],
  });
}
