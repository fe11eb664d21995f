import * as z from 'zod';
import { DomainError, type FieldIssue } from '../../errors.ts';
import type { NewUser, RealmId, RealmSpec } from '../../ports/identity.ts';
import { checkPassword, MIN_ADMIN_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from '../password-policy.ts';

/** Cognito accepts up to 128 characters. */
const UserName = z.string().regex(/^[^\s\p{Cc}]{1,128}$/u, 'must have 1 to 128 characters and no spaces');
const Email = z.email('must be an email address').max(254);
const Role = z
  .string()
  .max(64)
  .regex(/^[^\p{Cc}]+$/u, 'must have 1 to 64 characters');

/** Throws INVALID, with an issue for each field that breaks a rule, or if the realm does not hold the user's tenant. */
export function requireUser(spec: RealmSpec, user: NewUser): void {
  requireUserFields({ userName: user.userName, email: user.email, role: user.role });
  const fits =
    spec.id === 'admin'
      ? user.tenantId === undefined
      : user.tenantId !== undefined && (spec.tenantId === undefined || spec.tenantId === user.tenantId);
  if (!fits)
    throw invalid([{ loc: ['body', 'tenantId'], type: 'value_error', msg: 'must be a tenant that the realm holds' }]);
}

/** Throws INVALID, with an issue for each given field that breaks a rule. */
export function requireUserFields(fields: { userName?: string; email?: string; role?: string }): void {
  const parsed = z.object({ userName: UserName, email: Email, role: Role }).partial().safeParse(fields);
  if (parsed.success) return;
  const issues = parsed.error.issues.map(({ path, message }) => ({
    loc: ['body', ...path.map(String)],
    type: 'value_error',
    msg: message,
  }));
  throw invalid(issues);
}

/** Throws INVALID for a password that is too weak for the realm. The message does not contain the password. */
export function requireStrongPassword(realm: RealmId, password: string): void {
  const broken = checkPassword(password, realm === 'admin' ? MIN_ADMIN_PASSWORD_LENGTH : MIN_PASSWORD_LENGTH);
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
