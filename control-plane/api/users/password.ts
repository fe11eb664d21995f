import * as z from 'zod';
import { DomainError } from '../../../core/errors.ts';
import { LOCAL_CREDENTIAL, SCOPES } from '../../../core/identity/issuers.ts';
import { nameOf, type Principal } from '../http/http.ts';
import { type ControlPlaneOperation, canWrite, done, operation, refusal } from '../http/operation.ts';

const NewPassword = z.strictObject({ password: z.string().meta({ writeOnly: true }) }).meta({ id: 'NewPassword' });

/** Throws FORBIDDEN unless the caller has the credential that only the platform's own machine stores. */
function requireLocal(principal: Principal): void {
  if (nameOf(principal) === LOCAL_CREDENTIAL) return;
  throw new DomainError('FORBIDDEN', "only the platform's own machine may set a password");
}

/** For a system user who cannot receive mail. Only the command line on the platform's own machine can set the password. */
export const PASSWORD_OPERATIONS: readonly ControlPlaneOperation[] = [
  operation({
    id: 'setSystemUserPassword',
    method: 'PUT',
    path: '/users/{userName}/password',
    access: canWrite(SCOPES.userWrite),
    tag: 'System users',
    summary: "Set a system user's password, with the credential of the platform's own machine only",
    body: NewPassword,
    responses: {
      200: done('The password is set. All sessions and tokens of the user have ended.'),
      404: refusal('No system user has this name.'),
    },
    async handle({ params: { userName }, body, principal }, { identity, log }) {
      requireLocal(principal);
      await identity.setPassword('admin', userName, body.password);
      log.info({ by: nameOf(principal) }, 'password of a system user set');
      return { status: 200, body: { message: 'Password set' } };
    },
  }),
];
