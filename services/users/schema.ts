import * as z from 'zod';
import { ListQuery, pageOf } from '../kit/paging.ts';

/** It stands in paths, where some characters and names are read in more than one way. */
const UserName = z
  .string()
  .max(254)
  .regex(/^(?!\.{1,2}$)[^\s\p{Cc}\p{Cs}/\\]+$/u, 'must have 1 to 254 characters, no spaces, slashes or backslashes');
const Role = z.enum(['TenantAdmin', 'TenantUser']);

/** What an admin says of somebody to invite. The tenant is the admin's own, never a field. */
export const NewUser = z
  .strictObject({
    email: z.email().max(254).describe('Where the invitation goes.'),
    userName: UserName.optional().describe('To sign in with; the email where it is left out.'),
    role: Role.default('TenantUser'),
  })
  .meta({ id: 'NewUser' });
export type NewUser = z.output<typeof NewUser>;

export const UserUpdate = z.strictObject({ role: Role, enabled: z.boolean() }).meta({ id: 'UserUpdate' });
export const UserChange = UserUpdate.partial().meta({ id: 'UserChange' });
export type UserChange = z.output<typeof UserChange>;

export const User = z
  .object({
    userName: z.string(),
    email: z.string(),
    role: z.string(),
    enabled: z.boolean(),
    status: z.string().optional().describe('FORCE_CHANGE_PASSWORD until the invitation is taken up, then CONFIRMED.'),
    created: z.string().describe('ISO 8601, UTC.'),
  })
  .meta({ id: 'User', description: 'Somebody who may sign in to a tenant.' });
export type User = z.output<typeof User>;

export const UserPage = pageOf(User);
export const UserParams = z.object({ userName: z.string().min(1).max(320) });
export const UserQuery = ListQuery;
