import type { RealmId } from '../ports/identity.ts';
import { isServed } from '../tenant/lifecycle.ts';
import { acceptsToken, type Route, type Subject } from './registry.ts';

/** A subject and the route of its tenant, as the registry has them. What is unknown is absent. */
export interface Caller {
  readonly subject?: Subject;
  readonly route?: Route;
}

/** The claims of a verified token that decide whether its user is served. */
export interface CallerClaims {
  readonly realm: RealmId;
  readonly tenantId?: string;
  /** Epoch seconds. */
  readonly issuedAt: number;
}

/** The route of a tenant that has a metering key. */
export type MeteredRoute = Route & { readonly apiKey: string };

/** A caller whose tenant is served. */
export interface ServedCaller {
  readonly route: MeteredRoute;
  /** From the registry, never from the token. */
  readonly role: string;
}

/**
 * Why a caller is not served. `unauthenticated`: the user is unknown or disabled, or has ended all sessions since the token
 * was issued. `forbidden`: the tenant is unknown, is another one than the token's, is not served, or has no metering key.
 */
export type CallerRefusal = 'unauthenticated' | 'forbidden' | 'suspended';

export interface RefusedCaller {
  readonly refusal: CallerRefusal;
  /** The tenant's, where the caller belongs to it. */
  readonly route?: Route;
}

/** Decides whether the tenant's services serve the user of a token: in the embedded gateway and in the Lambda authorizer. */
export function decideCaller({ subject, route }: Caller, token: CallerClaims): ServedCaller | RefusedCaller {
  if (!subject || !acceptsToken(subject, token.issuedAt)) return { refusal: 'unauthenticated' };
  if (!route || subject.tenantId !== token.tenantId || route.realm !== token.realm) return { refusal: 'forbidden' };
  if (route.state === 'suspended') return { refusal: 'suspended', route };
  if (!isServed(route.state) || !isMetered(route)) return { refusal: 'forbidden', route };
  return { route, role: subject.role };
}

export function isMetered(route: Route): route is MeteredRoute {
  return route.apiKey !== undefined;
}
