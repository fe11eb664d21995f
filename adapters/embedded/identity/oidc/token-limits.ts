import type { IncomingMessage, ServerResponse } from 'node:http';
import { clientGroup } from '../../../../core/http/client-address.ts';
import { type AttemptKey, createAttemptLimiter } from '../../../../core/identity/attempts.ts';
import { CREDENTIAL_PREFIX, LOCAL_CREDENTIAL } from '../../../../core/identity/issuers.ts';
import type { Clock } from '../../../../core/ports/clock.ts';
import { createRateLimiter, type RateLimit } from '../../../../core/usage/rate-limiter.ts';
import { clientAddress } from '../http/messages.ts';

/** Wrong secrets within 5 minutes. A secret has 256 random bits, so the limits bound work and log lines, not guesses. */
const WINDOW_MS = 5 * 60_000;
const MAX_PER_CREDENTIAL_AND_CLIENT = 20;
const MAX_PER_CLIENT = 80;
const CREDENTIAL = new RegExp(`^${CREDENTIAL_PREFIX}[a-z0-9]{1,40}$`);

/**
 * Requests for tokens, from one client: each takes a signature and a commit. Users behind one address refresh their tokens
 * every ten minutes, so this is enough for 30,000 of them.
 */
const TOKENS: RateLimit = { perMinute: 3_000, burst: 500, maxKeys: 20_000 };

export interface TokenLimits {
  /**
   * Takes a request to the token endpoint, and an attempt if it has a client secret. The response returns the attempt
   * unless the secret was wrong. The command line's own credential on this machine has no limit, so that nobody can lock
   * the operator out.
   * @returns 0, or the seconds to wait
   */
  take(req: IncomingMessage, res: ServerResponse): number;
}

export function createTokenLimits({ clock }: { readonly clock: Pick<Clock, 'monotonic'> }): TokenLimits {
  const attempts = createAttemptLimiter({ clock, windowMs: WINDOW_MS });
  const tokens = createRateLimiter(clock, TOKENS);
  return {
    take(req, res) {
      const clientId = basicUserOf(req.headers.authorization);
      if (clientId === LOCAL_CREDENTIAL) return 0;
      const client = clientGroup(clientAddress(req));
      const seconds = tokens.take(client);
      if (seconds > 0 || clientId === undefined) return seconds;
      const keys = attemptKeys(clientId, client);
      if (!attempts.take(keys)) return WINDOW_MS / 1_000;
      res.once('finish', () => res.statusCode !== 401 && attempts.giveBack(keys));
      return 0;
    },
  };
}

function attemptKeys(clientId: string, client: string): readonly AttemptKey[] {
  const total = { key: `client ${client}`, max: MAX_PER_CLIENT };
  if (!CREDENTIAL.test(clientId)) return [total];
  return [total, { key: `credential ${clientId} ${client}`, max: MAX_PER_CREDENTIAL_AND_CLIENT }];
}

/** The user of `Authorization: Basic`, which is the client id (RFC 6749, 2.3.1), or undefined. */
function basicUserOf(authorization: string | undefined): string | undefined {
  const [, encoded] = /^Basic +([\w+/=-]+)$/i.exec(authorization ?? '') ?? [];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('latin1').split(':', 1)[0];
}
