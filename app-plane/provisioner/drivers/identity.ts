import { DomainError, isDomainError } from '../../../core/errors.ts';
import type { Change, Resource, ResourceDriver } from '../../../core/plan/resources.ts';
import type { Identity, RealmId } from '../../../core/ports/identity.ts';
import type { JsonObject } from '../../../core/ports/table.ts';

/**
 * The driver of a tenant's user pool and of its users. An 'admin-user' is there when the tenant has any user in the
 * realm: once it has, who administers it is the tenant's own affair, and nobody is made again behind its back.
 */
export function createIdentityDriver(options: {
  readonly identity: Identity;
  /** Where the invitation sends its reader: the front door. */
  readonly publicUrl: string;
}): ResourceDriver {
  const { identity, publicUrl } = options;

  async function hasUsers(realm: RealmId, tenantId: string): Promise<boolean> {
    return (await identity.users(realm, { tenantId, limit: 1 })).items.length > 0;
  }

  async function createAdmin({ tenantId, name, inputs }: Resource): Promise<void> {
    const realm = name as RealmId;
    const { email, tenantName } = inputs as { email: string; tenantName: string };
    try {
      await identity.createUser(realm, {
        userName: email,
        email,
        role: 'TenantAdmin',
        tenantId,
        invitation: { tenantName, link: publicUrl },
      });
    } catch (error) {
      if (!isDomainError(error, 'CONFLICT')) throw error;
      // Ours, if an earlier try got this far; another tenant's otherwise, which no repetition cures.
      if ((await identity.user(realm, email))?.tenantId === tenantId) return;
      throw new DomainError('CONFLICT', 'the email of the first administrator is taken by another user', {
        cause: error,
      });
    }
  }

  async function apply({ action, resource }: Change): Promise<void> {
    const { kind, name, tenantId, inputs } = resource;
    const realm = name as RealmId;
    if (kind === 'user-pool') {
      if (action === 'delete') return identity.deleteRealm(realm);
      const { displayName } = inputs as { displayName: string };
      await identity.ensureRealm({ id: realm, displayName, tenantId });
    } else if (action === 'delete') {
      await identity.deleteTenantUsers(realm, tenantId);
    } else {
      await createAdmin(resource);
    }
  }

  return {
    kinds: ['user-pool', 'admin-user'],
    async observe(tenantId) {
      const own: RealmId = `tenant-${tenantId}`;
      const [ownRealm, inPool] = await Promise.all([identity.realm(own), hasUsers('pool', tenantId)]);
      const inOwn = ownRealm !== undefined && (await hasUsers(own, tenantId));
      const found = (kind: Resource['kind'], name: RealmId, spec: JsonObject = {}) => ({ kind, name, tenantId, spec });
      return [
        ...(ownRealm ? [found('user-pool', own)] : []),
        ...(inPool ? [found('admin-user', 'pool')] : []),
        ...(inOwn ? [found('admin-user', own)] : []),
      ];
    },
    apply,
    /** A password staged for an administrator who was never made is no user yet. */
    purge: (tenantId) => identity.deleteTenantUsers('pool', tenantId),
  };
}
