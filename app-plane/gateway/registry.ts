import { ExpiringCache } from '../../core/collections/expiring-cache.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { RealmId } from '../../core/ports/identity.ts';
import type { Table } from '../../core/ports/table.ts';
import { type Route, routeKey, type Subject, subjectKey } from '../../core/routing/registry.ts';
import type { Caller } from '../../core/routing/served-caller.ts';

/** Looks up users by their token's subject, and the routes of tenants. Both are undefined if unknown. */
export interface Registry {
  subject(realm: RealmId, subject: string): Promise<Subject | undefined>;
  route(tenantId: string): Promise<Route | undefined>;
}

/** The registry in the table that identity and provisioner write. */
export function tableRegistry(table: Pick<Table, 'get'>): Registry {
  return {
    subject: async (realm, subject) => (await table.get(subjectKey(realm, subject)))?.data,
    route: async (tenantId) => (await table.get(routeKey(tenantId)))?.data,
  };
}

/** What has changed in the registry. Everything, if it names neither a tenant nor a subject. */
export interface RegistryChange {
  readonly tenantId?: string | undefined;
  readonly subject?: string | undefined;
}

export interface CachedRegistry {
  /** Returns a cached result directly, and others as a promise, so that most requests need no turn of the event loop. */
  lookup(realm: RealmId, subject: string): Caller | Promise<Caller>;
  /** Reads the registry itself, and caches the result. */
  read(realm: RealmId, subject: string): Promise<Caller>;
  /** Removes what has changed from the cache. */
  invalidate(change: RegistryChange): void;
}

export interface CacheOptions {
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Results are used for this long. It bounds the effect of a lost invalidation. @default 2_000 (2 seconds) */
  readonly ttlMs?: number;
  /** Most subjects, and most routes, in the cache. @default 20_000 */
  readonly maxEntries?: number;
}

/** Caches subjects and routes. Does not cache that something is unknown, so a new tenant is served at once. */
export function cachedRegistry(registry: Registry, { clock, ttlMs = 2_000, maxEntries = 20_000 }: CacheOptions) {
  return new RegistryCache(registry, clock, ttlMs, maxEntries);
}

class RegistryCache implements CachedRegistry {
  readonly #registry: Registry;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #subjects: ExpiringCache<Subject>;
  readonly #routes: ExpiringCache<Route>;
  /** Number of invalidations. A result read before an invalidation is not cached after it. */
  #generation = 0;

  constructor(registry: Registry, clock: Pick<Clock, 'monotonic'>, ttlMs: number, maxEntries: number) {
    this.#registry = registry;
    this.#clock = clock;
    this.#subjects = new ExpiringCache({ ttlMs, maxEntries });
    this.#routes = new ExpiringCache({ ttlMs, maxEntries });
  }

  lookup(realm: RealmId, sub: string): Caller | Promise<Caller> {
    const now = this.#clock.monotonic();
    const subject = this.#subjects.get(sub, now);
    if (subject?.realm !== realm) return this.read(realm, sub);
    const route = this.#routes.get(subject.tenantId ?? '', now);
    return route ? { subject, route } : this.read(realm, sub);
  }

  invalidate({ tenantId, subject }: RegistryChange): void {
    this.#generation += 1;
    if (tenantId !== undefined) this.#routes.delete(tenantId);
    if (subject !== undefined) this.#subjects.delete(subject);
    if (tenantId === undefined && subject === undefined) {
      this.#subjects.clear();
      this.#routes.clear();
    }
  }

  async read(realm: RealmId, sub: string): Promise<Caller> {
    const generation = this.#generation;
    const subject = await this.#registry.subject(realm, sub);
    if (subject?.tenantId === undefined) return subject ? { subject } : {};
    const route = await this.#registry.route(subject.tenantId);
    if (generation === this.#generation) {
      const now = this.#clock.monotonic();
      this.#subjects.set(sub, subject, now);
      if (route) this.#routes.set(subject.tenantId, route, now);
    }
    return route ? { subject, route } : { subject };
  }
}
