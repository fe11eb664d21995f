import { describedBy, errorSummary } from './form-errors.ts';
import { html } from './html.ts';
import { page } from './layout.ts';
import { outcomePage } from './outcome.ts';

export interface DeviceCodeModel {
  readonly realmName: string;
  readonly action: string;
  readonly csrf: string;
  /** Fills the field in. @default - empty */
  readonly userCode?: string;
  readonly error?: string;
}

/** The first page of the device authorization grant (RFC 8628, section 3.3): asks for the code that the terminal shows. */
export function deviceCodePage({ realmName, action, csrf, userCode, error }: DeviceCodeModel): string {
  return page({
    title: error ? 'Error: Connect the command line' : 'Connect the command line',
    width: 'narrow',
    body: html`<div class="card panel" data-page="device-code">
<header><h1>Connect the command line</h1><p class="muted">to ${realmName}</p></header>
${error && errorSummary([error])}
<form method="post" action="${action}">
<input type="hidden" name="xsrf" value="${csrf}">
<div class="field"><label for="userCode">Code</label>
<input id="userCode" class="code" name="user_code" type="text" value="${userCode ?? ''}" autocomplete="off"
  autocapitalize="characters" spellcheck="false" required maxlength="20" placeholder="XXXX-XXXX" autofocus${describedBy(error, 'where')}>
<p id="where" class="hint">Your terminal shows it. Enter a code only if you ran <code>tierplane login</code> yourself.</p></div>
<button type="submit">Continue</button>
</form></div>`,
  });
}

export interface DeviceConfirmModel {
  readonly realmName: string;
  readonly action: string;
  readonly csrf: string;
  readonly userCode: string;
  /** The name of the client that requests access. */
  readonly client: string;
  /** The network address the request came from. */
  readonly address: string;
  /** The user who is signed in in this browser. @default - none; a sign-in follows */
  readonly userName?: string;
}

/** Asks whether the code is the one that the terminal shows, before anything is granted. */
export function deviceConfirmPage(model: DeviceConfirmModel): string {
  const { realmName, action, csrf, userCode, client, address, userName } = model;
  return page({
    title: 'Confirm the code',
    width: 'narrow',
    body: html`<div class="card panel" data-page="device-confirm">
<header><h1>Does your terminal show this code?</h1><p class="muted">Continue only if it does.</p></header>
<p class="code">${userCode}</p>
<dl class="facts"><dt>Client</dt><dd>${client}</dd><dt>From</dt><dd>${address}</dd><dt>Access to</dt><dd>${realmName}</dd>
${userName !== undefined && html`<dt>As</dt><dd>${userName}</dd>`}</dl>
<form method="post" action="${action}">
<input type="hidden" name="xsrf" value="${csrf}">
<input type="hidden" name="user_code" value="${userCode}">
<div class="actions">
<button type="submit" name="confirm" value="yes" autofocus>${userName === undefined ? 'Continue to sign-in' : 'Allow'}</button>
<button type="submit" name="abort" value="yes" class="quiet">Deny</button>
</div></form></div>`,
  });
}

/** The end of the grant, good or bad. */
export function deviceResultPage({ allowed, realmName }: { allowed: boolean; realmName: string }): string {
  return outcomePage({
    name: allowed ? 'device-allowed' : 'device-denied',
    title: allowed ? 'Command line connected' : 'Access denied',
    heading: allowed ? 'The command line is connected' : 'You denied access',
    text: allowed
      ? `It can now use ${realmName} as you. Close this page and return to your terminal.`
      : `The command line got no access to ${realmName}. You can close this page.`,
  });
}
