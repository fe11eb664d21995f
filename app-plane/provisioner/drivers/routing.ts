import { encodeBase64Url } from '../../../core/encoding/base64url.ts';
import type { Change, ObservedResource, ResourceDriver, ResourceObserver } from '../../../core/plan/resources.ts';
import type { RandomBytes } from '../../../core/ports/clock.ts';
import type { MeteringKeys } from '../../../core/ports/metering-keys.ts';
import { type Item, type Key, put, type Table, type Write } from '../../../core/ports/table.ts';
import type { MaybePending } from '../../../core/progress/pending.ts';
import { type Route, type RouteTarget, routeKey } from '../../../core/routing/registry.ts';

type Kind = 'api-key' | 'route';

/** The metering key of a tenant's usage plan; the route carries a copy for the gateway. */
interface StoredApiKey {
  readonly tenantId: string;
  readonly key: string;
  /** true: a request with the key was accepted. Only where another service keeps keys. */
  readonly works?: boolean;
}

function apiKeyKey(tenantId: string): Key<StoredApiKey> {
  return { pk: `api-key#${tenantId}`, sk: 'api-key' };
}

/** A tenant's entries in the registry as they were read. */
interface Entries {
  readonly apiKey: Item<StoredApiKey> | undefined;
  readonly route: Item<Route> | undefined;
}

export interface RoutingObserverOptions {
  readonly table: Table;
  readonly meteringKeys: Pick<MeteringKeys, 'keptIn'>;
}

export interface RoutingDriverOptions extends RoutingObserverOptions {
  readonly random: RandomBytes;
  readonly meteringKeys: MeteringKeys;
  /** Called after the tenant's route or key has changed, so that caches drop it. */
  readonly onRouteChange: (tenantId: string) => void;
}

/** Observes the API key and the route; see `createRoutingDriver`. */
export function createRoutingObserver({ table, meteringKeys }: RoutingObserverOptions): ResourceObserver<Kind> {
  return {
    kinds: ['api-key', 'route'],
    observe: async (tenantId) => observed(tenantId, await readEntries(tenantId, table), meteringKeys),
  };
}

/**
 * The driver of the API key and the route, both entries of the registry. The driver sets a route's `state` to 'active'
 * when it creates the route and never changes it afterwards.
 */
export function createRoutingDriver(options: RoutingDriverOptions): ResourceDriver<Kind> {
  return {
    ...createRoutingObserver(options),
    apply: (change) => applyAll([change], options),
    applyAll: (changes) => applyAll(changes, options),
  };
}

async function readEntries(tenantId: string, table: Table): Promise<Entries> {
  const [apiKey, route] = await Promise.all([table.get(apiKeyKey(tenantId)), table.get(routeKey(tenantId))]);
  return { apiKey, route };
}

function observed(
  tenantId: string,
  { apiKey, route }: Entries,
  { keptIn }: Pick<MeteringKeys, 'keptIn'>,
): ObservedResource<Kind>[] {
  const resources: ObservedResource<Kind>[] = [];
  if (apiKey) resources.push({ kind: 'api-key', name: 'api-key', tenantId, spec: {} });
  if (route) {
    const { slug, tier, realm, cluster, silo } = route.data;
    const isChecked = keptIn === 'table' || apiKey?.data.works === true;
    const metered = apiKey !== undefined && route.data.apiKey === apiKey.data.key && isChecked;
    const spec = { slug, tier, realm, cluster, silo, metered };
    resources.push({ kind: 'route', name: 'route', tenantId, spec });
  }
  return resources;
}

/**
 * Applies all changes of one tenant in one transaction, each conditional on the entry as it was read. A key that another
 * service keeps is stored before that service gets it, and is in its plan before the route names it. The route counts as metered
 * once a request with the key was accepted.
 */
async function applyAll(changes: readonly Change<Kind>[], options: RoutingDriverOptions): Promise<MaybePending> {
  const { table, random, meteringKeys, onRouteChange } = options;
  const tenantId = changes[0]?.resource.tenantId;
  if (tenantId === undefined) return undefined;
  const entries = await readEntries(tenantId, table);
  const key = keyAfter(changes, entries, random);
  if (meteringKeys.keptIn === 'service') {
    const isStored = await storeKey(tenantId, entries, key, table);
    if (isStored) return applyAll(changes, options);
    for (const change of changes) {
      const pending = await meter(change, entries, key, meteringKeys);
      if (pending) return pending;
    }
  }
  const needed =
    meteringKeys.keptIn === 'service' ? changes.filter((change) => !isWritten(change, entries, key)) : changes;
  const writes = needed.flatMap((change) => writesOf(change, tenantId, entries, key));
  if (writes.length > 0) {
    await table.transact(writes);
    onRouteChange(tenantId);
  }
  return meteringKeys.keptIn === 'service' ? await checkKey(changes, key, options) : undefined;
}

