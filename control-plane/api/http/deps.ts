import type { Clock, RandomBytes } from '../../../core/ports/clock.ts';
import type { EventBus } from '../../../core/ports/event-bus.ts';
import type { Identity, Mailer } from '../../../core/ports/identity.ts';
import type { Log } from '../../../core/ports/log.ts';
import type { Runtime } from '../../../core/ports/runtime.ts';
import type { JsonObject, Table } from '../../../core/ports/table.ts';
import type { Step, TenantState } from '../../../core/tenant/lifecycle.ts';
import type { TierTable } from '../../../core/tier/tiers.ts';
import type { ApiRequest } from './http.ts';
import type { RateLimiter } from './rate-limit.ts';

/** What the records of tenants need. */
export interface StoreDeps {
  readonly table: Table;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** What `/operator` and progress see of the application plane. */
export interface OperatorDeps {
  readonly runtime: Runtime;
  readonly bus: EventBus;
  /** The tier table in force. */
  readonly tiers: TierTable;
  /** Steps of the run under way, or of the last one; empty where there was none. */
  progress(tenantId: string): Promise<readonly Step[]>;
  /** What holds for the whole platform (version, who tasks run as ...); shown as it is. */
  status(): Promise<JsonObject>;
}

/** What a home adds to the page that describes the API. */
export interface DocsPageDeps {
  /** Where its people come from. */
  readonly startPage: string;
  /** What prints an admin's token in the shell of whoever sent these headers; it may hold a path. */
  tokenCommand(headers: ApiRequest['headers']): string;
}

/** What the control plane's handlers need of the world. */
export interface ControlPlaneDeps extends StoreDeps {
  readonly identity: Identity;
  readonly mailer: Mailer;
  readonly log: Log;
  readonly operator: OperatorDeps;
  /** Sign-ups per client address. */
  readonly signUpLimiter: RateLimiter;
  /**
   * Resolves once the tenant has left `registered` and `provisioning`; asked before its event goes out.
   * @default - sign-up answers without waiting
   */
  readonly settled?: (tenantId: string) => Promise<void>;
  /** Where a signed-up company signs in; named in mails. */
  readonly appUrl: string;
  /** A tenant on its way longer than this may be retried, in milliseconds. @default 600_000 (10 minutes) */
  readonly stalledAfterMs?: number;
  /** @default - the page links to no other, and names no command */
  readonly docsPage?: DocsPageDeps;
  /** Where the API hangs, as its own description names it. @default '/control-plane' */
  readonly basePath?: string;
  /** Says of a route's path whether this home has it; others are neither served nor described. @default - it has all */
  readonly serves?: (path: string) => boolean;
}

/** Told of each state a tenant comes to by the application plane's word. */
export type StateListener = (tenantId: string, state: TenantState) => void;
