import { DomainError, isDomainError } from '../../../core/errors.ts';
import type { ObservedResource, ResourceDriver, ResourceObserver, ResourceOf } from '../../../core/plan/resources.ts';
import type { Identity, RealmId } from '../../../core/ports/identity.ts';
import type { MaybePending, Pending } from '../../../core/progress/pending.ts';

type Kind = 'user-pool' | 'admin-user';

export interface IdentityDriverOptions {
  readonly identity: Identity;
}

/** A process that ended while it created the user leaves the email reserved for a minute. To wait is not a failed attempt. */
const RESERVED: Pending = { pending: 'the email of the first administrator is reserved', lookAgainMs: 10_000 };

/** Observes a tenant's user pool and its users; see `createIdentityDriver`. */
export function createIdentityObserver({ identity }: IdentityDriverOptions): ResourceObserver<Kind> {
  return { kinds: ['user-pool', 'admin-user'], observe: (tenantId) => observe(tenantId, identity) };
}

/**
 * The driver of a tenant's user pool and of its users. An 'admin-user' exists when the tenant has any user in the realm:
 * from then on the tenant administers its users itself, and the platform creates none of them again.
 */
export function createIdentityDriver(options: IdentityDriverOptions): ResourceDriver<Kind> {
  const { identity } = options;
  return {
    ...createIdentityObserver(options),
    apply: (change) =>
      change.action === 'delete' ? remove(change.resource, identity) : ensure(change.resource, options),
    /** Also deletes a password that was staged for an administrator who was never created. */
    purge: (tenantId) => identity.deleteTenantUsers('pool', tenantId),
  };
}

async function observe(tenantId: string, identity: Identity): Promise<ObservedResource<Kind>[]> {
  const own: RealmId = `tenant-${tenantId}`;
  const [ownRealm, hasPooledUsers] = await Promise.all([identity.realm(own), hasUsers('pool', tenantId, identity)]);
  const found: ObservedResource<Kind>[] = [];
  if (ownRealm) found.push({ kind: 'user-pool', name: own, tenantId, spec: {} });
  if (hasPooledUsers) found.push({ kind: 'admin-user', name: 'pool', tenantId, spec: {} });
  if (ownRealm && (await hasUsers(own, tenantId, identity))) {
    found.push({ kind: 'admin-user', name: own, tenantId, spec: {} });
  }
  return found;
}

async function hasUsers(realm: RealmId, tenantId: string, identity: Identity): Promise<boolean> {
  return (await identity.users(realm, { tenantId, limit: 1 })).items.length > 0;
}

async function ensure(resource: ResourceOf<Kind>, options: IdentityDriverOptions): Promise<MaybePending> {
  if (resource.kind === 'admin-user') return createAdmin(resource, options);
  const { name, tenantId, inputs } = resource;
  await options.identity.ensureRealm({ id: name, displayName: inputs.displayName, tenantId });
}

async function remove({ kind, name, tenantId }: ObservedResource<Kind>, identity: Identity): Promise<void> {
  if (kind === 'user-pool') await identity.deleteRealm(name);
  else await identity.deleteTenantUsers(name, tenantId);
}

async function createAdmin(
  { name: realm, tenantId, inputs: { email, tenantName, slug } }: ResourceOf<'admin-user'>,
  { identity }: IdentityDriverOptions,
): Promise<MaybePending> {
  try {
    await identity.createUser(realm, {
      userName: email,
      email,
      role: 'TenantAdmin',
      tenantId,
      invitation: { tenantName, slug },
    });
  } catch (error) {
    if (!isDomainError(error, 'CONFLICT')) throw error;
    // An earlier attempt may have created the user. If it belongs to another tenant, no retry helps.
    const holder = await identity.user(realm, email);
    if (holder?.tenantId === tenantId) return;
    if (!holder) return RESERVED;
    throw new DomainError('CONFLICT', 'the email of the first administrator is taken by another user', {
      cause: error,
    });
  }
}
