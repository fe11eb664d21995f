import { describe, expect, test } from '@jest/globals';
import { checkEvent } from '../../../core/events/schemas.ts';
import type { TierTable } from '../../../core/tier/tiers.ts';
import { TIER_NAMES, TIERS } from '../../../tenant-templates/tiers.ts';
import { NOTHING, offboarding, onboarding, tenantId, World } from './world.ts';

const TABLE: TierTable = TIERS;

describe('the provisioner', () => {
  test('start creates the pooled realm, both shared clusters and the pooled services, which belong to no tenant', async () => {
    await using world = new World();
    await world.running();
    expect(world.runtime.clusters).toEqual(['pool', 'shared']);
    expect(world.runtime.specs().map(({ tenantId, service }) => [tenantId, service])).toEqual([
      [null, 'orders'],
      [null, 'products'],
      [null, 'users'],
    ]);
    expect(await world.identity.realm('pool')).toBeDefined();
    expect(await world.identity.realm('admin')).toBeUndefined();
  });

  test.each(TIER_NAMES)(
    'ON-1, ON-6: a %s tenant is onboarded, announced with all that a client needs, and offboarded without a trace',
    async (tier) => {
      await using world = new World();
      const process = await world.running();
      const id = tenantId();
      await world.deliver(process, onboarding(id, tier, { tenantName: 'Acme Inc.' }));
      await world.untilPhase(process, id, 'ready');
      const { isolation } = TIERS[tier];
      const realm = isolation === 'cluster' ? `tenant-${id}` : 'pool';
      const cluster = { pool: 'pool', service: 'shared', cluster: `tenant-${id}` }[isolation];
      const silo = isolation !== 'pool';
      expect(await world.route(id)).toEqual({
        tenantId: id,
        slug: 'acme-inc',
        tier,
        state: 'active',
        apiKey: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
        realm,
        cluster,
        silo,
      });
      expect((await world.placement(id))?.allocations).toEqual({ realm, cluster, silo });
      expect(await world.identity.usersOf(id)).toMatchObject([
        { realm, role: 'TenantAdmin', invitation: { tenantName: 'Acme Inc.', slug: 'acme-inc' } },
      ]);
      expect(world.routeChanges).toContain(id);
      expect(await process.provisioner.plan(id)).toEqual([]);
      const [success] = await world.results(id);
      if (!success) throw new Error('there must be a result');
      checkEvent(success);
      const issuer = `http://platform.test/realms/${realm}`;
      const { tenantData } = (success.detail as { jobOutput: { tenantData: { tenantConfig: string } } }).jobOutput;
      expect(JSON.parse(tenantData.tenantConfig)).toEqual({
        authServer: issuer,
        clientId: 'tierplane-app',
        wellKnownEndpointUrl: `${issuer}/.well-known/openid-configuration`,
        apiUrl: 'http://platform.test/api',
        tenantName: 'Acme Inc.',
      });

      world.clock.advance(1);
      await world.offboard(process, id);
      expect(await world.traces(id)).toMatchObject(NOTHING);
      expect(await world.resultTypes(id)).toEqual(['provisionSuccess', 'deprovisionSuccess']);
      for (const event of await world.results(id)) checkEvent(event);
      expect(JSON.stringify(await world.placement(id)).length).toBeLessThan(200);
    },
  );

  test('ON-11: every step is shown with its times, live and in the result', async () => {
    await using world = new World();
    const process = await world.running();
    const id = tenantId();
    const seen: string[] = [];
    process.point = (name) => {
      if (name === 'ensure') {
        void process.provisioner
          .progress(id)
          .then((steps) => seen.push(...steps.map((step) => `${step.name} ${step.status}`)));
      }
    };
    await world.deliver(process, onboarding(id, 'premium'));
    await world.untilPhase(process, id, 'ready');
    expect(seen).toContain('create user pool done');
    expect(seen).toContain('create service users running');
    const steps = await process.provisioner.progress(id);
    expect(steps.map((step) => step.name)).toEqual([
      'create user pool',
      'create data store',
      'create cluster',
      'create service orders',
      'create service products',
      'create service users',
      'create administrator',
      'create API key',
      'create route',
    ]);
    for (const step of steps) {
      expect(step).toMatchObject({ status: 'done', startedAt: expect.any(String), endedAt: expect.any(String) });
    }
    const [success] = await world.results(id);
    expect(success?.detail).toMatchObject({ jobOutput: { tenantData: { steps } } });
  });

  test('progress that takes longer than 200 ms is written while work goes on, so that other processes see it', async () => {
    await using world = new World();
    const process = await world.running();
    const id = tenantId();
    const reached = Promise.withResolvers<void>();
    const proceed = Promise.withResolvers<void>();
    const deploy = world.runtime.deploy.bind(world.runtime);
    world.runtime.deploy = async (spec) => {
      reached.resolve();
      await proceed.promise;
      return await deploy(spec);
    };
    await world.deliver(process, onboarding(id, 'advanced'));
    await reached.promise;
    world.clock.advance(250);
    while ((await world.placement(id))?.phase !== 'provisioning') await new Promise((resolve) => setImmediate(resolve));
    expect((await world.placement(id))?.steps).toContainEqual(
      expect.objectContaining({ name: 'create service orders', status: 'running' }),
    );
    proceed.resolve();
    await world.untilPhase(process, id, 'ready');
  });

  test.each(TIER_NAMES)(
    'ON-3: ten %s tenants that are requested at the same time all become ready, each with its own resources',
    async (tier) => {
      await using world = new World();
      const process = await world.running();
      const ids = Array.from({ length: 10 }, tenantId);
      world.runtime.load.most = 0;
      await Promise.all(ids.map((id) => world.deliver(process, onboarding(id, tier))));
      for (const id of ids) await world.untilPhase(process, id, 'ready');
      const keys = await Promise.all(ids.map(async (id) => (await world.route(id))?.apiKey));
      expect(new Set(keys).size).toBe(10);
      for (const id of ids) {
        expect(await world.identity.usersOf(id)).toHaveLength(1);
        expect(await world.resultTypes(id)).toEqual(['provisionSuccess']);
      }
      expect(world.runtime.load.most).toBeLessThanOrEqual((TABLE[tier].concurrency ?? 0) * 3);
    },
  );

  test('ON-6: offboarding touches no other tenant, even one whose id begins with the same characters', async () => {
    await using world = new World();
    const process = await world.running();
    const siblings = ['tenant1a', 'tenant1a0', 'tenant1'.padEnd(8, '0'), 'xtenant1a'];
    for (const tier of TIER_NAMES) {
      for (const id of siblings) {
        await world.deliver(process, onboarding(`${id}${tier}`, tier));
        await world.untilPhase(process, `${id}${tier}`, 'ready');
        world.data.tenants.add(`${id}${tier}`);
      }
    }
    const before = await Promise.all(siblings.slice(1).map((id) => world.traces(`${id}premium`)));
    for (const tier of TIER_NAMES) {
      await world.deliver(process, offboarding(`tenant1a${tier}`));
      await world.untilPhase(process, `tenant1a${tier}`, 'gone');
      expect(await world.traces(`tenant1a${tier}`)).toMatchObject(NOTHING);
    }
    expect(await Promise.all(siblings.slice(1).map((id) => world.traces(`${id}premium`)))).toEqual(before);
    for (const id of siblings.slice(1)) {
      expect(await world.traces(`${id}basic`)).toMatchObject({ users: [expect.anything()], data: true, apiKey: true });
      expect((await world.traces(`${id}advanced`)).services).toHaveLength(3);
    }
  });

  test('another pass over a pooled tenant keeps its data', async () => {
    await using world = new World();
    const process = await world.running();
    const id = await world.onboard(process, 'basic');
    world.data.tenants.add(id);
    expect(await process.provisioner.plan(id)).toEqual([]);
    await process.provisioner.reconcile(id);
    expect(world.data.tenants.has(id)).toBe(true);
  });

  test('a restart restores the tasks of every silo tenant and sends no new result', async () => {
    await using world = new World();
    const first = await world.running();
    const ids = Array.from({ length: 6 }, tenantId);
    for (const [i, id] of ids.entries()) {
      await world.deliver(first, onboarding(id, i % 2 ? 'advanced' : 'premium'));
      await world.untilPhase(first, id, 'ready');
    }
    const before = await Promise.all(ids.map((id) => world.traces(id)));
    world.kill(first);
    expect(world.runtime.specs()).toEqual([]);
    const second = await world.running();
    await second.provisioner.idle();
    expect(await Promise.all(ids.map((id) => world.traces(id)))).toEqual(before);
    for (const id of ids) expect(await world.resultTypes(id)).toEqual(['provisionSuccess']);
  });

  test('close stops the work at the next step, and the next start continues from there', async () => {
    await using world = new World();
    const first = await world.running();
    const id = tenantId();
    let closing: Promise<void> | undefined;
    first.point = (name) => {
      if (name === 'deploy') closing = first.provisioner.close();
    };
    await world.deliver(first, onboarding(id, 'premium'));
    while (!closing) await new Promise((resolve) => setImmediate(resolve));
    await closing;
    expect(await world.traces(id)).toMatchObject({ clusters: [`tenant-${id}`], users: [], apiKey: false });
    const second = await world.running();
    await world.untilPhase(second, id, 'ready');
    expect(await world.resultTypes(id)).toEqual(['provisionSuccess']);
  });

  test('OB-5: a reconcile replaces the tasks of a service that has become unhealthy', async () => {
    await using world = new World();
    const process = await world.running();
    const id = await world.onboard(process, 'advanced');
    const states = async () =>
      (await world.runtime.services({ tenantId: id })).flatMap(({ tasks }) => tasks.map(({ state }) => state));
    world.runtime.hangTasksOf(id);
    expect(await states()).toEqual(['unhealthy', 'unhealthy', 'unhealthy']);
    const plan = await process.provisioner.plan(id);
    expect(plan.map(({ action, resource }) => `${action} ${resource.kind}`)).toEqual(Array(3).fill('update service'));
    await process.provisioner.reconcile(id);
    expect(await states()).toEqual(['healthy', 'healthy', 'healthy']);
    expect(await world.resultTypes(id)).toEqual(['provisionSuccess']);
  });

  test('plan shows the changes and makes none', async () => {
    await using world = new World();
    const process = await world.running();
    const id = tenantId();
    expect(await process.provisioner.plan(id)).toEqual([]);
    await world.deliver(process, onboarding(id, 'advanced'));
    await world.untilPhase(process, id, 'ready');
    world.runtime.die();
    const plan = await process.provisioner.plan(id);
    expect(plan.map(({ action, resource }) => `${action} ${resource.kind} ${resource.name}`)).toEqual([
      'create service shared/orders',
      'create service shared/products',
      'create service shared/users',
    ]);
    expect(world.runtime.specs()).toEqual([]);
  });
});
