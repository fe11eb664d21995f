import * as z from 'zod';

/** Name of a tenant user. It is part of paths, so it has no character or form that servers and proxies read in different ways. */
export const TenantUserName = z
  .string()
  .max(254)
  .regex(/^(?!\.{1,2}$)[^\s\p{Cc}\p{Cs}/\\]+$/u, 'must have 1 to 254 characters, no spaces, slashes or backslashes');
