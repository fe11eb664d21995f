import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { routeKeys } from '../../../adapters/embedded/metering/metering-keys.ts';
import { createPlaces } from '../../../adapters/embedded/runtime/places.ts';
import { openTable, type SqliteTable } from '../../../adapters/embedded/store/table.ts';
import { systemClock, systemRandom } from '../../../adapters/shared/clock.ts';
import { createIdentityDriver } from '../../../app-plane/provisioner/drivers/identity.ts';
import { createRoutingDriver } from '../../../app-plane/provisioner/drivers/routing.ts';
import { loadPlacement, type Phase } from '../../../app-plane/provisioner/placement.ts';
import {
  createProvisioner,
  type Provisioner,
  type ProvisionerLimits,
  type ProvisionerOptions,
} from '../../../app-plane/provisioner/provisioner.ts';
import { envelope } from '../../../core/events/events.ts';
import { OUTBOX } from '../../../core/events/outbox-partitions.ts';
import type { ResourceDriver } from '../../../core/plan/resources.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { Envelope, EventBus } from '../../../core/ports/event-bus.ts';
import { type Route, routeKey } from '../../../core/routing/registry.ts';
import { newId } from '../../../core/tenant/ids.ts';
import type { TierName } from '../../../core/tier/tiers.ts';
import { SERVICES, TIERS } from '../../../tenant-templates/tiers.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { silentLog } from '../../support/silent-log.ts';
import { type FakeIdentity, openFakeIdentity } from './fake-identity.ts';
import { FakeMeteringKeys } from './fake-metering-keys.ts';
import { FakeRuntime, FakeTenantData } from './fake-runtime.ts';
import { createStackDriver, Stacks } from './stacks.ts';

/** Calls that change something which outlives a crash. */
const CHANGING = /^(transact|ensure|create|delete|move|deploy|withdraw|take|give)/;
const DEADLINE_MS = 20_000;
const never = () => new Promise<never>(() => undefined);

export interface ProcessOptions {
  readonly limits?: ProvisionerLimits;
  readonly owner?: string;
  readonly noDelete?: boolean;
  readonly hold?: boolean;
  readonly bus?: EventBus;
  /** @default true, as in the embedded home, unless `owner` is given */
  readonly isSoleOwner?: boolean;
  /** true: clusters, services and data are those of `world.stacks`, whose work goes on elsewhere. @default false */
  readonly withStacks?: boolean;
}

/** One platform process. When it is killed, its work stops where it is, and none of its timers fires. */
export interface Process {
  readonly provisioner: Provisioner;
  readonly died: Promise<void>;
  readonly isDead: () => boolean;
  kill(): void;
  /** Called between steps, and after every call that changed something. May kill the process. */
  point: (name: string) => void;
}

