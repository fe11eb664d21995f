import * as z from 'zod';
import { isDomainError } from '../../../core/errors.ts';
import { Email } from '../../../core/fields/email.ts';
import { fold } from '../../../core/fields/user-name.ts';
import { clientGroup, UNKNOWN_ADDRESS } from '../../../core/http/client-address.ts';
import { forwardedAddress } from '../../../core/http/forwarded-address.ts';
import type { Intent } from '../../../core/http/idempotency.ts';
import type { Write } from '../../../core/ports/table.ts';
import { chanceOf } from '../../../core/retry/back-off.ts';
import { TenantName } from '../../../core/tenant/names.ts';
import type { TenantRecord } from '../../../core/tenant/record.ts';
import { signUpTier } from '../../../core/tier/tiers.ts';
import { pause, withTimeout } from '../../../core/time/wait.ts';
import type { ControlPlaneDeps } from '../http/deps.ts';
import { earlierResult, IDEMPOTENCY_HEADER, intentOf, resultWrites } from '../http/idempotency.ts';
import { type ControlPlaneOperation, operation, PUBLIC, refusal, tooMany } from '../http/operation.ts';
import { isEmailOfUser, newRecord, refuseReservedName, registerOnce, requirePassword } from '../tenants/register.ts';
import { nameTaken, tenantBySlug, tenantIdByEmail } from '../tenants/tenant-store.ts';

/** The longest wait of a signed-up company for its tenant. */
const MAX_WAIT_MS = 10_000;
/** A name, an email and a password; strangers send these bodies. */
const MAX_SIGN_UP_BYTES = 16 * 1024;
/** Weight of the latest wait in the moving average of waits. */
const SMOOTHING = 0.2;

const SignUp = z
  .strictObject({ tenant_name: TenantName, email: Email, password: z.string().meta({ writeOnly: true }) })
  .meta({ id: 'SignUp' });

const SignedUp = z.object({ tenant_id: z.string() }).meta({ id: 'SignedUp' });
type SignedUp = z.output<typeof SignedUp>;

/** One sign-up on its way. */
interface Attempt {
  readonly record: TenantRecord;
  readonly intent: Intent | undefined;
  readonly result: SignedUp;
  /** Stages the password for the tenant's administrator. */
  readonly staged: Write;
}

/**
 * POST /onboarding. It never reveals whether an email is known (docs/decisions/0003): a known email gets the same
 * response after the same hashing and a wait of the usual length, and a mail to its owner.
 */
