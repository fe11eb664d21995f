import * as z from 'zod';
import { DomainError } from '../../../../core/errors.ts';
import { clientGroup } from '../../../../core/http/client-address.ts';
import { parsePart } from '../../../../core/http/parse.ts';
import type { Authorize } from '../../../../core/identity/authorize.ts';
import type { User } from '../../../../core/ports/identity.ts';
import { clientAddress, sendJson } from '../http/messages.ts';
import { readJson, sendError } from '../http/users-api.ts';
import type { EmbeddedIdentity } from '../identity.ts';
import type { Accounts } from './accounts.ts';
import type { RealmRequest } from './realm-request.ts';
import { activeCaller } from './user-info.ts';

export interface MeApiOptions {
  readonly identity: Pick<EmbeddedIdentity, 'setPassword' | 'endSessions'>;
  readonly accounts: Accounts;
  readonly authorize: Authorize;
}

const PasswordChange = z.strictObject({ oldPassword: z.string(), newPassword: z.string() });

/**
 * What users do with their own account by access token: `PUT /realms/<realm>/me/password` and
 * `DELETE /realms/<realm>/me/sessions`. Both end all sessions and tokens of the user, including the token of the request.
 */
export async function handleMe(
  options: MeApiOptions,
  { req, res, spec }: RealmRequest,
  path: 'password' | 'sessions',
): Promise<void> {
  const allow = path === 'password' ? 'PUT' : 'DELETE';
  if (req.method !== allow) return sendJson(res, 405, { message: 'Method Not Allowed' }, { allow });
  try {
    const { user } = (await activeCaller(options, spec, req.headers.authorization)).account;
    if (path === 'password') {
      const { oldPassword, newPassword } = parsePart(PasswordChange, await readJson(req), 'body');
      await requirePassword(options, { spec, user, client: clientGroup(clientAddress(req)) }, oldPassword);
      await options.identity.setPassword(spec.id, user.userName, newPassword);
    } else {
      await options.identity.endSessions(spec.id, user.userName);
    }
    sendJson(res, 204, undefined);
  } catch (error) {
    sendError(res, error);
  }
}

/** Under the limits of failed sign-ins. Throws INVALID for a wrong password, TOO_MANY. */
async function requirePassword(
  { accounts }: MeApiOptions,
  { spec, user, client }: { readonly spec: RealmRequest['spec']; readonly user: User; readonly client: string },
  password: string,
): Promise<void> {
  const check = await accounts.signIn(spec.id, user.userName, password, { group: client, deviceOf: () => undefined });
  if (check.outcome === 'signed-in') return;
  if (check.outcome === 'too-many') {
    throw new DomainError('TOO_MANY', 'too many failed attempts', { retryAfter: check.retryAfter });
  }
  const msg = 'must be the current password';
  const issues = [{ loc: ['body', 'oldPassword'], type: 'value_error', msg }];
  throw new DomainError('INVALID', `oldPassword ${msg}`, { issues });
}
