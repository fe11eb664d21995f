import * as z from 'zod';
import { fitsPathSegment } from '../fields/path-segment.ts';
import { slugOf } from '../fields/slug.ts';
import { isVisible, UNSEEN_MESSAGE } from '../fields/visible-text.ts';
import { hasIdShape, TENANT_ID } from './ids.ts';

/** A tenant id in a request or an event. */
export const TenantId = z.string().regex(TENANT_ID, 'must be a tenant id');

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
