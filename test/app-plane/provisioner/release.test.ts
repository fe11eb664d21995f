import { expect, test } from '@jest/globals';
import { createPlaces } from '../../../adapters/embedded/runtime/places.ts';
import { systemRandom } from '../../../adapters/shared/clock.ts';
import { createDeploymentDriver } from '../../../app-plane/provisioner/drivers/deployment.ts';
import { createIdentityDriver } from '../../../app-plane/provisioner/drivers/identity.ts';
import { createRoutingDriver } from '../../../app-plane/provisioner/drivers/routing.ts';
import { createReleases, type Releases } from '../../../app-plane/provisioner/release.ts';
import { SERVICES, TIERS } from '../../../tenant-templates/tiers.ts';
import { FakeRuntime, FakeTenantData } from './fake-runtime.ts';
import { Functions, ID } from './functions.ts';
import { SlowRuntime } from './slow-runtime.ts';
import { onboarding } from './world.ts';

const OWN = `tenant-${ID}` as const;

/** The application plane's functions after each installation of a release. */
class Installation implements AsyncDisposable {
  readonly runtime = new SlowRuntime();
  readonly #data = new FakeTenantData(new FakeRuntime());
  readonly queued: string[] = [];
  readonly functions: Functions;
  #release: string;

  private constructor(functions: Functions, release: string) {
    this.functions = functions;
    this.#release = release;
  }

  /** With a tenant that was onboarded with the release. */
  static async open(release: string, tier: 'basic' | 'premium' = 'premium'): Promise<Installation> {
    const installation = new Installation(await Functions.open(), release);
    await installation.functions.accept(onboarding(ID, tier));
    await installation.pass();
    if (tier === 'premium') installation.runtime.finish(OWN);
    await installation.pass();
    return installation;
  }

  install(release: string): void {
    this.#release = release;
  }

