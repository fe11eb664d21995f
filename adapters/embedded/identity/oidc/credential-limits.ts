import type { IncomingMessage, ServerResponse } from 'node:http';
import { clientGroup } from '../../../../core/http/client-address.ts';
import { createAttemptLimiter } from '../../../../core/identity/attempts.ts';
import { CREDENTIAL_PREFIX, LOCAL_CREDENTIAL } from '../../../../core/identity/issuers.ts';
import type { Clock } from '../../../../core/ports/clock.ts';
import { clientAddress } from '../http/messages.ts';

/** Wrong secrets within 5 minutes. A secret has 256 random bits, so the limits bound work and log lines, not guesses. */
const WINDOW_MS = 5 * 60_000;
const MAX_PER_CREDENTIAL_AND_CLIENT = 20;
const MAX_PER_CLIENT = 80;
const CREDENTIAL = new RegExp(`^${CREDENTIAL_PREFIX}[a-z0-9]{1,40}$`);

export interface CredentialLimits {
  /**
   * Takes an attempt of a request with a client secret. The response returns it unless the secret was wrong. The command
   * line's own credential on this machine has no limit, so that nobody can lock the operator out.
   * @returns false if there are none left
   */
  admit(req: IncomingMessage, res: ServerResponse): boolean;
}

export function createCredentialLimits(options: { readonly clock: Pick<Clock, 'monotonic'> }): CredentialLimits {
  const attempts = createAttemptLimiter({ clock: options.clock, windowMs: WINDOW_MS });
  return {
    admit(req, res) {
      const clientId = basicUserOf(req.headers.authorization);
      if (clientId === undefined || clientId === LOCAL_CREDENTIAL) return true;
      const client = clientGroup(clientAddress(req));
      const keys = [
        { key: `client ${client}`, max: MAX_PER_CLIENT },
        ...(CREDENTIAL.test(clientId)
          ? [{ key: `credential ${clientId} ${client}`, max: MAX_PER_CREDENTIAL_AND_CLIENT }]
          : []),
      ];
      if (!attempts.take(keys)) return false;
      res.once('finish', () => res.statusCode !== 401 && attempts.giveBack(keys));
      return true;
    },
  };
}

/** The user of `Authorization: Basic`, which is the client id (RFC 6749, 2.3.1), or undefined. */
function basicUserOf(authorization: string | undefined): string | undefined {
  const [, encoded] = /^Basic +([\w+/=-]+)$/i.exec(authorization ?? '') ?? [];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('latin1').split(':', 1)[0];
}
