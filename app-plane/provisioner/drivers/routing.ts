import { encodeBase64Url } from '../../../core/encoding/base64url.ts';
import type { Change, Resource, ResourceDriver } from '../../../core/plan/resources.ts';
import type { RandomBytes } from '../../../core/ports/clock.ts';
import { type Item, type JsonObject, type Key, put, type Table, type Write } from '../../../core/ports/table.ts';
import { type Route, routeKey } from '../../../core/routing/registry.ts';

/** The metering key of a tenant's usage plan; the route carries a copy for the gateway. */
interface ApiKey {
  readonly tenantId: string;
  readonly key: string;
}

function apiKeyKey(tenantId: string): Key<ApiKey> {
  return { pk: `api-key#${tenantId}`, sk: 'api-key' };
}

interface Found {
  readonly key: Item<ApiKey> | undefined;
  readonly route: Item<Route> | undefined;
}

/**
 * The driver of the API key and the route, both items of the registry. A route's `state` is not this driver's: it is
 * set to 'active' when the route is made, and kept ever after.
 */
export function createRoutingDriver(options: {
  readonly table: Table;
  readonly random: RandomBytes;
  /** Called after the tenant's route or key was changed, so that caches forget it. */
  readonly onRouteChange: (tenantId: string) => void;
}): ResourceDriver {
  const { table, random, onRouteChange } = options;

  async function find(tenantId: string): Promise<Found> {
    const [key, route] = await Promise.all([table.get(apiKeyKey(tenantId)), table.get(routeKey(tenantId))]);
    return { key, route };
  }

  /** All changes of one tenant in one transaction, each conditional on what was read for it. */
  async function applyAll(changes: readonly Change[]): Promise<void> {
    const tenantId = changes[0]?.resource.tenantId;
    if (tenantId === undefined) return;
    const found = await find(tenantId);
    let key = found.key?.data.key;
    const writes: Write[] = [];
    for (const { action, resource } of changes) {
      if (resource.kind === 'api-key') {
        if (action !== 'delete') key ??= newApiKey(random);
        writes.push(...replace(apiKeyKey(tenantId), found.key, action === 'delete' ? undefined : { tenantId, key }));
      } else {
        const route = action === 'delete' ? undefined : routeOf(resource, key, found.route?.data);
        writes.push(...replace(routeKey(tenantId), found.route, route));
      }
    }
    if (writes.length === 0) return;
    await table.transact(writes);
    onRouteChange(tenantId);
  }

  return {
    kinds: ['api-key', 'route'],
    async observe(tenantId) {
      const { key, route } = await find(tenantId);
      const resources: Resource[] = [];
      if (key) resources.push({ kind: 'api-key', name: 'api-key', tenantId, spec: {} });
      if (route) resources.push({ kind: 'route', name: 'route', tenantId, spec: specOf(route.data, key?.data.key) });
      return resources;
    },
    apply: (change) => applyAll([change]),
    applyAll,
  };
}

/** The write that turns what was read into `data` (undefined: nothing), or none where that is so already. */
function replace(key: Key, found: Item<ApiKey> | Item<Route> | undefined, data: object | undefined): Write[] {
  if (!found) return data ? [put({ ...key, version: 1, data }, 'absent')] : [];
  const unchanged = { version: found.version };
  return data ? [put({ ...key, version: found.version + 1, data }, unchanged)] : [{ delete: key, if: unchanged }];
}

function specOf({ slug, tier, realm, cluster, silo, apiKey }: Route, key: string | undefined): JsonObject {
  return { slug, tier, realm, cluster, silo, metered: key !== undefined && apiKey === key };
}

function routeOf({ tenantId, spec }: Resource, apiKey: string | undefined, before: Route | undefined): Route {
  const { slug, tier, realm, cluster, silo } = spec as Pick<Route, 'slug' | 'tier' | 'realm' | 'cluster' | 'silo'>;
  return {
    tenantId,
    slug,
    tier,
    state: before?.state ?? 'active',
    ...(apiKey !== undefined && { apiKey }),
    realm,
    cluster,
    silo,
  };
}

/** 128 random bits. */
function newApiKey(random: RandomBytes): string {
  return encodeBase64Url(random(16));
}
