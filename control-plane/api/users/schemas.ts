import * as z from 'zod';
import type { ResponseBody } from '../../../core/http/operation.ts';
import { pageOf } from '../../../core/http/page.ts';
import { email, pageQueryUpTo } from '../http/fields.ts';

const userName = z
  .string()
  .min(1, { error: 'must not be empty', abort: true })
  .max(128, 'must have at most 128 characters')
  .regex(/^[\p{L}\p{M}\p{S}\p{N}\p{P}]+$/u, 'must have no spaces or control characters')
  .refine((name) => !/^\.{1,2}$/.test(name), "must not be '.' or '..'");

const userRole = z
  .string()
  .min(1, { error: 'must not be empty', abort: true })
  .max(64, 'must have at most 64 characters')
  .regex(/^\P{C}+$/u, 'must have no control characters');

export const NewSystemUser = z.strictObject({ userName, userRole, email }).meta({ id: 'NewSystemUser' });
export const SystemUserChange = z.strictObject({ userRole, email }).meta({ id: 'SystemUserChange' });
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
