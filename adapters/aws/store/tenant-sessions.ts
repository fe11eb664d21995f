import { AssumeRoleCommand, type STSClient } from '@aws-sdk/client-sts';
import { Lru } from '../../../core/collections/lru.ts';
import { DomainError } from '../../../core/errors.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import { TENANT_ID, TENANT_TAG } from '../../../core/tenant/ids.ts';
import { asDomainError } from './errors.ts';

/** Temporary credentials that reach the data of one tenant. Never log them. */
export interface TenantSession {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
}

/**
 * The session of a tenant. Throws FORBIDDEN if the task must not act for the tenant, UNAVAILABLE if STS or the task's own
 * credentials are not available, INVALID for a text that is not a tenant id.
 */
export type TenantSessions = (tenantId: string) => Promise<TenantSession>;

/** The longest session that a role may start which was itself assumed, as a task's role is. */
const SESSION_SECONDS = 3_600;

/**
 * Starts a session with each call.
 * @param roleArn the data role. Its policy limits a session to the keys of the tenant in the session's tag
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
 */
export function createSessionStart(sts: STSClient, roleArn: string): TenantSessions {
  return async (tenantId) => {
    // In the policy's pattern, a character such as '*' in the tag could stand for other tenants.
    if (!TENANT_ID.test(tenantId)) {
      throw new DomainError('INVALID', `the tenantId of a session must match ${TENANT_ID.source}`);
    }
    const command = new AssumeRoleCommand({
      RoleArn: roleArn,
      RoleSessionName: tenantId,
      DurationSeconds: SESSION_SECONDS,
      Tags: [{ Key: TENANT_TAG, Value: tenantId }],
    });
    const { Credentials } = await sts.send(command).catch(fail);
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
    if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration) {
      throw new DomainError('UNAVAILABLE', 'STS must return the credentials of a session, got none');
    }
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
      expiration: Expiration,
    };
  };
}

function fail(cause: unknown): never {
  if (cause instanceof Error && cause.name === 'AccessDenied') {
    throw new DomainError('FORBIDDEN', 'this task must not act for the tenant', { cause });
  }
  throw asDomainError('STS', cause);
}

/** A session is renewed this long before it expires, while requests still use it. */
const RENEW_BEFORE_MS = 60_000;
/** No request uses a session this long before it expires, so that it outlives the requests that it signs. */
const MARGIN_MS = 10_000;
/** After a failed renewal, the next attempt comes no sooner. */
const RETRY_MS = 5_000;

interface Held {
  readonly session: TenantSession;
  /** Epoch milliseconds of the next attempt to renew it. */
  renewAt: number;
}

/**
 * Keeps sessions until they expire: one call of `start` per tenant and hour, whatever the number of requests. Requests that
 * need a session at the same time share the call. While a renewal fails, requests use the old session until it expires.
 *
 * @param options.capacity most tenants whose sessions are kept, about 1.5 KB each. @default 1000
 */
export function cacheSessions(
  start: TenantSessions,
  { clock, capacity = 1_000 }: { readonly clock: Pick<Clock, 'now'>; readonly capacity?: number },
): TenantSessions {
  const held = new Lru<Held>(capacity);
  const inFlight = new Map<string, Promise<TenantSession>>();

  function renew(tenantId: string): Promise<TenantSession> {
    const running = inFlight.get(tenantId);
    if (running) return running;
    const starting = start(tenantId)
      .then((session) => {
        held.set(tenantId, { session, renewAt: session.expiration.getTime() - RENEW_BEFORE_MS });
        return session;
      })
      .finally(() => inFlight.delete(tenantId));
    inFlight.set(tenantId, starting);
    return starting;
  }

  return async (tenantId) => {
    const known = held.get(tenantId);
    const now = clock.now();
    if (!known || now >= known.session.expiration.getTime() - MARGIN_MS) return renew(tenantId);
    if (now >= known.renewAt) {
      known.renewAt = now + RETRY_MS;
      // No request waits for it. If it keeps failing, the request that finds the session expired reports why.
      renew(tenantId).catch(() => undefined);
    }
    return known.session;
  };
}
