import { createHash, randomBytes } from 'node:crypto';
import type { EmulatedAccount } from './emulated-account.ts';
import { askPublic, type PublicAnswer } from './public-address.ts';

export interface SignInOptions {
  /** The pool's sign-in domain. */
  readonly domain: string;
  readonly clientId: string;
  /** One of the client's; nothing needs to listen there. */
  readonly callbackUrl: string;
  readonly scope: string;
  readonly userName: string;
  readonly password: string;
  /** Given at the page that asks for one in place of a temporary password. */
  readonly newPassword?: string;
  /** What is said to be the verifier when the code is given for tokens. @default - the one that the sign-in began with */
  readonly verifier?: string;
}

export interface Tokens {
  readonly accessToken: string;
  readonly idToken: string;
  readonly refreshToken: string;
}

/** The most pages a sign-in shows: the form, and the new password. */
const MAX_PAGES = 4;

/**
 * Signs in as a browser does: Cognito's pages, their forms filled in and sent, then the code for tokens, with PKCE.
 * Throws an Error that says at what page it ended, never a password.
 */
export async function signIn(account: EmulatedAccount, options: SignInOptions): Promise<Tokens> {
  const verifier = randomBytes(32).toString('base64url');
  const state = randomBytes(16).toString('base64url');
  const query = new URLSearchParams({
    ...{ response_type: 'code', client_id: options.clientId, redirect_uri: options.callbackUrl, scope: options.scope },
    ...{ state, code_challenge_method: 'S256' },
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  });
  const first = await askPublic(account, `${options.domain}/oauth2/authorize?${query}`);
  const callback = new URL(await fillForms(account, first, options));
  if (callback.searchParams.get('state') !== state) throw new Error('sign-in: the state came back changed');
  const code = callback.searchParams.get('code');
  if (code === null) throw new Error(`sign-in: refused with ${callback.searchParams.get('error')}`);
  return exchange(account, options, { code, verifier: options.verifier ?? verifier });
}

/** Sends one form after the other. @returns where the last one leads */
async function fillForms(account: EmulatedAccount, first: PublicAnswer, options: SignInOptions): Promise<string> {
  let page = first;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const { location } = page.headers;
    if (page.status >= 300 && page.status < 400 && typeof location === 'string') return location;
    const form = formOf(page);
    page = await askPublic(account, new URL(form.action, options.domain).href, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ ...form.hidden, ...answersTo(form.asked, options) }).toString(),
    });
  }
  throw new Error('sign-in: the user name or the password was not taken');
}

interface Form {
  readonly action: string;
  readonly hidden: Readonly<Record<string, string>>;
  /** Names of the fields a person fills in. */
  readonly asked: readonly string[];
}

function formOf({ status, text }: PublicAnswer): Form {
  const action = /<form[^>]*\baction="([^"]*)"/i.exec(text)?.[1];
  if (status !== 200 || action === undefined) throw new Error(`sign-in: no form, but ${status}`);
  const inputs = [...text.matchAll(/<input\b[^>]*>/gi)].map(([tag]) => ({
    name: attribute(tag, 'name'),
    type: attribute(tag, 'type'),
    value: attribute(tag, 'value'),
  }));
  const named = inputs.filter(({ name, type }) => name !== '' && type !== 'submit');
  return {
    action: plain(action),
    hidden: Object.fromEntries(named.filter(({ type }) => type === 'hidden').map(({ name, value }) => [name, value])),
    asked: named.filter(({ type }) => type !== 'hidden').map(({ name }) => name),
  };
}

function attribute(tag: string, name: string): string {
  return plain(new RegExp(`\\b${name}="([^"]*)"`, 'i').exec(tag)?.[1] ?? '');
}

function plain(text: string): string {
  const marks: Record<string, string> = { '&amp;': '&', '&quot;': '"', '&#x27;': "'", '&lt;': '<', '&gt;': '>' };
  return text.replaceAll(/&(?:amp|quot|#x27|lt|gt);/g, (mark) => marks[mark] ?? mark);
}

/** A page with no field for the user name asks for a new password. */
function answersTo(asked: readonly string[], options: SignInOptions): Record<string, string> {
  if (asked.includes('username')) return { username: options.userName, password: options.password };
  if (options.newPassword === undefined) throw new Error('sign-in: a new password is asked for');
  return Object.fromEntries(asked.map((name) => [name, options.newPassword ?? '']));
}

async function exchange(
  account: EmulatedAccount,
  { domain, clientId, callbackUrl }: SignInOptions,
  { code, verifier }: { readonly code: string; readonly verifier: string },
): Promise<Tokens> {
  const answer = await askPublic(account, `${domain}/oauth2/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      ...{ grant_type: 'authorization_code', client_id: clientId, redirect_uri: callbackUrl },
      ...{ code, code_verifier: verifier },
    }).toString(),
  });
  if (answer.status !== 200) throw new Error(`sign-in: the code was not taken, ${answer.status}`);
  const tokens = JSON.parse(answer.text) as { access_token: string; id_token: string; refresh_token: string };
  return { accessToken: tokens.access_token, idToken: tokens.id_token, refreshToken: tokens.refresh_token };
}
