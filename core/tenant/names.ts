import * as z from 'zod';
import { CROCKFORD, crockfordText } from '../encoding/crockford.ts';
import { fitsPathSegment } from '../fields/path-segment.ts';
import { slugOf } from '../fields/slug.ts';
import { isVisible, UNSEEN_MESSAGE } from '../fields/visible-text.ts';
import type { RandomBytes } from '../ports/clock.ts';

export const MAX_TENANT_ID_LENGTH = 26;
/** Server-made; clients cannot choose one. */
export const TENANT_ID = new RegExp(`^[a-z0-9]{8,${MAX_TENANT_ID_LENGTH}}$`);

/** A tenant id in a request or an event. */
export const TenantId = z.string().regex(TENANT_ID, 'must be a tenant id');

/** The form of the ids that this platform creates, also in the ids that begin with another word (registration, realm). */
const ID_SHAPE = new RegExp(`^(?:reg-|tenant-)?[a-z0-9]{${MAX_TENANT_ID_LENGTH}}$`);

/** Whether the text has the form of an id that `newId` creates, in any case of letters. */
export function hasIdShape(text: string): boolean {
  return ID_SHAPE.test(text.trim().toLowerCase());
}

/** The longest name of a tenant, in UTF-16 units. */
export const MAX_TENANT_NAME_LENGTH = 63;

/** The name of a tenant that is registered. Earlier versions accepted names in the form of an id. */
export const RegisteredTenantName = z
  .string()
  .trim()
  .normalize('NFC')
  .refine((name) => name.length >= 2 && name.length <= MAX_TENANT_NAME_LENGTH, {
    error: `must have 2 to ${MAX_TENANT_NAME_LENGTH} characters`,
    abort: true,
  })
  .refine(isVisible, { error: UNSEEN_MESSAGE, abort: true })
  .refine((name) => slugOf(name) !== '', { error: 'must have a letter or digit', abort: true })
  .refine(fitsPathSegment, "must not contain '/', '\\' or '?'");

/**
 * The name of a new tenant: 2 to 63 visible characters of any script, with a letter or digit. As
 * `/tenant-config/{tenantName}` contains it, `fitsPathSegment` holds. A name in the form of an id is refused, so that no name
 * is taken for the id of another tenant.
 */
export const TenantName = RegisteredTenantName.refine(
  (name) => !hasIdShape(slugOf(name)),
  'must not have the form of an id, such as 26 letters and digits',
).meta({ description: '2 to 63 characters of any script, with a letter or digit.' });

/**
 * 26 characters of [0-9a-z]: 48 bits of time (so ids sort by creation) and 80 random bits, as a ULID in lower case.
 * @see https://github.com/ulid/spec
 */
export function newId(nowMs: number, random: RandomBytes): string {
  let time = '';
  for (let rest = nowMs, i = 0; i < 10; i++) {
    time = CROCKFORD[rest % 32] + time;
    rest = Math.floor(rest / 32);
  }
  return time + crockfordText(random(16));
}
