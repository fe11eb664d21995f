import { createHash, randomBytes } from 'node:crypto';
import * as z from 'zod';
import { DomainError } from '../../core/errors.ts';
import type { ProviderMetadata } from './discovery.ts';
import { sendJson } from './request.ts';

const TokenResponse = z.object({
  access_token: z.string(),
  refresh_token: z.string().optional(),
  expires_in: z.number().positive(),
});

export interface Tokens {
  readonly accessToken: string;
  /** Absent with client credentials, and where a refresh keeps the old one. */
  readonly refreshToken?: string;
  /** Of the access token, in seconds. */
  readonly expiresIn: number;
}

/** A refusal by the token endpoint, with its code (RFC 6749, section 5.2; RFC 8628, section 3.5). */
export class OAuthError extends DomainError {
  readonly error: string;

  constructor(error: string, description: string | undefined) {
    super('UNAUTHENTICATED', description === undefined ? error : `${description} (${error})`);
    this.error = error;
  }
}

/** A confidential client. */
export interface ClientSecret {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Throws OAuthError for a refusal, UNAVAILABLE without a proper response. */
export async function requestTokens(
  { tokenEndpoint }: Pick<ProviderMetadata, 'tokenEndpoint'>,
  parameters: Readonly<Record<string, string>>,
  client?: ClientSecret,
): Promise<Tokens> {
  const { status, body } = await sendJson(tokenEndpoint, {
    method: 'POST',
    headers: { accept: 'application/json', ...(client && { authorization: basicAuthorization(client) }) },
    body: new URLSearchParams(parameters),
  });
  if (status >= 400 && status < 500) throw oauthError(body, status);
  const tokens = TokenResponse.safeParse(body);
  if (status !== 200 || !tokens.success) {
    throw new DomainError('UNAVAILABLE', `${tokenEndpoint} responds with status ${status} and without tokens`);
  }
  const { access_token: accessToken, refresh_token: refreshToken, expires_in: expiresIn } = tokens.data;
  return { accessToken, expiresIn, ...(refreshToken !== undefined && { refreshToken }) };
}

export function oauthError(body: unknown, status: number): OAuthError {
  const { error, error_description: description } = (body ?? {}) as { error?: unknown; error_description?: unknown };
  const code = typeof error === 'string' ? error : `status ${status}`;
  return new OAuthError(code, typeof description === 'string' ? description : undefined);
}

/** RFC 6749, section 2.3.1: both parts are form-encoded before they are put together. */
function basicAuthorization({ clientId, clientSecret }: ClientSecret): string {
  const encoded = [clientId, clientSecret].map((part) => encodeURIComponent(part)).join(':');
  return `Basic ${Buffer.from(encoded).toString('base64')}`;
}

/** The client credentials grant. Without a scope the server gives all that the client may have. */
export function clientCredentialTokens(metadata: ProviderMetadata, client: ClientSecret): Promise<Tokens> {
  return requestTokens(metadata, { grant_type: 'client_credentials' }, client);
}

export function refreshTokens(metadata: ProviderMetadata, clientId: string, refreshToken: string): Promise<Tokens> {
  return requestTokens(metadata, {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    client_id: clientId,
  });
}

/** Ends a refresh token (RFC 7009). @returns whether the server confirmed it */
export async function revokeToken(
  { revocationEndpoint }: ProviderMetadata,
  clientId: string,
  refreshToken: string,
): Promise<boolean> {
  if (revocationEndpoint === undefined) return false;
  const body = new URLSearchParams({ token: refreshToken, token_type_hint: 'refresh_token', client_id: clientId });
  return (await sendJson(revocationEndpoint, { method: 'POST', body })).status === 200;
}

/** An authorization code request with PKCE (RFC 7636), and what redeems its code. */
export interface CodeRequest {
  readonly url: string;
  readonly state: string;
  redeem(code: string): Promise<Tokens>;
}

export function codeRequest(
  metadata: ProviderMetadata,
  options: {
    readonly clientId: string;
    readonly redirectUri: string;
    readonly scope: string;
    /** @default - nobody is suggested */
    readonly loginHint?: string;
  },
): CodeRequest {
  const { clientId, redirectUri, scope, loginHint } = options;
  const verifier = randomBytes(32).toString('base64url');
  const state = randomBytes(16).toString('base64url');
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope,
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...(loginHint !== undefined && { login_hint: loginHint }),
  });
  return {
    url: `${metadata.authorizationEndpoint}?${query}`,
    state,
    redeem: (code) =>
      requestTokens(metadata, {
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
        client_id: clientId,
      }),
  };
}
