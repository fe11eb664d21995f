import { isDomainError } from '../../core/errors.ts';
import type { Authorize } from '../../core/identity/authorize.ts';
import type { Route } from '../../core/routing/registry.ts';
import { isServed } from '../../core/tenant/lifecycle.ts';
import type { TierName, UsagePlan } from '../../core/tier/tiers.ts';
import type { InFlight } from './in-flight.ts';
import type { Meter } from './meter.ts';
import type { QuotaStore } from './quota-store.ts';
import type { CachedRegistry } from './registry.ts';
import { ANSWERS, type Answer, retryAfter } from './responses.ts';

/** What decides about a tenant's call, of all that it brings. */
export interface Call {
  readonly authorization: string | undefined;
  readonly service: string;
  /** Of the body, in bytes, where declared. */
  readonly contentLength: number | undefined;
}

/** `leave` is to be called when an admitted call has ended. `route` is there as soon as the tenant is known: the access log names whom it refused. */
export type Admission =
  | { readonly admitted: true; readonly route: Route; leave(): void }
  | { readonly admitted: false; readonly answer: Answer; readonly route?: Route };

export interface AdmissionOptions {
  readonly authorize: Authorize;
  readonly registry: CachedRegistry;
  readonly meter: Meter;
  readonly inFlight: InFlight;
  readonly quotas: Pick<QuotaStore, 'touch'>;
  readonly tiers: Readonly<Record<TierName, { readonly usagePlan: UsagePlan }>>;
  /** The application's microservices. */
  readonly services: readonly string[];
  readonly maxBodyBytes: number;
}

/**
 * Decides, in this order: who is it (401), which tenant and may it be served (403), is there such a service (404), is
 * the body small enough (413), is there room in the tenant's plan (429). Only what is admitted counts against the quota.
 */
export function createAdmission(options: AdmissionOptions): (call: Call) => Promise<Admission> {
  const { authorize, registry, meter, inFlight, quotas, tiers, maxBodyBytes } = options;
  const services = new Set(options.services);

  return async ({ authorization, service, contentLength }) => {
    let token: Awaited<ReturnType<Authorize>>;
    try {
      token = await authorize(authorization);
    } catch (error) {
      if (isDomainError(error, 'UNAUTHENTICATED')) return refuse(ANSWERS.unauthorized);
      if (isDomainError(error, 'UNAVAILABLE')) return refuse(ANSWERS.unavailable);
      throw error;
    }

    const found = registry.lookup(token.realm, token.subject);
    const { subject, route } = found instanceof Promise ? await found : found;
    if (!subject?.enabled) return refuse(ANSWERS.unauthorized);
    if (!route || subject.tenantId !== token.tenantId || route.realm !== token.realm) return refuse(ANSWERS.forbidden);
    if (route.state === 'suspended') return refuse(ANSWERS.suspended, route);
    if (!isServed(route.state) || route.apiKey === undefined) return refuse(ANSWERS.forbidden, route);

    if (!services.has(service)) return refuse(ANSWERS.notFound, route);
    if (contentLength !== undefined && contentLength > maxBodyBytes) return refuse(ANSWERS.tooLarge, route);

    const plan = tiers[route.tier].usagePlan;
    const leave = route.silo ? leaveNothing : inFlight.enter(route.tenantId, plan);
    if (!leave) return refuse(retryAfter(ANSWERS.tooManyRequests, 1), route);
    const verdict = meter.admit(route.apiKey, plan);
    if (verdict.outcome !== 'admitted') {
      leave();
      const answer = verdict.outcome === 'throttled' ? ANSWERS.tooManyRequests : ANSWERS.limitExceeded;
      return refuse(retryAfter(answer, verdict.retryAfter), route);
    }
    quotas.touch(route.tenantId, route.apiKey);
    return { admitted: true, route, leave };
  };
}

function leaveNothing(): void {}

function refuse(answer: Answer, route?: Route): Admission {
  return route ? { admitted: false, answer, route } : { admitted: false, answer };
}
