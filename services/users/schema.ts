import * as z from 'zod';
import { Email } from '../../core/fields/email.ts';
import { ownUserName, UserName } from '../../core/fields/user-name.ts';
import { pageOf } from '../../core/http/page.ts';
import { ListQuery } from '../kit/paging.ts';

const Role = z.enum(['TenantAdmin', 'TenantUser']);

/** A user to invite. The tenant is always that of the caller, so it is not a field. */
export const NewUser = z
  .strictObject({
    email: Email.describe('Address of the invitation.'),
    userName: UserName.optional().describe('Name to sign in with. Default: the email.'),
    role: Role.default('TenantUser'),
  })
  .superRefine(ownUserName)
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
    status: z
      .string()
      .optional()
      .describe('FORCE_CHANGE_PASSWORD until the user has replaced the temporary password, then CONFIRMED.'),
    created: z.string().describe('ISO 8601, UTC.'),
  })
  .meta({ id: 'User', description: 'A user of a tenant.' });
export type User = z.output<typeof User>;

export const UserPage = pageOf(User).meta({ id: 'UserPage' });
export const UserQuery = ListQuery;
