import { describedBy, errorSummary } from './form-errors.ts';
import { type Html, html } from './html.ts';
import { page } from './layout.ts';
import { outcomePage } from './outcome.ts';
import { MAX_PASSWORD_UNITS, newPasswordFields } from './password-fields.ts';

/** The sign-in page. Every page of a realm has its name in `data-page`, so that programs can follow the forms. */
export interface SignInModel {
  /** The realm's display name. */
  readonly realmName: string;
  /** The URL that the form posts to. */
  readonly action: string;
  readonly csrf: string;
  /** The page for users who forgot their password. */
  readonly forgotUrl: string;
  /** Fills the field in advance. */
  readonly userName?: string;
  readonly error?: string;
}

export function signInPage({ realmName, action, csrf, forgotUrl, userName, error }: SignInModel): string {
  return page({
    title: error ? 'Error: Sign in' : 'Sign in',
    width: 'narrow',
    body: html`<div class="card panel" data-page="sign-in">
<header><h1>Sign in</h1><p class="muted">to ${realmName}</p></header>
${error && errorSummary([error])}
<form method="post" action="${action}">
<input type="hidden" name="csrf" value="${csrf}">
<div class="field"><label for="userName">Email or user name</label>
<input id="userName" name="userName" type="text" value="${userName ?? ''}" autocomplete="username"
  autocapitalize="none" spellcheck="false" required maxlength="254"${userName === undefined && html` autofocus`}${describedBy(error)}></div>
<div class="field"><label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required
  maxlength="${MAX_PASSWORD_UNITS}"${userName !== undefined && html` autofocus`}${describedBy(error)}></div>
<button type="submit">Sign in</button>
</form>
<p class="small"><a href="${forgotUrl}">Forgot your password?</a></p></div>`,
  });
}

export interface ChangePasswordModel {
  readonly realmName: string;
  readonly userName: string;
  readonly action: string;
  readonly csrf: string;
  /** Proves that the user has just entered the temporary password. */
  readonly ticket: string;
  readonly minLength: number;
  readonly errors?: readonly string[];
}

export function changePasswordPage(model: ChangePasswordModel): string {
  const { realmName, userName, action, csrf, ticket, minLength, errors = [] } = model;
  return page({
    title: errors.length > 0 ? 'Error: Choose your password' : 'Choose your password',
    width: 'narrow',
    body: html`<div class="card panel" data-page="change-password">
<header><h1>Choose your password</h1>
<p class="muted">You signed in to ${realmName} with a temporary password. Choose your own password to continue.</p></header>
${errors.length > 0 && errorSummary(errors)}
<form method="post" action="${action}">
<input type="hidden" name="csrf" value="${csrf}">
<input type="hidden" name="ticket" value="${ticket}">
<div class="field"><label for="userName">User name</label>
<input id="userName" type="text" value="${userName}" autocomplete="username" readonly></div>
${newPasswordFields({ minLength, error: errors[0], autofocus: true })}
<button type="submit">Save and sign in</button>
</form></div>`,
  });
}

export interface AccountModel {
  readonly realmName: string;
  readonly userName: string;
  readonly email: string;
  readonly role: string;
  readonly tier?: string;
  readonly tenantId?: string;
  readonly changePasswordUrl: string;
  readonly signOutUrl: string;
  readonly signOutEverywhereUrl: string;
}

/** The page after a sign-in that no application requested. */
export function accountPage(model: AccountModel): string {
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['User name', model.userName],
    ['Email', model.email === model.userName ? undefined : model.email],
    ['Role', model.role],
    ['Tier', model.tier],
    ['Tenant id', model.tenantId],
  ];
  return page({
    title: 'Signed in',
    width: 'narrow',
    body: html`<div class="card panel" data-page="account">
<header><h1>You are signed in</h1><p class="muted">to ${model.realmName}</p></header>
<dl class="facts">${facts.map(([name, value]) => value && html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
<div class="actions"><a class="button" href="/">Start page</a><a class="button quiet" href="${model.signOutUrl}">Sign out</a></div>
<ul class="links small"><li><a href="${model.changePasswordUrl}">Change your password</a></li>
<li><a href="${model.signOutEverywhereUrl}">Sign out everywhere</a></li></ul>
</div>`,
  });
}

/** @param form the form of oidc-provider with its token; its id is `op.logoutForm` */
export function signOutPage({ realmName, form }: { readonly realmName: string; readonly form: Html }): string {
  return page({
    title: 'Sign out',
    width: 'narrow',
    body: html`<div class="card panel" data-page="sign-out">
<header><h1>Sign out?</h1><p class="muted">You are signed in to ${realmName}.</p></header>
${form}
<div class="actions">
<button type="submit" form="op.logoutForm" name="logout" value="yes" autofocus>Sign out</button>
<button type="submit" form="op.logoutForm" class="quiet">Stay signed in</button>
</div></div>`,
  });
}

export function signedOutPage(model: { readonly realmName: string; readonly signInUrl: string }): string {
  return outcomePage({
    name: 'signed-out',
    title: 'Signed out',
    heading: 'You are signed out',
    text: `You signed out of ${model.realmName} in every window of this browser.`,
    links: [
      { text: 'Sign in again', href: model.signInUrl },
      { text: 'Start page', href: '/' },
    ],
  });
}
