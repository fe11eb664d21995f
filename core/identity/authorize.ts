import * as z from 'zod';
import { Lru } from '../collections/lru.ts';
import { decodeBase64Url } from '../encoding/base64url.ts';
import { DomainError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { RealmId } from '../ports/identity.ts';
import { TENANT_ID } from '../tenant/ids.ts';
import type { TierName } from '../tier/tiers.ts';

/** An issuer whose access tokens are accepted. */
export interface TrustedIssuer {
  /** Must equal `iss` exactly. */
  readonly issuer: string;
  readonly realm: RealmId;
  /** Clients of the realm whose tokens are accepted. */
  readonly clientIds: readonly string[];
  /** Clients whose ids begin with this are trusted, too. @default - only `clientIds` */
  readonly clientIdPrefix?: string;
  /**
   * Must be among the values of `aud`.
   * @default - the client that requested the token. So it is with Amazon Cognito, where `aud` of an access token is absent,
   * or is the client id
   */
  readonly audience?: string;
}

/** The claims of a verified access token. Only `authorize` creates one. */
export interface VerifiedToken {
  readonly issuer: string;
  readonly realm: RealmId;
  readonly subject: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly role?: string;
  /** Absent in the tokens of system users. */
  readonly tenantId?: string;
  readonly tier?: TierName;
  readonly userName?: string;
  readonly email?: string;
  /** Epoch seconds. 0 if the token does not say. */
  readonly issuedAt: number;
  /** Epoch seconds. */
  readonly expiresAt: number;
}

/** The accepted algorithms, whatever an issuer offers. */
export type SignatureAlgorithm = 'RS256' | 'ES256';

/**
 * Whether the compact token has a signature by the key `kid` of this issuer, with this algorithm.
 * Throws UNAVAILABLE if the issuer's keys are not available now.
 */
export type SignatureVerifier = (
  token: string,
  by: { readonly issuer: TrustedIssuer; readonly kid: string; readonly alg: SignatureAlgorithm },
) => Promise<boolean>;

export type Authorize = (authorizationHeader: string | undefined) => Promise<VerifiedToken>;

/**
 * An allow-list: the issuer with exactly this name, or undefined. A list that is read from a store returns a promise; a
 * list in memory should not, as a promise delays every request.
 */
export type IssuerLookup = (issuer: string) => TrustedIssuer | undefined | Promise<TrustedIssuer | undefined>;

export interface AuthorizeOptions {
  /** The issuers whose tokens are accepted now. Called for every request. */
  readonly issuers: IssuerLookup;
  readonly verifySignature: SignatureVerifier;
  readonly clock: Clock;
  /** Verified tokens in the cache, about 2 KB each. @default 10_000 */
  readonly cacheSize?: number;
}

/** The maximum length of an `Authorization` header, in characters. */
export const MAX_AUTHORIZATION_LENGTH = 8_192;

const BEARER = /^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/i;

const Header = z.object({
  alg: z.enum(['RS256', 'ES256']),
  kid: z.string().min(1).max(200),
  typ: z.enum(['at+jwt', 'application/at+jwt', 'JWT']).optional(),
  /** Extensions that the recipient must support (RFC 7515, 4.1.11). None is supported, so no value is accepted. */
  crit: z.never().optional(),
});

const TIER_CLAIM = /^[a-z0-9-]{1,64}$/;

const Claims = z.object({
  iss: z.string(),
  sub: z.string().min(1).max(200),
  aud: z.union([z.string(), z.array(z.string())]).optional(),
  client_id: z.string(),
  token_use: z.literal('access'),
  iat: z.number().optional(),
  exp: z.number(),
  nbf: z.number().optional(),
  scope: z.string().optional(),
  role: z.string().max(100).optional(),
  tenantId: z.string().regex(TENANT_ID).optional(),
  // The issuers sign only names of the tier table, which core does not import.
  tier: z.custom<TierName>((claim) => typeof claim === 'string' && TIER_CLAIM.test(claim)).optional(),
  username: z.string().optional(),
  email: z.string().optional(),
});
type Claims = z.infer<typeof Claims>;

interface Verified {
  readonly token: VerifiedToken;
  /** Epoch seconds. */
  readonly notBefore: number;
}

/**
 * Verifies access tokens: in the gateway, the services, the control plane and the Lambda authorizer. Checks a signature
 * once per token; checks issuer and times for every call.
 *
 * @returns a function from the `Authorization` header to the verified token. It throws UNAUTHENTICATED, or UNAVAILABLE
 * if the issuer's keys are not available. No error message contains any part of the token.
 */
export function createAuthorize({ issuers, verifySignature, clock, cacheSize = 10_000 }: AuthorizeOptions): Authorize {
  const cache = new Lru<Verified>(cacheSize);

  return async (header) => {
    if (header === undefined) throw refused('the request must have a bearer token');
    const known = cache.get(header);
    if (known) {
      const found = issuers(known.token.issuer);
      const issuer = isPending(found) ? await found : found;
      if (!issuer || !isCurrent(known, clock)) {
        cache.delete(header);
        throw refused('the token has expired or its issuer is no longer trusted');
      }
      return known.token;
    }
    const verified = await verify(bearerToken(header), issuers, verifySignature, clock);
    cache.set(header, verified);
    return verified.token;
  };
}

async function verify(
  compact: string,
  issuers: IssuerLookup,
  verifySignature: SignatureVerifier,
  clock: Clock,
): Promise<Verified> {
  const [rawHeader, rawClaims] = compact.split('.');
  const header = Header.safeParse(decode(rawHeader));
  if (!header.success) throw refused('the token header must have a kid and the algorithm RS256 or ES256');
  const claims = Claims.safeParse(decode(rawClaims));
  if (!claims.success) throw refused('the token must be an access token with well-formed claims');

  const issuer = await issuers(claims.data.iss);
  if (!issuer || issuer.issuer !== claims.data.iss) throw refused('the issuer must be trusted');
  if (!isForAudience(issuer, claims.data)) throw refused('the audience must be this API');
  if (!isClientOf(issuer, claims.data.client_id)) throw refused('the client must be a client of the realm');
  if (!belongsTo(issuer.realm, claims.data.tenantId)) throw refused('the realm must hold the tenant');

  const verified = { token: toVerifiedToken(claims.data, issuer), notBefore: claims.data.nbf ?? 0 };
  if (!isCurrent(verified, clock)) throw refused('the token must be valid now');
  if (!(await verifySignature(compact, { issuer, kid: header.data.kid, alg: header.data.alg })))
    throw refused('the signature must be by a key of the issuer');
  return verified;
}

/** Whether a lookup returned a promise. `await` of a value that is there would still delay the request. */
function isPending<T extends object>(found: T | undefined | Promise<T | undefined>): found is Promise<T | undefined> {
  return found !== undefined && 'then' in found;
}

function isForAudience({ audience }: TrustedIssuer, { aud, client_id: clientId }: Claims): boolean {
  if (audience === undefined) return aud === undefined || [aud].flat().every((one) => one === clientId);
  return [aud].flat().includes(audience);
}

function isClientOf({ clientIds, clientIdPrefix }: TrustedIssuer, clientId: string): boolean {
  return clientIds.includes(clientId) || (clientIdPrefix !== undefined && clientId.startsWith(clientIdPrefix));
}

/** Realm `admin` holds no tenant, `pool` any tenant, and a tenant's own realm only that tenant. */
function belongsTo(realm: RealmId, tenantId: string | undefined): boolean {
  if (realm === 'admin') return tenantId === undefined;
  return tenantId !== undefined && (realm === 'pool' || realm === `tenant-${tenantId}`);
}

function isCurrent({ token, notBefore }: Verified, clock: Clock): boolean {
  const now = clock.now() / 1_000;
  return notBefore <= now && now < token.expiresAt;
}

function bearerToken(header: string): string {
  if (header.length > MAX_AUTHORIZATION_LENGTH)
    throw refused(`the authorization header must have at most ${MAX_AUTHORIZATION_LENGTH} characters`);
  if (!BEARER.test(header)) throw refused('the authorization header must have a bearer token of three parts');
  return header.slice('Bearer '.length);
}

/** @returns the JSON value of a base64url part, or undefined if it is none */
function decode(part = ''): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(decodeBase64Url(part)));
  } catch {
    return undefined;
  }
}

function toVerifiedToken(claims: Claims, { realm }: TrustedIssuer): VerifiedToken {
  return {
    issuer: claims.iss,
    realm,
    subject: claims.sub,
    clientId: claims.client_id,
    scopes: claims.scope?.split(' ').filter(Boolean) ?? [],
    ...(claims.role !== undefined && { role: claims.role }),
    ...(claims.tenantId !== undefined && { tenantId: claims.tenantId }),
    ...(claims.tier !== undefined && { tier: claims.tier }),
    ...(claims.username !== undefined && { userName: claims.username }),
    ...(claims.email !== undefined && { email: claims.email }),
    issuedAt: claims.iat ?? 0,
    expiresAt: claims.exp,
  };
}

function refused(reason: string): DomainError {
  return new DomainError('UNAUTHENTICATED', reason);
}
