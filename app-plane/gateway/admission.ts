import { isDomainError } from '../../core/errors.ts';
import type { Authorize, VerifiedToken } from '../../core/identity/authorize.ts';
import type { Route } from '../../core/routing/registry.ts';
import {
  type Caller,
  type CallerRefusal,
  decideCaller,
  isMetered,
  type ServedCaller,
} from '../../core/routing/served-caller.ts';
import type { TierName, UsagePlan } from '../../core/tier/tiers.ts';
import type { InFlight } from './in-flight.ts';
import type { InnerCalls } from './inner-calls.ts';
import type { Meter } from './meter.ts';
import type { QuotaStore } from './quota-store.ts';
import type { CachedRegistry } from './registry.ts';
import { type GatewayResponse, RESPONSES, withRetryAfter } from './responses.ts';

/** The parts of a request to the platform that decide whether it is admitted. */
export interface PlatformRequest {
  readonly authorization: string | undefined;
  readonly requestId: string;
}

/** The parts of a request to a tenant's service that decide whether it is admitted. */
export interface ServiceRequest extends PlatformRequest {
  readonly service: string;
  /** Length of the body in bytes, where declared. */
  readonly contentLength: number | undefined;
}

/** What the registry says of a caller whose tenant is served. */
export interface Served {
  readonly route: Route;
  readonly role: string;
}

export interface Admitted extends Served {
  readonly admitted: true;
  readonly isSignedIn: true;
  /** Must be called when the request has ended. */
  leave(): void;
}

/** Admitted without a limit of the gateway: a request without a tenant's token, or one that is metered already. */
export interface Unmetered {
  readonly admitted: true;
  /** Whether the request has a valid token. */
  readonly isSignedIn: boolean;
  readonly route?: undefined;
  leave(): void;
}

export interface Refused {
  readonly admitted: false;
  readonly response: GatewayResponse;
  /** Set if the tenant is known, so that the access log names it. */
  readonly route?: Route;
}

/** Decides whether a request is admitted. */
export interface Admission {
  /**
   * In this order: is the token valid (401), may the tenant be served (403), does the service exist (404), is the body
   * small enough (413), does the usage plan permit the request (429). Only admitted requests count against the quota.
   */
  toService(request: ServiceRequest): Promise<Admitted | Refused>;
  /**
   * A request with a tenant's token counts against the tenant's usage plan, whatever its path and the tenant's state. The
   * platform itself decides about every other request, except the inner calls of services.
   */
  toPlatform(request: PlatformRequest): Promise<Admitted | Unmetered | Refused>;
  /**
   * Checks again whether the caller of an admitted request may be served, by the registry itself rather than its cache. The
   * gateway calls it when it has received the whole request, because much may have changed since its head arrived.
   */
  confirm(authorization: string | undefined): Promise<Served | Refused>;
}

export interface AdmissionOptions {
  readonly authorize: Authorize;
  readonly registry: CachedRegistry;
  readonly meter: Meter;
  readonly inFlight: InFlight;
  readonly innerCalls: InnerCalls;
  readonly quotas: Pick<QuotaStore, 'touch'>;
  readonly tiers: Readonly<Record<TierName, { readonly usagePlan: UsagePlan }>>;
  /** The application's microservices. */
  readonly services: readonly string[];
  /** Longest request body, in bytes. */
  readonly maxBodyBytes: number;
}

