import * as z from 'zod';
import { Email } from '../../../core/fields/email.ts';
import { ownUserName, Role, UserName } from '../../../core/fields/user-name.ts';
import type { ResponseBody } from '../../../core/http/operation.ts';
import { pageOf } from '../../../core/http/page.ts';
import { pageQueryUpTo } from '../http/fields.ts';

export const NewSystemUser = z
  .strictObject({ userName: UserName, userRole: Role, email: Email })
  .superRefine(ownUserName)
  .meta({ id: 'NewSystemUser' });
export const SystemUserChange = z.strictObject({ userRole: Role, email: Email }).meta({ id: 'SystemUserChange' });
export const SystemUserQuery = pageQueryUpTo(60);

const SystemUser = z
  .object({
    userName: z.string(),
    userRole: z.string().describe('Only SystemAdmin may write.'),
    email: z.string(),
    status: z
      .enum(['CONFIRMED', 'FORCE_CHANGE_PASSWORD'])
      .describe('FORCE_CHANGE_PASSWORD until the user has replaced the temporary password.'),
    enabled: z.boolean(),
    created: z.string().describe('ISO 8601, UTC.'),
    modified: z.string().describe('ISO 8601, UTC.'),
  })
  .meta({ id: 'SystemUser' });
export type SystemUser = ResponseBody<typeof SystemUser>;

const ListedSystemUser = SystemUser.extend({
  user_name: z.string().describe('As userName.'),
  user_role: z.string().describe('As userRole.'),
}).meta({ id: 'ListedSystemUser', description: "A system user. SBT's clients read two of its names in snake case." });
export type ListedSystemUser = ResponseBody<typeof ListedSystemUser>;

export const SystemUserCreated = z
  .object({ data: z.object({ userName: z.string() }) })
  .meta({ id: 'SystemUserCreated' });
export const SystemUserResponse = z.object({ data: SystemUser }).meta({ id: 'SystemUserResponse' });
export const SystemUserList = pageOf(ListedSystemUser).meta({ id: 'SystemUserList' });
