import * as z from 'zod';
import type { RealmId } from '../ports/identity.ts';

/** What the registry says of a caller now: the response to `GET /realms/<realm>/me`. */
export const FoundCaller = z.object({
  role: z.string(),
  /** Absent for system users. */
  tenantId: z.string().optional(),
});
export type FoundCaller = z.output<typeof FoundCaller>;

/**
 * The role that the registry has for the user of this token now, and the user's tenant.
 * Throws UNAUTHENTICATED if the user is disabled or unknown, or the tenant is not served; FORBIDDEN; UNAVAILABLE.
 */
export type CallerLookup = (caller: {
  readonly realm: RealmId;
  /** The caller's `Authorization` header. */
  readonly authorization: string;
  readonly requestId: string;
}) => Promise<FoundCaller>;
