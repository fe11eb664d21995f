import { randomBytes } from 'node:crypto';
import { DomainError } from '../../../../core/errors.ts';
import { API_AUDIENCE, issuerOf } from '../../../../core/identity/issuers.ts';
import { accountPage } from '../../../../web/pages/sign-in.ts';
import { redirect, sendHtml } from '../http/messages.ts';
import type { Accounts } from './accounts.ts';
import { ACCOUNT_CLIENT } from './clients.ts';
import type { RealmRequest } from './realm-request.ts';

/** Shows the signed-in user, or redirects to the sign-in. Sign-ins that no application requested end here. */
export async function showAccount(
  { accounts, publicUrl }: { readonly accounts: Accounts; readonly publicUrl: string },
  { req, res, spec, provider, mount, query }: RealmRequest,
): Promise<void> {
  const session = await provider.Session.get(provider.createContext(req, res));
  const account = session.accountId ? await accounts.active(spec.id, session.accountId) : undefined;
  if (!account && query.has('error')) throw new DomainError('FORBIDDEN', 'the sign-in was refused');
  if (!account) return redirect(res, signInUrl(issuerOf(publicUrl, spec.id), query));
  // No client redeems the code, so the redirect removes it from the address.
  if (query.has('code')) return redirect(res, `${mount}/account`);
  const { userName, email, role, tenantId } = account.user;
  const html = accountPage({
    ...{ realmName: account.tenantName ?? spec.displayName, userName, email, role },
    ...(tenantId !== undefined && { tenantId }),
    ...(account.tier !== undefined && { tier: account.tier }),
    changePasswordUrl: `${mount}/account/password`,
    signOutUrl: `${mount}/session/end?client_id=${ACCOUNT_CLIENT}`,
    signOutEverywhereUrl: `${mount}/account/sign-out-everywhere`,
  });
  sendHtml(res, 200, html);
}

/** An authorization request that only starts a session. No client redeems its code. */
function signInUrl(issuer: string, given: URLSearchParams): string {
  const passed = ['login_hint', 'tenant'].flatMap((name) => {
    const value = given.get(name);
    return value ? [[name, value.slice(0, 254)]] : [];
  });
  const query = new URLSearchParams({
    client_id: ACCOUNT_CLIENT,
    redirect_uri: `${issuer}/account`,
    response_type: 'code',
    scope: 'openid',
    resource: API_AUDIENCE,
    code_challenge_method: 'S256',
    code_challenge: randomBytes(32).toString('base64url'),
    ...Object.fromEntries(passed),
  });
  return `${issuer}/auth?${query}`;
}
