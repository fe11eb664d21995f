import type { RealmId } from '../ports/identity.ts';
import type { ClusterId } from '../ports/runtime.ts';
import { TENANT_ID } from './names.ts';

const OF_TENANT = `tenant-${TENANT_ID.source.slice(1, -1)}`;

const REALM_ID = new RegExp(`^(admin|pool|${OF_TENANT})$`);
export const CLUSTER_ID = new RegExp(`^(pool|shared|${OF_TENANT})$`);

export function isRealmId(value: unknown): value is RealmId {
  return typeof value === 'string' && REALM_ID.test(value);
}

export function isClusterId(value: unknown): value is ClusterId {
  return typeof value === 'string' && CLUSTER_ID.test(value);
}
