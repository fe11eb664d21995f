import type { OpenApi } from '../../../core/http/openapi-document.ts';
import type { AnyResponse, Declaration } from '../../../core/http/operation.ts';
import type { MailLimits } from '../../../core/identity/users/mail-limits.ts';
import type { Change } from '../../../core/plan/resources.ts';
import type { ClientCredentials } from '../../../core/ports/client-credentials.ts';
import type { Clock, RandomBytes } from '../../../core/ports/clock.ts';
import type { EventBus } from '../../../core/ports/event-bus.ts';
import type { FirstAdministrators, Identity, Mailer } from '../../../core/ports/identity.ts';
import type { Log } from '../../../core/ports/log.ts';
import type { Runtime } from '../../../core/ports/runtime.ts';
import type { Table } from '../../../core/ports/table.ts';
import type { Step } from '../../../core/progress/step.ts';
import type { TenantState } from '../../../core/tenant/lifecycle.ts';
import type { TierTable } from '../../../core/tier/tiers.ts';
import type { RateLimiter } from '../../../core/usage/rate-limiter.ts';
import type { PlatformStatus } from './platform-status.ts';
import type { Release } from './release.ts';

/** What operations on the records of tenants need. */
export interface StoreDeps {
  readonly table: Table;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** An outbox. Events that its publisher rejected never reached the bus, and are listed as dead letters. */
export interface ListedOutbox {
  /** Shown as the consumer of the events, and the beginning of their ids. No consumer has this name. */
  readonly name: string;
  /** The table that the outbox is in. */
  readonly table: Table;
}

/** What lists and replays events whose delivery failed for good. */
export type DeadLetterBus = Pick<EventBus, 'deadLetters' | 'replay'>;

/** What `/operator` and the progress of tenants need of the application plane. */
export interface OperatorDeps {
  readonly bus: DeadLetterBus;
  /** Further outboxes with events that were never published. @default - the control plane's table has the only outbox */
  readonly outboxes?: readonly ListedOutbox[];
  /** The tier table in force. */
  readonly tiers: TierTable;
  /** Steps of the current run, or of the last one; empty if there was none. */
  progress(tenantId: string): Promise<readonly Step[]>;
  status(): Promise<PlatformStatus>;
}

/** What operations on tenants need that the control plane serves or, on AWS, a function of the application plane. */
export interface TenantDeps extends StoreDeps {
  readonly identity: Identity;
  readonly log: Log;
  readonly operator: Pick<OperatorDeps, 'bus' | 'outboxes' | 'tiers' | 'progress'>;
}

/** The compute of the application plane. */
export interface ComputeDeps {
  readonly runtime: Pick<Runtime, 'services' | 'restartService' | 'scaleService'>;
  /** What the provisioner would change of the tenant now. */
  plan(tenantId: string): Promise<readonly Change[]>;
  readonly releases: {
    /** Throws NOT_FOUND. */
    status(tenantId: string): Promise<Release>;
    /**
     * Requests the change of a ready tenant to the platform's release.
     * Throws NOT_FOUND; CONFLICT if the tenant is not ready, or if `expected` is not the platform's release.
     */
    request(tenantId: string, expected?: string): Promise<Release>;
  };
}

/** What operations on the compute need. */
export interface AppPlaneDeps extends TenantDeps {
  readonly compute: ComputeDeps;
}

/** A page with its Content-Security-Policy. */
export interface DocsPage {
  readonly html: string;
  readonly contentSecurityPolicy: string;
}

/** What `GET /.well-known/tierplane` returns about this platform. */
export interface Discovery {
  /** The issuer of operators' tokens: the admin realm or user pool. */
  readonly issuer: string;
  /** The public client that the command line signs in with. */
  readonly clientId: string;
  /** Path of the tenants' API below the platform's address. @default - this platform has none */
  readonly apiPath?: string;
}

/** What the control plane's handlers need. */
export interface ControlPlaneDeps extends StoreDeps {
  readonly identity: Identity;
  readonly administrators: FirstAdministrators;
  /** @default - this home keeps no credentials for scripts */
  readonly credentials?: ClientCredentials;
  readonly discovery: Discovery;
  readonly mailer: Mailer;
  /** Limits the mails that sign-ups cause. Identity limits its own. */
  readonly mailLimits: MailLimits;
  readonly log: Log;
  readonly operator: OperatorDeps;
  /** Sign-ups per client address. */
  readonly signUpLimiter: RateLimiter;
  /**
   * Resolves once the tenant has left `registered` and `provisioning`. Called before the tenant's event is published.
   * @default - sign-up responds without waiting
   */
  readonly completion?: (tenantId: string) => Promise<void>;
  /** Slugs that no new tenant may have. @default - those of RESERVED_NAMES */
  readonly reservedSlugs?: ReadonlySet<string>;
  /** Where a signed-up company signs in; named in mails. */
  readonly appUrl: string;
  /** Work in progress for longer than this may be retried, in milliseconds. @default 600_000 (10 minutes) */
  readonly stalledAfterMs?: number;
  /** Renders the page that documents `api`. */
  readonly docsPage: (api: OpenApi) => DocsPage | Promise<DocsPage>;
  /** Base path of the API in its own description. @default '/control-plane' */
  readonly basePath?: string;
  /** Called with each response of an operation, before it is sent. Tests compare it with the operation's declaration. */
  readonly onResponse?: (operation: Declaration, response: AnyResponse) => void;
}

/** What the handlers need in a home whose control plane also serves the operations on the compute: the embedded one. */
export interface LocalDeps extends ControlPlaneDeps {
  readonly compute: ComputeDeps;
}

/** Called with each state that a report of the application plane brings a tenant to. */
export type StateListener = (tenantId: string, state: TenantState) => void;