/** Sees that a key that the route names works, once for each key. */
async function checkKey(
  changes: readonly Change<Kind>[],
  value: string | undefined,
  { table, meteringKeys }: RoutingDriverOptions,
): Promise<MaybePending> {
  for (const { action, resource } of changes) {
    if (resource.kind !== 'route' || action === 'delete' || value === undefined) continue;
    const { tenantId, spec } = resource;
    const { apiKey } = await readEntries(tenantId, table);
    if (apiKey?.data.key !== value || apiKey.data.works) continue;
    const pending = await meteringKeys.check({ tenantId, tier: spec.tier, value });
    if (pending) return pending;
    await table.transact(replacement(apiKeyKey(tenantId), apiKey, { ...apiKey.data, works: true }));
  }
}

/** @returns whether it has stored the key. It does not store a key again that was read, or if there is none. */
async function storeKey(
  tenantId: string,
  { apiKey }: Entries,
  key: string | undefined,
  table: Table,
): Promise<boolean> {
  if (apiKey || key === undefined) return false;
  await table.transact(replacement(apiKeyKey(tenantId), undefined, { tenantId, key }));
  return true;
}

/** Brings the key of the service that meters to the state that the change leads to. */
async function meter(
  { action, resource }: Change<Kind>,
  { route }: Entries,
  value: string | undefined,
  meteringKeys: MeteringKeys,
): Promise<MaybePending> {
  const { tenantId } = resource;
  if (action === 'delete') return resource.kind === 'api-key' ? meteringKeys.delete(tenantId) : undefined;
  if (resource.kind !== 'route' || value === undefined) return undefined;
  const { tier } = resource.spec;
  const isMove = route?.data.apiKey === value && route.data.tier !== tier;
  return isMove ? meteringKeys.move({ tenantId, tier }) : meteringKeys.ensure({ tenantId, tier, value });
}

/** The tenant's key when all changes are applied: the one it has, or a new one where one is created. */
function keyAfter(changes: readonly Change<Kind>[], { apiKey }: Entries, random: RandomBytes): string | undefined {
  const created = changes.some(({ action, resource }) => resource.kind === 'api-key' && action !== 'delete');
  return apiKey?.data.key ?? (created ? newApiKey(random) : undefined);
}

function writesOf(change: Change<Kind>, tenantId: string, entries: Entries, key: string | undefined): Write[] {
  if (change.action === 'delete') {
    return change.resource.kind === 'api-key'
      ? removal(apiKeyKey(tenantId), entries.apiKey)
      : removal(routeKey(tenantId), entries.route);
  }
  if (change.resource.kind === 'route') {
    const route = routeOf(tenantId, change.resource.spec, key, entries.route?.data);
    return replacement(routeKey(tenantId), entries.route, route);
  }
  if (key === undefined) return [];
  return replacement(apiKeyKey(tenantId), entries.apiKey, { ...entries.apiKey?.data, tenantId, key });
}

/** Whether the route is as it must be, and only its key has to be checked. */
function isWritten({ action, resource }: Change<Kind>, { route }: Entries, key: string | undefined): boolean {
  if (resource.kind !== 'route' || action === 'delete' || !route) return false;
  return isEqual(route.data, routeOf(resource.tenantId, resource.spec, key, route.data));
}

function isEqual(a: Route, b: Route): boolean {
  const entries = Object.entries(a);
  return entries.length === Object.keys(b).length && entries.every(([name, value]) => b[name as keyof Route] === value);
}

function replacement<T extends object>(key: Key<T>, found: Item<T> | undefined, data: NoInfer<T>): Write[] {
  if (!found) return [put({ ...key, version: 1, data }, 'absent')];
  return [put({ ...key, version: found.version + 1, data }, { version: found.version })];
}

function removal<T extends object>(key: Key<T>, found: Item<T> | undefined): Write[] {
  return found ? [{ delete: key, if: { version: found.version } }] : [];
}

function routeOf(
  tenantId: string,
  { slug, tier, realm, cluster, silo }: RouteTarget,
  apiKey: string | undefined,
  before: Route | undefined,
): Route {
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
