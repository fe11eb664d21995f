import * as z from 'zod';
import { DomainError } from '../../core/errors.ts';
import { getJson, requireSecure } from './request.ts';

const path = z.string().regex(/^(\/[\w.-]+)*$/);

/** `GET /.well-known/tierplane` of a platform. */
const Description = z.object({
  issuer: z.url(),
  clientId: z.string().min(1),
  scope: z.string(),
  controlPlanePath: path,
  apiPath: path.optional(),
});

/** A platform by its address. */
export interface PlatformDescription {
  /** Without a slash at its end; tokens go to addresses below it only. */
  readonly url: string;
  readonly issuer: string;
  /** The public client of the command line. */
  readonly clientId: string;
  readonly scope: string;
  readonly controlPlaneUrl: string;
  /** Of the tenants' API. Absent where the platform has none yet. */
  readonly apiUrl?: string;
}

const Metadata = z.object({
  issuer: z.string(),
  authorization_endpoint: z.url(),
  token_endpoint: z.url(),
  device_authorization_endpoint: z.url().optional(),
  revocation_endpoint: z.url().optional(),
});

/** What OpenID Connect Discovery says of an issuer. */
export interface ProviderMetadata {
  readonly issuer: string;
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  /** Absent where the issuer has no device authorization grant: Cognito. */
  readonly deviceAuthorizationEndpoint?: string;
  readonly revocationEndpoint?: string;
}

/** The form in which platforms are compared and stored. Throws INVALID for an address that is insecure or not a URL. */
export function normalizeUrl(address: string): string {
  const { origin, pathname } = requireSecure(address);
  return `${origin}${pathname.replace(/\/+$/, '')}`;
}

/** Throws UNAVAILABLE without a response, INVALID if the address is not a platform's. */
export async function describePlatform(address: string): Promise<PlatformDescription> {
  const url = normalizeUrl(address);
  const found = Description.safeParse(await getJson(`${url}/.well-known/tierplane`));
  if (!found.success) throw new DomainError('INVALID', `${url} is not a Tierplane platform`, { cause: found.error });
  const { issuer, clientId, scope, controlPlanePath, apiPath } = found.data;
  return {
    url,
    issuer,
    clientId,
    scope,
    controlPlaneUrl: `${url}${controlPlanePath}`,
    ...(apiPath !== undefined && { apiUrl: `${url}${apiPath}` }),
  };
}

/**
 * Reads an issuer's endpoints. Throws UNAVAILABLE without a response, INVALID if the document is another issuer's
 * (OpenID Connect Discovery 1.0, section 4.3) or names an insecure endpoint.
 */
export async function metadataOf(issuer: string): Promise<ProviderMetadata> {
  const found = Metadata.safeParse(await getJson(`${issuer}/.well-known/openid-configuration`));
  if (!found.success) throw new DomainError('INVALID', `${issuer} is not an OpenID issuer`, { cause: found.error });
  const { data } = found;
  if (data.issuer !== issuer) {
    throw new DomainError('INVALID', `the issuer must be ${issuer}, got ${data.issuer}`);
  }
  for (const endpoint of [data.authorization_endpoint, data.token_endpoint]) requireSecure(endpoint);
  return {
    issuer,
    authorizationEndpoint: data.authorization_endpoint,
    tokenEndpoint: data.token_endpoint,
    ...(data.device_authorization_endpoint && { deviceAuthorizationEndpoint: data.device_authorization_endpoint }),
    ...(data.revocation_endpoint && { revocationEndpoint: data.revocation_endpoint }),
  };
}
