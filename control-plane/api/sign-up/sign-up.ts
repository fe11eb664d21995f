import { DomainError } from '../../../core/errors.ts';
import type { TenantRecord } from '../../../core/tenant/record.ts';
import { pause, withTimeout } from '../../../core/time/wait.ts';
import type { ControlPlaneDeps } from '../http/deps.ts';
import type { ApiResponse } from '../http/http.ts';
import { earlierAnswer, type Intent, intentOf, rememberWrites } from '../http/idempotency.ts';
import { type Route, route } from '../http/route.ts';
import { signUp } from '../http/schemas.ts';
import { newRecord, registerOnce, requirePassword } from '../tenants/register.ts';
import { nameTaken, tenantBySlug, tenantIdByEmail } from '../tenants/tenant-store.ts';

/** A signed-up company waits at most this long for its tenant. */
const MAX_WAIT_MS = 10_000;
/** Weight of the newest wait in the usual one. */
const SMOOTHING = 0.2;

/**
 * POST /onboarding. Whether an email is known shows in nothing: same answer, same hashing, a wait as long as the usual
 * one; its owner is told by mail instead.
 */
export function createSignUpRoute(): Route {
  /** What a sign-up usually waits for its tenant, in milliseconds. */
  let usualWaitMs = 50;

  async function waitFor(deps: ControlPlaneDeps, settled: Promise<void> | undefined): Promise<void> {
    if (!settled) return;
    const start = deps.clock.now();
    await withTimeout(deps.clock, MAX_WAIT_MS, settled, () => undefined);
    usualWaitMs += SMOOTHING * (deps.clock.now() - start - usualWaitMs);
  }

  /** As long as a real one, give or take a quarter. */
  async function pretendToWait(deps: ControlPlaneDeps): Promise<void> {
    if (!deps.settled) return;
    const share = (deps.random(1)[0] ?? 0) / 255;
    await pause(deps.clock, usualWaitMs * (0.75 + share / 2));
  }

  return route({
    method: 'POST',
    path: '/onboarding',
    access: { kind: 'public' },
    tag: 'Sign-up',
    summary: 'A company signs itself up for the basic tier and can sign in at once',
    body: signUp,
    limited: true,
    headers: [{ name: 'Idempotency-Key', description: 'The same key with the same body gets the first answer.' }],
    answer: { status: 201, description: '`{"tenant_id"}`' },
    async handle({ body, request }, deps) {
      const tooEarly = refuseTooMany(deps, request.headers['x-forwarded-for']);
      if (tooEarly) return tooEarly;
      requirePassword('password', body.password);
      const { password, ...content } = body;
      const intent = intentOf(request.headers['idempotency-key'], 'sign-up', content);
      const earlier = await earlierAnswer(deps, intent);
      if (earlier) return earlier;

      const record = newRecord(deps, {
        tenantName: body.tenant_name,
        email: body.email,
        tier: 'basic',
        tenantExtras: {},
        registrationExtras: {},
        statusGiven: true,
      });
      if (await tenantBySlug(deps, record.slug)) throw nameTaken(record.tenantName);
      // Hashing is most of the time a sign-up takes, so it comes before the question whether the email is known.
      await deps.identity.stagePassword(record.tenantId, record.email, password);
      const settled = deps.settled?.(record.tenantId);
      const answer: ApiResponse = { status: 201, body: { tenant_id: record.tenantId } };
      const known = await isKnown(deps, record.email);
      if (!known) {
        const created = await createUnlessKnown(deps, record, intent, answer);
        if (created) {
          await waitFor(deps, created === answer ? settled : undefined);
          return created;
        }
      }
      return answerAsIfNew(deps, record, intent, answer);
    },
  });

  async function answerAsIfNew(
    deps: ControlPlaneDeps,
    record: TenantRecord,
    intent: Intent | undefined,
    answer: ApiResponse,
  ): Promise<ApiResponse> {
    tellOwner(deps, record);
    await deps.table.transact(rememberWrites(deps, intent, answer));
    await pretendToWait(deps);
    return answer;
  }
}

async function isKnown(deps: ControlPlaneDeps, email: string): Promise<boolean> {
  return (await tenantIdByEmail(deps, email)) !== undefined || (await deps.identity.emailTaken('pool', email));
}

/** @returns undefined if the email was taken in this very moment. Throws CONFLICT for a taken name. */
async function createUnlessKnown(
  deps: ControlPlaneDeps,
  record: TenantRecord,
  intent: Intent | undefined,
  answer: ApiResponse,
): Promise<ApiResponse | undefined> {
  try {
    return await registerOnce(deps, record, true, intent, answer);
  } catch (error) {
    const taken = error instanceof DomainError && error.code === 'CONFLICT';
    if (taken && (await tenantIdByEmail(deps, record.email)) !== undefined) return undefined;
    throw error;
  }
}

/** The caller's address as the platform's own front door saw it: the last hop's word, not the client's. */
function refuseTooMany(deps: ControlPlaneDeps, forwardedFor: string | undefined): ApiResponse | undefined {
  const address = forwardedFor?.split(',').at(-1)?.trim() || 'unknown';
  const seconds = deps.signUpLimiter.take(address);
  if (seconds === 0) return undefined;
  return { status: 429, headers: { 'retry-after': String(seconds) }, body: { message: 'Too Many Requests' } };
}

/** Not waited for: the time a mail takes would tell. */
function tellOwner({ mailer, log, appUrl }: ControlPlaneDeps, { email, tenantName }: TenantRecord): void {
  const text = [
    `Somebody, perhaps you, tried to sign up '${tenantName}' with this address.`,
    'It belongs to an account already, so nothing was created.',
    `Sign in at ${appUrl}. If this was not you, there is nothing to do.`,
  ].join('\n\n');
  mailer.send({ to: email, subject: 'You have an account already', text }).catch((error: unknown) => {
    log.warn({ err: error }, 'mail to the owner of a known address failed');
  });
}
