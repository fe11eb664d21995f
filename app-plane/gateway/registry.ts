import { Lru } from '../../core/collections/lru.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { RealmId } from '../../core/ports/identity.ts';
import type { Table } from '../../core/ports/table.ts';
import { type Route, routeKey, type Subject, subjectKey } from '../../core/routing/registry.ts';

/** Who a subject is and where a tenant is served. Both undefined where unknown. */
export interface Registry {
  subject(realm: RealmId, subject: string): Promise<Subject | undefined>;
  route(tenantId: string): Promise<Route | undefined>;
}

/** The registry as identity and provisioner write it. */
export function tableRegistry(table: Pick<Table, 'get'>): Registry {
  return {
    subject: async (realm, subject) => (await table.get(subjectKey(realm, subject)))?.data,
    route: async (tenantId) => (await table.get(routeKey(tenantId)))?.data,
  };
}

/** A subject with its tenant's route; what the platform does not know is absent. */
export interface Caller {
  readonly subject?: Subject;
  readonly route?: Route;
}

export interface CachedRegistry {
  /** At once where it is remembered, else by a promise: most requests then need no further turn of the event loop. */
  lookup(realm: RealmId, subject: string): Caller | Promise<Caller>;
  /** Forgets what is said to have changed; everything if nothing is named. */
  invalidate(changed: { readonly tenantId?: string | undefined; readonly subject?: string | undefined }): void;
}

export interface CacheOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** For how long a change whose message got lost stays unseen. @default 2_000 */
  readonly ttlMs?: number;
  /** Subjects, and routes, remembered. @default 20_000 */
  readonly maxEntries?: number;
}

interface Remembered<V> {
  readonly value: V;
  readonly until: number;
}

/** Remembers what it found; what it did not find is asked for again, so that a new tenant is served at once. */
export function cachedRegistry(registry: Registry, options: CacheOptions): CachedRegistry {
  const { clock, ttlMs = 2_000, maxEntries = 20_000 } = options;
  const subjects = new Lru<Remembered<Subject>>(maxEntries);
  const routes = new Lru<Remembered<Route>>(maxEntries);
  /** Counts invalidations: what was read before one is not remembered after it. */
  let generation = 0;

  function remember<V>(cache: Lru<Remembered<V>>, key: string, value: V | undefined, since: number): void {
    if (value === undefined || since !== generation) return;
    cache.set(key, { value, until: clock.now() + ttlMs });
  }

  async function read(realm: RealmId, sub: string): Promise<Caller> {
    const since = generation;
    const subject = await registry.subject(realm, sub);
    if (subject?.tenantId === undefined) return subject ? { subject } : {};
    const route = await registry.route(subject.tenantId);
    remember(subjects, sub, subject, since);
    remember(routes, subject.tenantId, route, since);
    return route ? { subject, route } : { subject };
  }

  return {
    lookup(realm, sub) {
      const now = clock.now();
      const subject = subjects.get(sub);
      if (!subject || subject.until <= now || subject.value.realm !== realm) return read(realm, sub);
      const route = routes.get(subject.value.tenantId ?? '');
      if (!route || route.until <= now) return read(realm, sub);
      return { subject: subject.value, route: route.value };
    },
    invalidate({ tenantId, subject }) {
      generation += 1;
      if (tenantId !== undefined) routes.delete(tenantId);
      if (subject !== undefined) subjects.delete(subject);
      if (tenantId === undefined && subject === undefined) {
        subjects.clear();
        routes.clear();
      }
    },
  };
}
