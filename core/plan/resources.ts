import type { RealmId } from '../ports/identity.ts';
import type { ClusterId } from '../ports/places.ts';
import type { Json } from '../ports/table.ts';
import type { MaybePending } from '../progress/pending.ts';
import type { RouteTarget } from '../routing/registry.ts';
import type { ComputeOptions, TaskSize, TierName } from '../tier/tiers.ts';

/** An accepted tenant; its shape is made from this alone. */
export interface TenantSpec {
  readonly tenantId: string;
  readonly registrationId: string;
  readonly name: string;
  readonly slug: string;
  readonly tier: TierName;
  /** The first administrator's. */
  readonly email: string;
  /** The `prices` of the registration, as the customer defined them. Billing reads them; nothing here does. @default - none */
  readonly prices?: Json;
  /** What the registration chose for the tenant's own tasks on AWS. @default - what the installation has configured */
  readonly options?: ComputeOptions;
}

/** The release that a tenant's own services must run. */
export interface ReleaseRequest {
  readonly release: string;
  /** See `DeploymentSpec.request`. */
  readonly request?: string;
}

/**
 * The kinds of resource, in order of creation; deletion runs in reverse. The API key precedes the route, so that both
 * are written in one transaction.
 */
export const RESOURCE_KINDS = ['user-pool', 'data', 'cluster', 'service', 'admin-user', 'api-key', 'route'] as const;
export type ResourceKind = (typeof RESOURCE_KINDS)[number];

interface OfTenant {
  readonly tenantId: string;
}

type NoSpec = Readonly<Record<string, never>>;

/** A user pool of the tenant's own. */
export interface UserPool extends OfTenant {
  readonly kind: 'user-pool';
  readonly name: RealmId;
  readonly spec: NoSpec;
  readonly inputs: { readonly displayName: string };
}

/** A data store of the tenant's own. */
export interface Data extends OfTenant {
  readonly kind: 'data';
  readonly name: 'data';
  readonly spec: NoSpec;
  readonly inputs: { readonly tier: TierName };
}

/** What the tenant's deployment is made from. */
interface ComputeInputs extends ComputeOptions {
  readonly tier: TierName;
  readonly size: TaskSize;
  /** @default - the platform's release */
  readonly version?: ReleaseRequest;
}

/** A cluster of the tenant's own. */
export interface Cluster extends OfTenant {
  readonly kind: 'cluster';
  readonly name: ClusterId;
  readonly spec: NoSpec;
  readonly inputs: ComputeInputs;
}

/** Tasks of one service that serve this tenant alone. */
export interface Service extends OfTenant {
  readonly kind: 'service';
  readonly name: `${ClusterId}/${string}`;
  /**
   * `ready`: as many tasks are healthy as are desired. `release`: what they run, where each tenant keeps its release until it
   * is updated.
   */
  readonly spec: {
    readonly cluster: ClusterId;
    readonly service: string;
    readonly ready: boolean;
    readonly release?: string;
  };
  readonly inputs: ComputeInputs;
}

/** The first administrator, in the realm of this name. */
export interface AdminUser extends OfTenant {
  readonly kind: 'admin-user';
  readonly name: RealmId;
  readonly spec: NoSpec;
  readonly inputs: { readonly email: string; readonly tenantName: string; readonly slug: string };
}

/** The tenant's key to its usage plan. */
export interface ApiKey extends OfTenant {
  readonly kind: 'api-key';
  readonly name: 'api-key';
  readonly spec: NoSpec;
}

/** The gateway's entry for the tenant. */
export interface Route extends OfTenant {
  readonly kind: 'route';
  readonly name: 'route';
  /** `metered`: the route carries the tenant's present API key. */
  readonly spec: RouteTarget & { readonly metered: boolean };
}

/**
 * A desired resource. `name` is unique among the tenant's resources of one kind. `spec` is what must hold and can be
 * observed, compared by value. `inputs` is what a create needs besides; it cannot be observed and is never compared.
 * Neither holds secrets.
 */
export type Resource = UserPool | Data | Cluster | Service | AdminUser | ApiKey | Route;
export type ResourceOf<Kind extends ResourceKind> = Extract<Resource, { readonly kind: Kind }>;

type WithoutInputs<R> = R extends Resource ? Omit<R, 'inputs'> : never;

/** A resource as it is found: its inputs are unknown. */
export type ObservedResource<Kind extends ResourceKind = ResourceKind> = WithoutInputs<ResourceOf<Kind>>;

/** All resources that a tenant must have; empty if the tenant must not exist. */
export interface DesiredState {
  readonly tenantId: string;
  readonly resources: readonly Resource[];
}

export type Change<Kind extends ResourceKind = ResourceKind> =
  | { readonly action: 'create' | 'update'; readonly resource: ResourceOf<Kind> }
  | { readonly action: 'delete'; readonly resource: ObservedResource<Kind> };

/** Observes and changes the resources of some kinds. Every call is idempotent. */
export interface ResourceDriver<Kind extends ResourceKind = ResourceKind> {
  readonly kinds: readonly Kind[];
  /**
   * The tenant's resources as they are now; none of another tenant.
   * @param kinds the kinds to look for; it may return more. @default - all of `this.kinds`
   */
  observe(tenantId: string, kinds?: readonly Kind[]): Promise<readonly ObservedResource<Kind>[]>;
  /**
   * Applies a change. Resolves with Pending if the work goes on elsewhere; a later call continues or observes it.
   * @throws FAILED if work elsewhere was attempted and rolled back
   */
  apply(change: Change<Kind>): Promise<MaybePending>;
  /**
   * Applies consecutive changes of one tenant's plan together. Otherwise like `apply`. @default - `apply`, one by one
   * @throws ChangesFailed if it knows which changes failed; otherwise all of them have
   */
  applyAll?(changes: readonly Change<Kind>[]): Promise<MaybePending>;
  /** Removes what cannot be observed as a resource; the last step of an offboarding. Otherwise like `apply`. @default - nothing */
  purge?(tenantId: string): Promise<MaybePending>;
}

/** Observes the resources of some kinds, and changes nothing. */
export type ResourceObserver<Kind extends ResourceKind = ResourceKind> = Pick<
  ResourceDriver<Kind>,
  'kinds' | 'observe'
>;