export function createSignUp(): ControlPlaneOperation {
  /** Moving average of how long sign-ups wait for their tenant, in milliseconds. */
  let usualWaitMs = 50;

  async function waitFor(deps: ControlPlaneDeps, completion: Promise<void> | undefined): Promise<void> {
    if (!completion) return;
    const start = deps.clock.monotonic();
    await withTimeout(deps.clock, MAX_WAIT_MS, completion, () => undefined);
    usualWaitMs += SMOOTHING * (deps.clock.monotonic() - start - usualWaitMs);
  }

  /** Waits as long as a real sign-up does, plus or minus a quarter. */
  async function pretendToWait(deps: ControlPlaneDeps): Promise<void> {
    if (!deps.completion) return;
    await pause(deps.clock, usualWaitMs * (0.75 + chanceOf(deps.random) / 2));
  }

  async function respondAsIfNew(deps: ControlPlaneDeps, { record, intent, result }: Attempt): Promise<SignedUp> {
    notifyOwner(deps, record);
    await deps.table.transact(resultWrites(deps, intent, result));
    await pretendToWait(deps);
    return result;
  }

  async function signUp(deps: ControlPlaneDeps, attempt: Attempt): Promise<SignedUp> {
    const { record, result } = attempt;
    const completion = deps.completion?.(record.tenantId);
    const created = (await isKnown(deps, record)) ? undefined : await createUnlessKnown(deps, attempt);
    if (!created) return respondAsIfNew(deps, attempt);
    await waitFor(deps, created === result ? completion : undefined);
    return created;
  }

  return operation({
    id: 'signUp',
    method: 'POST',
    path: '/onboarding',
    access: PUBLIC,
    tag: 'Sign-up',
    summary: 'Sign up a company; its user can sign in at once',
    headers: IDEMPOTENCY_HEADER,
    body: SignUp,
    maxBodyBytes: MAX_SIGN_UP_BYTES,
    responses: {
      201: { description: 'The company is signed up.', body: SignedUp },
      409: refusal('The name is taken.'),
      429: tooMany('Too many requests from this address.'),
    },
    admit({ request }, deps) {
      const seconds = deps.signUpLimiter.take(
        clientGroup(forwardedAddress(request.headers['x-forwarded-for']) ?? UNKNOWN_ADDRESS),
      );
      if (seconds === 0) return undefined;
      return {
        status: 429 as const,
        headers: { 'retry-after': String(seconds) },
        body: { message: 'Too Many Requests' },
      };
    },
    async handle({ body, headers }, deps) {
      refuseReservedName(deps, body.tenant_name, ['body', 'tenant_name']);
      requirePassword('password', body.password);
      const { password, ...content } = body;
      // Scoped to the company, because two companies may send the same key.
      const intent = intentOf(headers['idempotency-key'], `sign-up ${fold(body.email)}`, content);
      const earlier = await earlierResult<SignedUp>(deps, intent);
      if (earlier) return { status: 201, body: earlier };

      const record = newSignUp(deps, body);
      if (await tenantBySlug(deps, record.slug)) throw nameTaken(record.tenantName);
      // Hashing takes most of the time of a sign-up, so known emails are hashed, too.
      const staged = await deps.administrators.identity.stagedPassword(record.tenantId, record.email, password);
      const attempt = { record, intent, result: { tenant_id: record.tenantId }, staged };
      return { status: 201, body: await signUp(deps, attempt) };
    },
  });
}

function newSignUp(deps: ControlPlaneDeps, { tenant_name, email }: z.output<typeof SignUp>): TenantRecord {
  return newRecord(deps, {
    tenantName: tenant_name,
    email,
    tier: signUpTier(deps.operator.tiers),
    tenantExtras: {},
    registrationExtras: {},
    statusGiven: true,
  });
}

async function isKnown(deps: ControlPlaneDeps, record: TenantRecord): Promise<boolean> {
  return (await tenantIdByEmail(deps, record.email)) !== undefined || isEmailOfUser(deps, record);
}

/** @returns undefined if the email was taken since `isKnown` looked. Throws CONFLICT for a taken name. */
async function createUnlessKnown(
  deps: ControlPlaneDeps,
  { record, intent, result, staged }: Attempt,
): Promise<SignedUp | undefined> {
  try {
    return await registerOnce(deps, { record, statusGiven: true, intent, result, staged });
  } catch (error) {
    const taken = isDomainError(error, 'CONFLICT');
    if (taken && (await tenantIdByEmail(deps, record.email)) !== undefined) return undefined;
    throw error;
  }
}

/** Sends the mail without waiting for it, as the time it takes would reveal that the email is known. */
function notifyOwner(deps: ControlPlaneDeps, { email, tenantName }: TenantRecord): void {
  const { mailer, mailLimits, log, appUrl } = deps;
  const text = [
    `Someone, perhaps you, tried to sign up '${tenantName}' with this address.`,
    'The address belongs to an account already, so nothing was created.',
    `Sign in at ${appUrl}. If this was not you, you can ignore this mail.`,
  ].join('\n\n');
  const notSent = (error: unknown): void => log.warn({ err: error }, 'mail to the owner of a known address failed');
  try {
    mailLimits.take({ to: email });
    mailer.send({ to: email, subject: 'You have an account already', text }).catch(notSent);
  } catch (error) {
    // The owner has got many of these mails. The response stays the same.
    notSent(error);
  }
}