/** A store on disk, users, and compute; platform processes come and go. */
export class World implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'tierplane-'));
  readonly clock = new ManualClock();
  readonly table: SqliteTable = openTable({ file: join(this.directory, 'platform.db'), clock: systemClock });
  readonly identity: FakeIdentity = openFakeIdentity(this.table, systemClock);
  readonly runtime = new FakeRuntime();
  readonly stacks = new Stacks(this.clock);
  readonly data = new FakeTenantData(this.runtime);
  readonly places = createPlaces(TIERS);
  readonly meteringKeys = new FakeMeteringKeys();
  readonly routeChanges: string[] = [];
  /**
   * Called before each call of identity, runtime, data, places and table, with the call's name and arguments, and before
   * each `startService` of a deployment. May throw in its place.
   */
  beforeCall: (call: string, args: readonly unknown[]) => void = () => undefined;
  readonly #processes: Process[] = [];

  constructor() {
    this.runtime.beforeService = (service) => this.beforeCall('startService', [service]);
  }

  readonly #bus: EventBus = {
    publish: async () => undefined,
    subscribe: () => ({ close: async () => undefined }),
    deadLetters: async () => ({ items: [] }),
    replay: async () => undefined,
    forgetTenant: async () => undefined,
  };

  process({
    limits,
    owner,
    isSoleOwner = owner === undefined,
    withStacks = false,
    noDelete = false,
    hold = false,
    bus = this.#bus,
  }: ProcessOptions = {}): Process {
    let dead = false;
    const death = Promise.withResolvers<void>();
    const process = {
      died: death.promise,
      isDead: () => dead,
      kill: () => {
        dead = true;
        death.resolve();
      },
      point: (_name: string): void => undefined,
    };
    const endsWithProcess = <T extends object>(port: T): T =>
      new Proxy(port, {
        get: (target, name: string & keyof T) => {
          const method = target[name];
          if (typeof method !== 'function') return method;
          return async (...args: unknown[]) => {
            if (dead) return await never();
            this.beforeCall(name, args);
            const result: unknown = await method.apply(target, args);
            if (CHANGING.test(name)) process.point(name);
            return dead ? await never() : result;
          };
        },
      });
    const clock: Clock = {
      now: () => this.clock.now(),
      monotonic: () => this.clock.monotonic(),
      after: (ms, run) => this.clock.after(ms, () => !dead && run()),
    };
    const options: ProvisionerOptions = {
      table: endsWithProcess(this.table),
      bus,
      identity: endsWithProcess(this.identity),
      runtime: endsWithProcess(this.runtime),
      data: endsWithProcess(this.data),
      places: endsWithProcess(this.places),
      // As in the embedded home.
      meteringKeys: routeKeys,
      clock,
      random: systemRandom,
      log: silentLog,
      tiers: TIERS,
      services: SERVICES,
      release: '1.0.0',
      publicUrl: 'http://platform.test',
      environmentOf: (cluster, tenantId, tier) => ({ OF: `${cluster} ${tenantId} ${tier}` }),
      onRouteChange: (tenantId) => this.routeChanges.push(tenantId),
      owner: owner ?? 'platform',
      isSoleOwner,
      noDelete,
      hold,
      ...(limits && { limits }),
      ...(withStacks && { drivers: this.#stackDrivers(endsWithProcess) }),
      checkpoint: (name) => {
        process.point(name);
        return dead ? never() : undefined;
      },
    };
    const made: Process = Object.assign(process, { provisioner: createProvisioner(options) });
    this.#processes.push(made);
    return made;
  }

  #stackDrivers(endsWithProcess: <T extends object>(port: T) => T): ResourceDriver[] {
    return [
      createIdentityDriver({ identity: endsWithProcess(this.identity) }),
      createStackDriver(endsWithProcess(this.stacks)),
      createRoutingDriver({
        table: endsWithProcess(this.table),
        random: systemRandom,
        meteringKeys: endsWithProcess(this.meteringKeys),
        onRouteChange: (tenantId) => this.routeChanges.push(tenantId),
      }),
    ];
  }

  /** A started process. */
  async running(options?: ProcessOptions): Promise<Process> {
    const process = this.process(options);
    await process.provisioner.start();
    return process;
  }

  /** Kills the process and its tasks, as `kill -9` does. */
  kill(process: Process): void {
    process.kill();
    this.runtime.die();
  }

  /** Delivers an event. @returns false if the process died before it had accepted the event */
  async deliver(process: Process, event: Envelope): Promise<boolean> {
    return await Promise.race([
      process.provisioner.accept.handle(event).then(() => true),
      process.died.then(() => false),
    ]);
  }

  /** Onboards a tenant until it is ready. @returns its id */
  async onboard(process: Process, tier: TierName): Promise<string> {
    const id = tenantId();
    await this.deliver(process, onboarding(id, tier));
    await this.untilPhase(process, id, 'ready');
    return id;
  }

  /** Offboards a tenant until it is gone. */
  async offboard(process: Process, id: string): Promise<void> {
    await this.deliver(process, offboarding(id));
    await this.untilPhase(process, id, 'gone');
  }

  /** Lets work end and time pass until `holds` is true or the process is dead. */
  async until(process: Process, holds: () => Promise<boolean>): Promise<void> {
    for (const deadline = Date.now() + DEADLINE_MS; !process.isDead() && !(await holds()); ) {
      if (Date.now() > deadline) throw new Error('the condition did not become true in time');
      await Promise.race([process.provisioner.idle(), process.died]);
      if (process.isDead() || (await holds())) return;
      this.clock.skip();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Like `until`, for one of the phases of a tenant. */
  untilPhase(process: Process, tenantId: string, ...phases: Phase[]): Promise<void> {
    return this.until(process, async () => {
      const placement = await this.placement(tenantId);
      return placement !== undefined && placement.lease === undefined && phases.includes(placement.phase);
    });
  }

  async placement(tenantId: string) {
    return (await loadPlacement(this.table, tenantId))?.data;
  }

  async route(tenantId: string): Promise<Route | undefined> {
    return (await this.table.get(routeKey(tenantId)))?.data;
  }

  /** The results of a tenant, in the order they were sent. */
  async results(tenantId: string): Promise<Envelope[]> {
    const { items } = await this.table.query({ ...OUTBOX, limit: 1000 });
    return items.map((item) => item.data).filter((event) => event.detail.tenantId === tenantId);
  }

  async resultTypes(tenantId: string): Promise<string[]> {
    return (await this.results(tenantId)).map((event) => event.detailType);
  }

  /** Everything that exists of a tenant, without values that depend on chance or time. */
  async traces(tenantId: string) {
    const placement = await this.placement(tenantId);
    const route = await this.route(tenantId);
    const key = await this.table.get({ pk: `api-key#${tenantId}`, sk: 'api-key' });
    return {
      placement: placement && { phase: placement.phase, desired: placement.desired, lease: placement.lease },
      route: route && { ...route, apiKey: route.apiKey === key?.data.key },
      apiKey: key !== undefined,
      users: (await this.identity.usersOf(tenantId)).map(({ realm, email, role }) => ({ realm, email, role })),
      realm: (await this.identity.realm(`tenant-${tenantId}`)) !== undefined,
      clusters: this.runtime.clusters.filter((cluster) => cluster === `tenant-${tenantId}`),
      services: this.runtime
        .specs()
        .filter((spec) => spec.tenantId === tenantId)
        .map(({ cluster, service, environment }) => `${cluster}/${service} ${environment.OF}`)
        .sort(),
      data: this.data.tenants.has(tenantId),
      stack: this.stacks.resourcesOf(tenantId)?.map(({ kind, name }) => `${kind} ${name}`),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#processes) {
      if (!process.isDead()) await process.provisioner.close();
    }
    await this.table.close();
    rmSync(this.directory, { recursive: true });
  }
}

/** What `traces` returns for a tenant that never existed, or of which only the tombstone is left. */
export const NOTHING = {
  route: undefined,
  apiKey: false,
  users: [],
  realm: false,
  clusters: [],
  services: [],
  data: false,
  stack: undefined,
};

export function tenantId(): string {
  return newId(Date.now(), systemRandom);
}

export function onboarding(id: string, tier: TierName, more: Record<string, string> = {}): Envelope {
  const detail = { tenantId: id, tenantRegistrationId: `reg-${id}`, tenantName: `Tenant ${id}`, tier };
  return request('onboardingRequest', { ...detail, email: `admin@${id}.example`, ...more });
}

export function offboarding(id: string): Envelope {
  return request('offboardingRequest', { tenantId: id, tenantRegistrationId: `reg-${id}` });
}

function request(name: 'onboardingRequest' | 'offboardingRequest', detail: Record<string, string>): Envelope {
  return envelope(newId(Date.now(), systemRandom), name, detail, Date.now());
}
