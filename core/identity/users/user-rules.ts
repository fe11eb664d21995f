import * as z from 'zod';
import { DomainError, type FieldIssue } from '../../errors.ts';
import { Email } from '../../fields/email.ts';
import { ownUserName, Role, UserName } from '../../fields/user-name.ts';
import type { NewUser, RealmId, RealmSpec } from '../../ports/identity.ts';
import { checkPassword, minPasswordLength } from '../password-policy.ts';

const NewFields = z.object({ userName: UserName, email: Email, role: Role }).superRefine(ownUserName);
const Changes = z.object({ email: Email.exactOptional(), role: Role.exactOptional() });

/**
 * The user with its fields in the form that is stored. Throws INVALID, with an issue for each field that breaks a rule, or
 * if the realm does not hold the user's tenant.
 */
export function validUser(spec: RealmSpec, user: NewUser): NewUser {
  const { userName, email, role } = user;
  const fields = parsed(NewFields, { userName, email, role });
  const fits =
    spec.id === 'admin'
      ? user.tenantId === undefined
      : user.tenantId !== undefined && (spec.tenantId === undefined || spec.tenantId === user.tenantId);
  if (!fits)
    throw invalid([{ loc: ['body', 'tenantId'], type: 'value_error', msg: 'must be a tenant that the realm holds' }]);
  return { ...user, ...fields };
}

/** The given fields in the form that is stored. Throws INVALID, with an issue for each field that breaks a rule. */
export function validUserFields(fields: { email?: string; role?: string }): { email?: string; role?: string } {
  return parsed(Changes, fields);
}

function parsed<T>(schema: z.ZodType<T>, fields: object): T {
  const result = schema.safeParse(fields);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => ({
    loc: ['body', ...path.map(String)],
    type: 'value_error',
    msg: message,
  }));
  throw invalid(issues);
}

/** Throws INVALID for a password that is too weak for the realm. The message does not contain the password. */
export function requireStrongPassword(realm: RealmId, password: string): void {
  const broken = checkPassword(password, minPasswordLength(realm));
  if (broken.length === 0) return;
  throw invalid(broken.map((msg) => ({ loc: ['body', 'password'], type: 'value_error', msg: `the password ${msg}` })));
}

/** The error for a user name or email that another user has. */
export function userTaken(field: 'userName' | 'email', cause?: unknown): DomainError {
  const what = field === 'email' ? 'email' : 'user name';
  return new DomainError('CONFLICT', `the ${what} is taken`, {
    cause,
    issues: [{ loc: ['body', field], type: 'conflict', msg: `the ${what} is taken` }],
  });
}

function invalid(issues: readonly FieldIssue[]): DomainError {
  const message = issues.map(({ loc, msg }) => `${loc.slice(1).join('.')}: ${msg}`).join('; ');
  return new DomainError('INVALID', message, { issues });
}
