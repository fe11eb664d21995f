/** Keys of `tenantData` and `tenantRegistrationData` that only the platform sets; from a client each is refused. */
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

/** The tenant's own fields: as keys of `tenantRegistrationData` they would hide the real ones in SBT's events. */
export const TENANT_FIELDS = ['tenantName', 'email', 'tier'] as const;

/** Most keys of the customer's own in each of the two objects. */
export const MAX_EXTRA_KEYS = 32;
/** Most bytes of JSON the customer's own keys take in each of the two objects. */
export const MAX_EXTRA_BYTES = 8 * 1024;

const encoder = new TextEncoder();

/** @returns the limit that `extras` break, in words; undefined where they are fine */
export function checkExtras(extras: object): string | undefined {
  const count = Object.keys(extras).length;
  if (count > MAX_EXTRA_KEYS) return `must have at most ${MAX_EXTRA_KEYS} keys of the customer's own, got ${count}`;
  const bytes = encoder.encode(JSON.stringify(extras)).length;
  if (bytes > MAX_EXTRA_BYTES) return `must take at most ${MAX_EXTRA_BYTES} bytes of JSON, got ${bytes}`;
  return undefined;
}
