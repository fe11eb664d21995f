import type { Account } from './accounts.ts';

type Claims = Record<string, string | undefined>;

export function accessTokenClaims(account: Account): Claims {
  return { token_use: 'access', ...claimsOf(account) };
}

export function idTokenClaims(account: Account): Claims {
  return { token_use: 'id', ...claimsOf(account) };
}

function claimsOf({ user, tier }: Account): Claims {
  const { userName: username, email, tenantId, role } = user;
  return { username, email, ...(tenantId !== undefined && { tenantId, tier }), role };
}
