import { openMailer } from '../../../adapters/embedded/mail/mailer.ts';
import { systemRandom } from '../../../adapters/shared/clock.ts';
import { createControlPlane } from '../../../control-plane/api/control-plane.ts';
import type { ComputeDeps, LocalDeps, OperatorDeps } from '../../../control-plane/api/http/deps.ts';
import type { Principal } from '../../../control-plane/api/http/http.ts';
import { LOCAL_OPERATIONS } from '../../../control-plane/api/local-operations.ts';
import { OUTBOX } from '../../../core/events/outbox-partitions.ts';
import { mismatchOf } from '../../../core/http/check-response.ts';
import { SCOPES } from '../../../core/identity/issuers.ts';
import { createMailLimits } from '../../../core/identity/users/mail-limits.ts';
import { createUserStore } from '../../../core/identity/users/user-store.ts';
import type { Envelope } from '../../../core/ports/event-bus.ts';
import type { Step } from '../../../core/progress/step.ts';
import { createRateLimiter } from '../../../core/usage/rate-limiter.ts';
import { TIERS } from '../../../tenant-templates/tiers.ts';
import type { ManualClock } from '../../support/manual-clock.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { openScratchTable } from '../../support/scratch-table.ts';
import { ServiceCredentials } from '../../support/service-credentials.ts';
import type { Body } from './home.ts';

export const ADMIN: Principal = {
  ...{ kind: 'user', userName: 'root', role: 'SystemAdmin', scopes: Object.values(SCOPES), basis: [] },
};

export interface LightCall {
  /** @default ADMIN */
  readonly principal?: Principal;
  readonly headers?: Record<string, string>;
  readonly query?: Record<string, string>;
}

/**
 * The control plane's API without HTTP and without sign-in, over a table, the user store and the mailbox. It starts in a
 * few milliseconds. Each response is compared with its declaration.
 */
export interface LightHome extends AsyncDisposable {
  readonly deps: LocalDeps;
  readonly clock: ManualClock;
  readonly credentials: ServiceCredentials;
  readonly logged: string[];
  call(method: string, path: string, body?: unknown, options?: LightCall): Promise<{ status: number; body: Body }>;
  /** Events that no publisher has taken yet, oldest first. */
  outbox(): Promise<Envelope[]>;
  mails(): Promise<readonly { readonly to: string; readonly subject: string; readonly text: string }[]>;
}

/** @param steps the steps of every tenant's current run */
export async function startLightHome(steps: readonly Step[] = []): Promise<LightHome> {
  const { table, clock, close } = await openScratchTable();
  const random = systemRandom;
  const logged: string[] = [];
  const log = recordingLog(logged);
  const mismatches: string[] = [];
  const credentials = new ServiceCredentials();
  const identity = createUserStore({ table, clock, credentials });
  await identity.ensureRealm({ id: 'pool', displayName: 'Shop' });
  await identity.ensureRealm({ id: 'admin', displayName: 'Administration' });
  const mailer = openMailer({ table, clock, random, log });
  const deps = {
    ...{
      table,
      clock,
      random,
      log,
      identity,
      administrators: { table, identity },
      mailer,
      appUrl: 'http://platform.test',
    },
    mailLimits: createMailLimits(clock),
    signUpLimiter: createRateLimiter(clock, { perMinute: 5, burst: 10 }),
    operator: { tiers: TIERS, progress: async () => steps } as Partial<OperatorDeps> as OperatorDeps,
    compute: {} as Partial<ComputeDeps> as ComputeDeps,
    onResponse(operation, { body, ...rest }) {
      const sent = { ...rest, body: body === undefined ? undefined : JSON.parse(JSON.stringify(body)) };
      mismatches.push(...[mismatchOf(operation, sent)].filter((one) => one !== undefined));
    },
  } as Partial<LocalDeps> as LocalDeps;
  const callers: Principal[] = [];
  const api = createControlPlane(deps, async (token) => callers[Number(token)] ?? ADMIN, LOCAL_OPERATIONS);
  return {
    ...{ deps, clock, credentials, logged },
    async call(method, path, body, { principal = ADMIN, headers = {}, query = {} } = {}) {
      const authorization = String(callers.push(principal) - 1);
      const text = body === undefined ? undefined : JSON.stringify(body);
      const response = await api.respond({ method, path, query, headers: { ...headers, authorization }, body: text });
      if (mismatches.length > 0) throw new Error(mismatches.splice(0).join('\n'));
      return { status: response.status, body: response.body };
    },
    async outbox() {
      const { items } = await table.query({ ...OUTBOX, limit: 100 });
      return items.map(({ data }) => data);
    },
    mails: async () => (await mailer.list({ limit: 100 })).items,
    async [Symbol.asyncDispose]() {
      await mailer.close();
      await close();
    },
  };
}
