import { BoundedStates } from '../../collections/bounded-states.ts';
import { DomainError } from '../../errors.ts';
import { fold } from '../../fields/user-name.ts';
import type { Clock } from '../../ports/clock.ts';
import { type Bucket, fullBucket, giveBack, hasToken, isFull, secondsToToken, take } from '../../usage/bucket.ts';

/** How many mails may be sent: `burst` at once, then `perHour`. */
export interface MailRate {
  readonly perHour: number;
  readonly burst: number;
}

export interface MailRates {
  /** For the mails that one tenant causes. */
  readonly perTenant: MailRate;
  /** For the mails to one address, regardless of which tenant causes them. */
  readonly perRecipient: MailRate;
}

export const DEFAULT_MAIL_RATES: MailRates = {
  perTenant: { perHour: 100, burst: 100 },
  perRecipient: { perHour: 10, burst: 10 },
};

/** Limits the mails that users cause: invitations, links for forgotten passwords, notices about sign-ups. */
export interface MailLimits {
  /**
   * Takes one mail. Call it before the mail is queued.
   * @returns a function that returns the mail, because it was not sent. Throws TOO_MANY with `retryAfter`, and takes
   * nothing, if the tenant has caused too many mails or the recipient has got too many.
   */
  take(mail: LimitedMail): () => void;
}

export interface LimitedMail {
  readonly to: string;
  /** The tenant that causes the mail. @default - none: only the limit of the recipient applies */
  readonly tenantId?: string | undefined;
}

/** Tenants, and recipients, with a bucket of their own; others share buckets. */
const CAPACITY = 20_000;
const SHARED = 1_024;

/** The limits are in memory, so a restart of the platform, which only its operator can cause, resets them. */
export function createMailLimits(clock: Pick<Clock, 'monotonic'>, rates: MailRates = DEFAULT_MAIL_RATES): MailLimits {
  const tenants = createBuckets(clock, rates.perTenant);
  const recipients = createBuckets(clock, rates.perRecipient);

  return {
    take({ to, tenantId }) {
      const recipient = recipients(fold(to));
      requireToken(recipient, 'this address has got too many mails');
      const tenant = tenantId === undefined ? undefined : tenants(tenantId);
      if (tenant) requireToken(tenant, 'the tenant has sent too many mails');
      const taken = tenant ? [recipient, tenant] : [recipient];
      for (const one of taken) one.take();
      return () => {
        for (const one of taken) one.giveBack();
      };
    },
  };
}

/**
 * Runs what queues a mail, and returns the mail to the limits if that fails. Throws TOO_MANY.
 * @param limits undefined: no limit
 */
export async function underMailLimits<T>(
  limits: MailLimits | undefined,
  mail: LimitedMail,
  run: () => Promise<T>,
): Promise<T> {
  const giveBack = limits?.take(mail);
  try {
    return await run();
  } catch (error) {
    giveBack?.();
    throw error;
  }
}

/** Throws TOO_MANY. */
function requireToken({ waitSeconds }: MailBucket, reason: string): void {
  if (waitSeconds === 0) return;
  const message = `${reason}; try again in ${waitSeconds} seconds`;
  throw new DomainError('TOO_MANY', message, { retryAfter: waitSeconds });
}

interface MailBucket {
  /** Whole seconds until `take` may be called; 0 is now. */
  readonly waitSeconds: number;
  take(): void;
  giveBack(): void;
}

function createBuckets(clock: Pick<Clock, 'monotonic'>, { perHour, burst }: MailRate): (key: string) => MailBucket {
  const plan = { rate: perHour / 3_600, burst };
  const buckets = new BoundedStates<Bucket>({
    capacity: CAPACITY,
    shared: SHARED,
    create: () => fullBucket(plan, clock.monotonic()),
    isIdle: (bucket, now) => isFull(bucket, plan, now),
  });
  return (key) => {
    const now = clock.monotonic();
    const bucket = buckets.of(key, now);
    return {
      waitSeconds: hasToken(bucket, plan, now) ? 0 : secondsToToken(bucket, plan, now),
      take: () => void take(bucket, plan, now),
      giveBack: () => giveBack(bucket, plan),
    };
  };
}
