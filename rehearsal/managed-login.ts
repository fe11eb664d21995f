import { createHash, randomBytes } from 'node:crypto';
import type { EmulatedAccount } from './emulated-account.ts';
import { type PublicResponse, requestPublic } from './public-address.ts';

export interface SignInOptions {
  /** The address of the user pool's managed login. */
  readonly domain: string;
  readonly clientId: string;
  /** One of the client's callback addresses. Nothing needs to listen there. */
  readonly callbackUrl: string;
  readonly scope: string;
  readonly userName: string;
  readonly password: string;
  /** The password to set when the page requires a new one. */
  readonly newPassword?: string;
  /** The PKCE verifier sent with the code. @default - the verifier that the sign-in started with */
  readonly verifier?: string;
}

export interface Tokens {
  readonly accessToken: string;
  readonly idToken: string;
  readonly refreshToken: string;
}

/** A sign-in shows at most the form and the page for a new password, each with a redirect. */
const MAX_PAGES = 4;

/**
 * Signs in as a browser does: fills in the forms of managed login, then exchanges the code for tokens, with PKCE.
 * @throws Error that names the page where the sign-in ended, without passwords
 */
export async function signIn(account: EmulatedAccount, options: SignInOptions): Promise<Tokens> {
  const verifier = randomBytes(32).toString('base64url');
  const state = randomBytes(16).toString('base64url');
  const query = new URLSearchParams({
    ...{ response_type: 'code', client_id: options.clientId, redirect_uri: options.callbackUrl, scope: options.scope },
    ...{ state, code_challenge_method: 'S256' },
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  });
  const first = await requestPublic(account, `${options.domain}/oauth2/authorize?${query}`);
  const callback = new URL(await fillForms(account, first, options));
  if (callback.searchParams.get('state') !== state) throw new Error('sign-in: the callback has a different state');
  const code = callback.searchParams.get('code');
  if (code === null) throw new Error(`sign-in: failed with ${callback.searchParams.get('error')}`);
  return exchange(account, options, { code, verifier: options.verifier ?? verifier });
}

type FormValues = Pick<SignInOptions, 'domain' | 'userName' | 'password' | 'newPassword'>;

/** Signs in at an authorization address that another program made. @returns the address of the callback, not yet opened */
export async function followSignIn(
  account: EmulatedAccount,
  authorizationUrl: string,
  values: FormValues,
): Promise<string> {
  return fillForms(account, await requestPublic(account, authorizationUrl), values);
}

/** Submits one form after the other. @returns the address that the last one redirects to */
async function fillForms(account: EmulatedAccount, first: PublicResponse, options: FormValues): Promise<string> {
  let page = first;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const { location } = page.headers;
    if (page.status >= 300 && page.status < 400 && typeof location === 'string') return location;
    const form = formOf(page);
    page = await requestPublic(account, new URL(form.action, options.domain).href, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ ...form.hidden, ...valuesFor(form.visible, options) }).toString(),
    });
  }
  throw new Error('sign-in: the user name or the password was refused');
}

interface Form {
  readonly action: string;
  readonly hidden: Readonly<Record<string, string>>;
  /** The names of the fields that a user fills in. */
  readonly visible: readonly string[];
}

function formOf({ status, text }: PublicResponse): Form {
  const action = /<form[^>]*\baction="([^"]*)"/i.exec(text)?.[1];
  if (status !== 200 || action === undefined) throw new Error(`sign-in: expected a form, got status ${status}`);
  const inputs = [...text.matchAll(/<input\b[^>]*>/gi)].map(([tag]) => ({
    name: attribute(tag, 'name'),
    type: attribute(tag, 'type'),
    value: attribute(tag, 'value'),
  }));
  const named = inputs.filter(({ name, type }) => name !== '' && type !== 'submit');
  return {
    action: plain(action),
    hidden: Object.fromEntries(named.filter(({ type }) => type === 'hidden').map(({ name, value }) => [name, value])),
    visible: named.filter(({ type }) => type !== 'hidden').map(({ name }) => name),
  };
}

function attribute(tag: string, name: string): string {
  return plain(new RegExp(`\\b${name}="([^"]*)"`, 'i').exec(tag)?.[1] ?? '');
}

function plain(text: string): string {
  const marks: Record<string, string> = { '&amp;': '&', '&quot;': '"', '&#x27;': "'", '&lt;': '<', '&gt;': '>' };
  return text.replaceAll(/&(?:amp|quot|#x27|lt|gt);/g, (mark) => marks[mark] ?? mark);
}

/** A page without a field for the user name requires a new password. */
function valuesFor(visible: readonly string[], options: FormValues): Record<string, string> {
  if (visible.includes('username')) return { username: options.userName, password: options.password };
  if (options.newPassword === undefined) throw new Error('sign-in: a new password is required');
  return Object.fromEntries(visible.map((name) => [name, options.newPassword ?? '']));
}

async function exchange(
  account: EmulatedAccount,
  { domain, clientId, callbackUrl }: SignInOptions,
  { code, verifier }: { readonly code: string; readonly verifier: string },
): Promise<Tokens> {
  const response = await requestPublic(account, `${domain}/oauth2/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      ...{ grant_type: 'authorization_code', client_id: clientId, redirect_uri: callbackUrl },
      ...{ code, code_verifier: verifier },
    }).toString(),
  });
  if (response.status !== 200) throw new Error(`sign-in: the code was refused with status ${response.status}`);
  const tokens = JSON.parse(response.text) as { access_token: string; id_token: string; refresh_token: string };
  return { accessToken: tokens.access_token, idToken: tokens.id_token, refreshToken: tokens.refresh_token };
}
