import assert from 'node:assert/strict';
import type { Isolation, TierName } from '../../core/tier/tiers.ts';
import { until } from '../../scripts/until.ts';
import { TIER_NAMES, TIERS } from '../../tenant-templates/tiers.ts';
import type { BusWatch } from '../bus-watch.ts';
import type { ContainerEngine } from '../container-engine.ts';
import type { EmulatedAccount } from '../emulated-account.ts';
import type { Installation } from '../installation.ts';
import { type Registered, RehearsedTenant, type TenantConfig } from './tenant.ts';

/** A step of the rehearsal. A text that it returns is what it found. */
export type Step = readonly [name: string, run: (scene: ProductScene) => Promise<unknown>];

/** What `GET /tenants/<id>` says. */
export interface TenantState {
  readonly tenantId: string;
  readonly tenantRegistrationId: string;
  readonly state: string;
  /** Why the tenant is in the state `failed`. */
  readonly reason?: string;
}

const ENDS_WITHIN_MS = 300_000;
const POLL_MS = 200;

/** The first tier of the table with this isolation. */
export function tierWith(isolation: Isolation): TierName {
  const tier = TIER_NAMES.find((name) => TIERS[name].isolation === isolation);
  assert(tier, `a tier must have the isolation ${isolation}`);
  return tier;
}

/** The name of the tenant of a tier that the first steps onboard. */
export function tenantOfTier(tier: TierName): string {
  return `rehearsed-${tier}`;
}

/** The installed product, its administrator, and the tenants that the steps have created. */
export class ProductScene {
  readonly installation: Installation;
  /** Receives the control plane's requests to the application plane. */
  readonly watch: BusWatch;
  /** By name. */
  readonly tenants = new Map<string, RehearsedTenant>();
  /** The id of a product of a tenant, by the tenant's name. */
  readonly products = new Map<string, string>();
  readonly #signIn: () => Promise<string>;
  #accessToken: string;

  constructor(
    installation: Installation,
    options: {
      readonly watch: BusWatch;
      readonly accessToken: string;
      /** Signs the platform's administrator in again. @returns another access token */
      readonly signIn: () => Promise<string>;
    },
  ) {
    this.installation = installation;
    this.watch = options.watch;
    this.#accessToken = options.accessToken;
    this.#signIn = options.signIn;
  }

  /** Of the platform's administrator. */
  get accessToken(): string {
    return this.#accessToken;
  }

  get account(): EmulatedAccount {
    return this.installation.account;
  }

  get engine(): ContainerEngine {
    assert(this.account.engine, 'the account must run containers');
    return this.account.engine;
  }

  /** The tenant that an earlier step has onboarded. */
  tenant(name: string): RehearsedTenant {
    const tenant = this.tenants.get(name);
    assert(tenant, `${name} must have been onboarded`);
    return tenant;
  }

  /** Sends a request with the token of the platform's administrator, which is renewed when it has expired. */
  async request(method: string, path: string, body?: unknown): ReturnType<Installation['call']> {
    const send = () => this.installation.call(method, path, { token: `Bearer ${this.#accessToken}`, body });
    const response = await send();
    if (response.status !== 401) return response;
    this.#accessToken = await this.#signIn();
    return await send();
  }

  async register(name: string, tier: TierName): Promise<Registered> {
    const email = `admin@${name}.example`;
    const tenantData = { tenantName: name, email, tier };
    const { status, text, body } = await this.request('POST', '/tenant-registrations', {
      ...{ tenantData, tenantRegistrationData: {} },
    });
    assert.equal(status, 201, text);
    const { tenantId, tenantRegistrationId: registrationId } = (body as { data: TenantState }).data;
    return { tenantId, registrationId, name, tier, email };
  }

  /**
   * Waits until the tenant is in the state, and its registration with it. @returns the tenant
   * @throws Error with the reason if the tenant fails instead, or after five minutes
   */
  async untilState({ tenantId }: Pick<Registered, 'tenantId'>, state: string): Promise<TenantState> {
    let seen: TenantState | undefined;
    const arrived = async () => {
      const { body, text } = await this.request('GET', `/tenants/${tenantId}`);
      seen = (body as { data?: TenantState }).data;
      assert(seen, text);
      if (seen.state === 'failed' && state !== 'failed') throw new Error(`the tenant failed: ${seen.reason}`);
      return seen.state === state && seen;
    };
    const failure = () => `the tenant is ${seen?.state}, not ${state}, after ${ENDS_WITHIN_MS} ms`;
    return until(arrived, { withinMs: ENDS_WITHIN_MS, everyMs: POLL_MS, failure });
  }

  /** Waits until a registered tenant is active. @returns what its users see of it */
  async untilActive(registered: Registered): Promise<RehearsedTenant> {
    await this.untilState(registered, 'active');
    const { text } = await this.request('GET', `/tenant-registrations/${registered.registrationId}`);
    assert.match(text, /"registrationStatus":"created"/);
    const config = await this.installation.call('GET', `/tenant-config/${registered.name}`);
    assert.equal(config.status, 200, config.text);
    const tenant = new RehearsedTenant(this.account, config.body as TenantConfig, registered);
    this.tenants.set(registered.name, tenant);
    return tenant;
  }

  /** Registers a tenant and waits until it is active. */
  async onboard(name: string, tier: TierName): Promise<RehearsedTenant> {
    return await this.untilActive(await this.register(name, tier));
  }

  /** Deletes the registration and waits until the tenant is deleted. */
  async offboard(registered: Pick<Registered, 'tenantId' | 'registrationId'>): Promise<void> {
    const { status, text } = await this.request('DELETE', `/tenant-registrations/${registered.registrationId}`);
    assert.equal(status, 200, text);
    await this.untilState(registered, 'deleted');
  }
}