export function createAdmission(options: AdmissionOptions): Admission {
  const { authorize, registry, innerCalls, maxBodyBytes } = options;
  const services = new Set(options.services);

  return {
    async toService({ authorization, requestId, service, contentLength }) {
      let token: VerifiedToken;
      try {
        token = await authorize(authorization);
      } catch (error) {
        return refuseUnauthenticated(error);
      }
      const found = registry.lookup(token.realm, token.subject);
      const caller = servedCaller(found instanceof Promise ? await found : found, token);
      if ('admitted' in caller) return caller;
      const { route } = caller;
      if (!services.has(service)) return refuse(RESPONSES.notFound, route);
      if (contentLength !== undefined && contentLength > maxBodyBytes) return refuse(RESPONSES.tooLarge, route);
      // A silo tenant shares its tasks with no other tenant, so its requests in progress are not limited.
      const admission = meterRequest(caller, options, !route.silo);
      return admission.admitted ? withInnerCalls(admission, innerCalls.begin(route.tenantId, requestId)) : admission;
    },

    async toPlatform({ authorization, requestId }) {
      if (authorization === undefined) return UNMETERED;
      let token: VerifiedToken;
      try {
        token = await authorize(authorization);
      } catch (error) {
        if (isDomainError(error, 'UNAUTHENTICATED')) return UNMETERED;
        return refuseUnauthenticated(error);
      }
      if (token.tenantId === undefined) return SIGNED_IN;
      const { subject, route } = await registry.lookup(token.realm, token.subject);
      if (!route || subject?.tenantId !== token.tenantId || !isMetered(route)) return SIGNED_IN;
      if (innerCalls.take(route.tenantId, requestId)) return SIGNED_IN;
      return meterRequest({ route, role: subject.role }, options, true);
    },

    async confirm(authorization) {
      try {
        const token = await authorize(authorization);
        return servedCaller(await registry.read(token.realm, token.subject), token);
      } catch (error) {
        return refuseUnauthenticated(error);
      }
    },
  };
}

/** Admitted without a limit. */
export const UNMETERED: Unmetered = { admitted: true, isSignedIn: false, leave: leaveNothing };
const SIGNED_IN: Unmetered = { ...UNMETERED, isSignedIn: true };

function withInnerCalls({ route, role, leave }: Admitted, end: () => void): Admitted {
  return {
    admitted: true,
    isSignedIn: true,
    route,
    role,
    leave() {
      leave();
      end();
    },
  };
}

/** Throws what is not a refusal. */
function refuseUnauthenticated(error: unknown): Refused {
  if (isDomainError(error, 'UNAUTHENTICATED')) return refuse(RESPONSES.unauthorized);
  if (isDomainError(error, 'UNAVAILABLE')) return refuse(RESPONSES.unavailable);
  throw error;
}

const REFUSALS: Readonly<Record<CallerRefusal, GatewayResponse>> = {
  unauthenticated: RESPONSES.unauthorized,
  forbidden: RESPONSES.forbidden,
  suspended: RESPONSES.suspended,
};

/** @returns the caller with the route of the token's tenant, or a refusal if the tenant or its user is not served */
function servedCaller(caller: Caller, token: VerifiedToken): ServedCaller | Refused {
  const decision = decideCaller(caller, token);
  return 'refusal' in decision ? refuse(REFUSALS[decision.refusal], decision.route) : decision;
}

/** @param isShared whether other tenants use the same process, so that the requests in progress are limited, too */
function meterRequest(
  { route, role }: ServedCaller,
  { tiers, inFlight, meter, quotas }: AdmissionOptions,
  isShared: boolean,
): Admitted | Refused {
  const plan = tiers[route.tier].usagePlan;
  const leave = isShared ? inFlight.enter(route.tenantId, plan) : leaveNothing;
  if (!leave) return refuse(withRetryAfter(RESPONSES.tooManyRequests, 1), route);
  const verdict = meter.admit(route.apiKey, plan);
  if (verdict.outcome !== 'admitted') {
    leave();
    const response = verdict.outcome === 'throttled' ? RESPONSES.tooManyRequests : RESPONSES.limitExceeded;
    return refuse(withRetryAfter(response, verdict.retryAfter), route);
  }
  quotas.touch(route.tenantId, route.apiKey);
  return { admitted: true, isSignedIn: true, route, role, leave };
}

function leaveNothing(): void {}

function refuse(response: GatewayResponse, route?: Route): Refused {
  return route ? { admitted: false, response, route } : { admitted: false, response };
}
