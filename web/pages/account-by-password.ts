import { describedBy, errorSummary } from './form-errors.ts';
import { type Html, html } from './html.ts';
import { frameOf, type PageFrame, page } from './layout.ts';
import { MAX_PASSWORD_UNITS, newPasswordFields } from './password-fields.ts';

// Pages for users who prove with the current password who they are, where no session of theirs is known.

export interface AccountByPasswordModel extends PageFrame {
  /** The realm's display name. */
  readonly realmName: string;
  /** The URL that the form posts to. */
  readonly action: string;
  /** The page for a forgotten password. */
  readonly forgotUrl: string;
  readonly signInUrl: string;
  /** Filled in. @default '' */
  readonly userName?: string;
  /** @default - none */
  readonly errors?: readonly string[];
}

/** A user changes the password. */
export function changePasswordPage(model: AccountByPasswordModel & { readonly minLength: number }): string {
  const { realmName, action, minLength, errors = [] } = model;
  const title = 'Change your password';
  return page({
    ...frameOf(model),
    title: errors.length > 0 ? `Error: ${title}` : title,
    width: 'narrow',
    body: html`<div class="card panel" data-page="account-password">
<header><h1>${title}</h1>
<p class="muted">For your account with ${realmName}. You are then signed out everywhere.</p></header>
${errors.length > 0 && errorSummary(errors)}
<form method="post" action="${action}">
${identityFields(model)}
${newPasswordFields({ minLength, error: errors[0], autofocus: false })}
<button type="submit">Save</button>
</form>
${links(model)}</div>`,
  });
}

/** A user ends all sessions. */
export function endSessionsPage(model: AccountByPasswordModel): string {
  const { realmName, action, errors = [] } = model;
  const title = 'Sign out everywhere';
  return page({
    ...frameOf(model),
    title: errors.length > 0 ? `Error: ${title}` : title,
    width: 'narrow',
    body: html`<div class="card panel" data-page="account-sessions">
<header><h1>Sign out everywhere?</h1>
<p class="muted">This ends your access to ${realmName} in every browser, application and command line at once.</p></header>
${errors.length > 0 && errorSummary(errors)}
<form method="post" action="${action}">
${identityFields(model)}
<button type="submit">Sign out everywhere</button>
</form>
${links(model)}</div>`,
  });
}

function identityFields({ userName = '', errors = [] }: AccountByPasswordModel): Html {
  return html`<div class="field"><label for="userName">Email or user name</label>
<input id="userName" name="userName" type="text" value="${userName}" autocomplete="username" autocapitalize="none"
  spellcheck="false" required maxlength="254" autofocus${describedBy(errors[0])}></div>
<div class="field"><label for="password">Current password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required
  maxlength="${MAX_PASSWORD_UNITS}"${describedBy(errors[0])}></div>`;
}

function links({ forgotUrl, signInUrl }: AccountByPasswordModel): Html {
  return html`<p class="small"><a href="${forgotUrl}">Forgot your password?</a> · <a href="${signInUrl}">Back to sign-in</a></p>`;
}