  get releases(): Releases {
    const { table, clock } = this.functions.scratch;
    const queue = (tenantId: string) => void this.queued.push(tenantId);
    return createReleases({ table, clock, release: this.#release, keepsReleases: true, queue });
  }

  pass() {
    return this.functions.reconcile(this.#options());
  }

  plan() {
    return this.functions.reconciler(this.#options()).plan(ID);
  }

  #options() {
    const { identity, meteringKeys, scratch } = this.functions;
    const release = this.#release;
    return {
      currentRelease: release,
      drivers: [
        createIdentityDriver({ identity }),
        createDeploymentDriver({
          ...{ runtime: this.runtime, data: this.#data, places: createPlaces(TIERS), services: SERVICES, release },
          ...{ keepsReleases: true, environmentOf: () => ({}) },
        }),
        createRoutingDriver({
          ...{ table: scratch.table, random: systemRandom, meteringKeys, onRouteChange: () => undefined },
        }),
      ],
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.functions[Symbol.asyncDispose]();
  }
}

test('a tenant keeps its release when another one is installed, until somebody asks for the update', async () => {
  await using home = await Installation.open('1.0.0');
  expect(await home.functions.placement()).toMatchObject({ phase: 'ready', release: '1.0.0' });
  expect(await home.releases.status(ID)).toEqual({ release: '1.0.0', current: '1.0.0', state: 'current' });

  home.install('2.0.0');
  expect(await home.releases.status(ID)).toEqual({ release: '1.0.0', current: '2.0.0', state: 'outdated' });
  expect(await home.plan()).toEqual([]);
  expect(await home.pass()).toEqual({ outcome: 'done' });

  const updating = { release: '1.0.0', current: '2.0.0', state: 'updating' };
  expect(await home.releases.request(ID, '2.0.0')).toEqual(updating);
  expect(await home.releases.request(ID)).toEqual(updating);
  expect(home.queued).toEqual([ID]);
  expect(await home.functions.swept()).toEqual([ID]);
  expect(await home.pass()).toMatchObject({ outcome: 'again', pending: expect.any(String) });
  expect(await home.releases.status(ID)).toEqual({ ...updating, reason: `stack ${OWN} is being changed` });
  home.runtime.finish(OWN);
  expect(await home.pass()).toEqual({ outcome: 'done' });
  expect(await home.releases.status(ID)).toEqual({ release: '2.0.0', current: '2.0.0', state: 'current' });
  expect(await home.functions.placement()).toMatchObject({ phase: 'ready', release: '2.0.0' });
  expect(home.runtime.started.map(({ release }) => release)).toEqual(['1.0.0', '2.0.0']);
  // A tenant that is ready is not announced again.
  expect(await home.functions.results()).toEqual(['provisionSuccess']);
});

test('an update that is rolled back leaves the tenant ready on its release with the reason, and can be asked for again', async () => {
  await using home = await Installation.open('1.0.0');
  home.install('2.0.0');
  await home.releases.request(ID);
  await home.pass();
  home.runtime.rollBack(OWN, 'OrdersService: the tasks did not start');
  await home.pass();
  const failed = { release: '1.0.0', current: '2.0.0', state: 'failed' };
  expect(await home.releases.status(ID)).toEqual({
    ...failed,
    reason: expect.stringContaining('OrdersService: the tasks did not start'),
  });
  expect(await home.functions.placement()).toMatchObject({ phase: 'ready', release: '1.0.0' });
  expect(await home.pass()).toMatchObject({ outcome: 'failed' });
  expect(home.runtime.started).toHaveLength(2);

  home.functions.scratch.clock.advance(1_000);
  expect(await home.releases.request(ID)).toMatchObject({ state: 'updating', release: '1.0.0' });
  await home.pass();
  expect(home.runtime.started).toHaveLength(3);
  home.runtime.finish(OWN);
  await home.pass();
  expect(await home.releases.status(ID)).toEqual({ release: '2.0.0', current: '2.0.0', state: 'current' });
});

test('a rolled-back update is ended by the installation of another release, to which the tenant can be updated', async () => {
  await using home = await Installation.open('1.0.0');
  home.install('2.0.0');
  await home.releases.request(ID);
  await home.pass();
  home.runtime.rollBack(OWN, 'bad');
  await home.pass();
  home.install('2.0.1');
  await home.releases.request(ID);
  await home.pass();
  home.runtime.finish(OWN);
  await home.pass();
  expect(await home.releases.status(ID)).toEqual({ release: '2.0.1', current: '2.0.1', state: 'current' });
});

test('an update that was requested before another release was installed leads to the requested one', async () => {
  await using home = await Installation.open('1.0.0');
  home.install('2.0.0');
  await home.releases.request(ID);
  home.install('3.0.0');
  await home.pass();
  home.runtime.finish(OWN);
  await home.pass();
  expect(home.runtime.started.map(({ release }) => release)).toEqual(['1.0.0', '2.0.0']);
  expect(await home.releases.status(ID)).toEqual({ release: '2.0.0', current: '3.0.0', state: 'outdated' });
});

test('only a ready tenant is updated, and only to the release of the platform', async () => {
  await using home = await Installation.open('1.0.0');
  home.install('2.0.0');
  await expect(home.releases.request(ID, '1.9.0')).rejects.toMatchObject({
    code: 'CONFLICT',
    message: "the release must be the platform's, which is 2.0.0, got '1.9.0'",
  });
  await expect(home.releases.request('unknown00')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(home.releases.status('unknown00')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await home.functions.accept(onboarding('globex00', 'premium'));
  await expect(home.releases.request('globex00')).rejects.toMatchObject({ code: 'CONFLICT' });
  expect(home.queued).toEqual([]);
});

test('a pooled tenant runs whatever the pooled services run', async () => {
  await using home = await Installation.open('1.0.0', 'basic');
  home.install('2.0.0');
  for (const status of [await home.releases.status(ID), await home.releases.request(ID)]) {
    expect(status).toEqual({ current: '2.0.0', state: 'pooled' });
  }
  expect((await home.functions.placement()).release).toBeUndefined();
});

test("where all tenants run the platform's release, none is outdated", async () => {
  await using home = await Installation.open('1.0.0');
  const { table, clock } = home.functions.scratch;
  const releases = createReleases({ table, clock, release: '2.0.0', keepsReleases: false });
  expect(await releases.request(ID)).toEqual({ release: '2.0.0', current: '2.0.0', state: 'current' });
});
