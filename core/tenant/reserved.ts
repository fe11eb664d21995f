/** Keys of `tenantData` and `tenantRegistrationData` that only the platform sets. A client that sends one is refused. */
export const RESERVED_KEYS = [
  'tenantId',
  'tenantRegistrationId',
  'sbtaws_active',
  'registrationStatus',
  'tenantStatus',
  'tenantConfig',
  'state',
  'reason',
  'steps',
  'slug',
  'actions',
  'created',
  'modified',
  'adminPassword',
  'password',
] as const;

/** Fields of the tenant. As keys of `tenantRegistrationData` they would overwrite the tenant's in SBT's events. */
export const TENANT_FIELDS = ['tenantName', 'email', 'tier'] as const;

/** Most customer-defined keys in each of the two objects. */
export const MAX_EXTRA_KEYS = 32;
/** Most bytes of JSON that the customer-defined keys take in each of the two objects. */
export const MAX_EXTRA_BYTES = 8 * 1024;

const encoder = new TextEncoder();

/** @returns the limit that `extras` exceed, as a message; undefined if they exceed none */
export function checkExtras(extras: object): string | undefined {
  const count = Object.keys(extras).length;
  if (count > MAX_EXTRA_KEYS) return `must have at most ${MAX_EXTRA_KEYS} customer-defined keys, got ${count}`;
  const bytes = encoder.encode(JSON.stringify(extras)).length;
  if (bytes > MAX_EXTRA_BYTES) return `must take at most ${MAX_EXTRA_BYTES} bytes of JSON, got ${bytes}`;
  return undefined;
}
