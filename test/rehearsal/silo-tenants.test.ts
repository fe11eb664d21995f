import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { beforeAll, expect, jest, test } from '@jest/globals';
import { deploymentIdOf } from '../../core/plan/deployment.ts';
import type { DeploymentSpec, DeploymentStatus } from '../../core/ports/runtime.ts';
import { buildImage } from '../../rehearsal/task/images.ts';
import { buildBundles, OTHER_TENANT, TaskScene, TENANT, tagOf } from '../../rehearsal/task/scene.ts';
import { imageNames } from '../../scripts/images/from-scratch.ts';
import { SERVICES } from '../../tenant-templates/tiers.ts';
import { until } from '../support/until.ts';
import { clientConfig, describeWithContainers } from './account.ts';
import { dataMatrix } from './task/data-matrix.ts';
import { ReleasedTenant } from './task/released-tenant.ts';
import { BAD_RELEASE, imageOf, NEXT_RELEASE, PREFIX, RELEASE, SiloScene } from './task/silo-scene.ts';

jest.setTimeout(180_000);
const WITHIN_MS = 150_000;
const PRODUCT = { name: 'Beans', sku: 'COF-1', category: 'coffee', price: { amount: 1890, currency: 'EUR' } };

/** One tenant with a task per service in the shared cluster, and one with all services in one task of its own cluster. */
const TENANTS = [
  { title: 'a task per service', tenantId: TENANT, refusal: 403 },
  // The realm of its issuer is its own, so a token with another tenant is not valid there.
  { title: 'all services in one task', tenantId: OTHER_TENANT, refusal: 401 },
] as const;

describeWithContainers('silo tenants that are deployed from the templates of a release', (account) => {
  let task: TaskScene;
  let silos: SiloScene;
  const tokens: Record<string, string> = {};
  const specs: Record<string, DeploymentSpec> = {};
  const untilEnded = (call: () => Promise<DeploymentStatus>) =>
    until(async () => {
      const status = await call();
      return status.state !== 'changing' && status;
    }, WITHIN_MS);

  beforeAll(async () => {
    await buildBundles();
    task = new TaskScene(account());
    for (const name of imageNames()) buildImage(task.engine, name, imageOf(name));
    buildImage(task.engine, 'products', tagOf('products'));
    // The products image of the release, with a script that makes calls from its container.
    task.engine.run('tag', await task.buildProbedImage('products'), imageOf('products'));
    for (const name of imageNames()) task.engine.run('tag', imageOf(name), imageOf(name, NEXT_RELEASE));
    await task.deployShared();
    silos = await SiloScene.open(account(), task);
    specs[TENANT] = silos.specOf(TENANT, 'advanced', 100);
    specs[OTHER_TENANT] = silos.specOf(OTHER_TENANT, 'premium', 101, { packing: 'one-task' });
    for (const spec of Object.values(specs)) {
      await until(async () => !(await silos.data.ensure(spec.tenantId ?? '', spec.tier)), WITHIN_MS);
    }
    const deployed = await Promise.all(
      Object.values(specs).map((spec) => untilEnded(() => silos.runtime.deploy(spec))),
    );
    expect(deployed.map(({ state, reason }) => [state, reason])).toEqual([
      ['ready', undefined],
      ['ready', undefined],
    ]);
    for (const { tenantId } of TENANTS) tokens[tenantId] = await task.signIn(tenantId);
  }, 420_000);

  const request = (
    tenantPath: string,
    method: 'GET' | 'POST',
    path: string,
    body?: unknown,
    token = tokens[tenantPath] ?? '',
  ) => task.request(method, path, { token, tenantPath, ...(body !== undefined && { body }) });

  test.each(TENANTS)(
    '$title: a request goes through load balancer, ingress and service to DynamoDB, and orders ask products for prices',
    async ({ tenantId }) => {
      const created = await until(async () => {
        const response = await request(tenantId, 'POST', '/products', PRODUCT);
        return response.status !== 503 && response;
      });
      expect([created.status, created.text]).toEqual([201, expect.any(String)]);
      const { productId } = JSON.parse(created.text);
      // The API's path of a shard.
      const listed = await request(tenantId, 'GET', '/s1/products');
      expect(JSON.parse(listed.text).data.map(({ sku }: { sku: string }) => sku)).toEqual(['COF-1']);
      const order = { name: 'Breakfast', lines: [{ productId, quantity: 2 }] };
      const ordered = await until(async () => {
        const response = await request(tenantId, 'POST', '/orders', order);
        return response.status !== 503 && response;
      });
      expect([ordered.status, JSON.parse(ordered.text)]).toMatchObject([
        201,
        { total: { amount: 3780, currency: 'EUR' } },
      ]);
      const writers = task.callersOf('dynamodb:PutItem').filter((arn) => arn.includes(tenantId));
      for (const service of ['orders', 'products']) {
        expect(writers).toContainEqual(
          expect.stringMatching(new RegExp(`role/${PREFIX}-silo-${tenantId}-${service}-d/${tenantId}$`)),
        );
      }
    },
  );

  test("SE-1.5: another tenant's user is refused by every tenant's services, and an unknown tenant by the load balancer", async () => {
    for (const { tenantId, refusal } of TENANTS) {
      const foreign = tokens[tenantId === TENANT ? OTHER_TENANT : TENANT];
      for (const path of ['/products', '/orders', '/users']) {
        expect((await request(tenantId, 'GET', path, undefined, foreign)).status).toBe(refusal);
      }
    }
    expect((await request('nobody', 'GET', '/products', undefined, tokens[TENANT])).status).toBe(404);
  });

  test.each(TENANTS)("SE-1.6: $title: DynamoDB refuses a service another tenant's data", async ({ tenantId }) => {
    const other = tenantId === TENANT ? OTHER_TENANT : TENANT;
    const own = { tags: { tenantId } };
    const attempts = [
      { session: own, call: 'Query', pk: `${tenantId}#products` },
      { session: own, call: 'Query', pk: `${other}#products` },
      { session: own, call: 'Scan', pk: '' },
      { session: { tags: { tenantId: other } }, call: 'Query', pk: `${other}#products` },
      { call: 'Query', pk: `${tenantId}#products` },
    ];
    const container = containerOf(tenantId);
    const results = JSON.parse(task.engine.run('exec', container, 'node', '/app/probe.cjs', JSON.stringify(attempts)));
    expect(results).toMatchObject([
      { allowed: true },
      { allowed: false, error: 'AccessDeniedException' },
      { allowed: false, error: 'AccessDeniedException' },
      { allowed: false, error: 'AccessDenied' },
      { allowed: false, error: 'AccessDeniedException' },
    ]);
  });

  dataMatrix(account, () => task.engine);

  /** The container of products that serves the tenant. */
  function containerOf(tenantId: string): string {
    const ids = task.engine
      .run('ps', '--quiet', '--filter', 'label=com.amazonaws.ecs.container-name=products')
      .trim()
      .split('\n');
    const served = (id: string) => task.engine.run('exec', id, 'node', '-p', 'process.env.TIERPLANE_TENANT').trim();
    const found = ids.filter((id) => served(id) === tenantId);
    expect(found).toHaveLength(1);
    return found[0] ?? '';
  }

  test('a tenant keeps its release while another one is installed, is updated on request, and a bad release is rolled back while the old tasks serve', async () => {
    await using tenant = await ReleasedTenant.open(silos, specs[TENANT] as DeploymentSpec);
    const statuses: number[] = [];
    const untilDone = (installed: string) =>
      until(async () => {
        const { status } = await request(TENANT, 'GET', '/products');
        statuses.push(status);
        const result = await tenant.pass(installed);
        return result.outcome !== 'again' && result;
      }, WITHIN_MS);
    const deployed = async () => (await silos.runtime.deployment(deploymentIdOf(TENANT))).release;

    expect(await untilDone(RELEASE)).toMatchObject({ outcome: 'done' });
    expect(await tenant.status(RELEASE)).toEqual({ release: RELEASE, current: RELEASE, state: 'current' });

    expect(await untilDone(NEXT_RELEASE)).toMatchObject({ outcome: 'done' });
    expect(await tenant.status(NEXT_RELEASE)).toMatchObject({ release: RELEASE, state: 'outdated' });
    expect(await deployed()).toBe(RELEASE);

    expect(await tenant.request(NEXT_RELEASE)).toMatchObject({ state: 'updating' });
    expect(await untilDone(NEXT_RELEASE)).toMatchObject({ outcome: 'done' });
    expect(await tenant.status(NEXT_RELEASE)).toMatchObject({ release: NEXT_RELEASE, state: 'current' });
    expect(await deployed()).toBe(NEXT_RELEASE);
    expect(tagsOfTasks()).toEqual(SERVICES.map((service) => `${service}:${NEXT_RELEASE}`).sort());

    // The emulator's Service Connect finds a replaced task after a moment.
    await until(async () => (await request(TENANT, 'GET', '/products')).status === 200);
    statuses.length = 0;
    await tenant.request(BAD_RELEASE);
    expect(await untilDone(BAD_RELEASE)).toMatchObject({ outcome: 'failed' });
    expect(await tenant.status(BAD_RELEASE)).toMatchObject({
      ...{ release: NEXT_RELEASE, current: BAD_RELEASE, state: 'failed' },
      reason: expect.stringContaining('CannotPullContainerError'),
    });
    expect(await deployed()).toBe(NEXT_RELEASE);
    expect(statuses.length).toBeGreaterThan(2);
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
  });

  /** The images of the services' containers of the first tenant, sorted. */
  function tagsOfTasks(): string[] {
    const ids = task.engine.run('ps', '--quiet', '--filter', 'status=running').trim().split('\n');
    const lines = task.engine.run(
      'inspect',
      '--format',
      '{{.Config.Image}} {{range .Config.Env}}{{.}} {{end}}',
      ...ids,
    );
    const own = lines.split('\n').filter((line) => line.includes(`TIERPLANE_TENANT=${TENANT} `));
    return own.map((line) => line.split(' ')[0]?.split('/').at(-1) ?? '').sort();
  }

  test('a stack with a cluster of its own is protected from deletion, as are all tables', async () => {
    const { Stacks = [] } = await new CloudFormationClient(clientConfig(account())).send(new DescribeStacksCommand({}));
    const isProtected = Object.fromEntries(Stacks.map((one) => [one.StackName, one.EnableTerminationProtection]));
    expect(isProtected).toMatchObject({
      [`${PREFIX}-silo-${TENANT}`]: false,
      [`${PREFIX}-silo-${OTHER_TENANT}`]: true,
      [`${PREFIX}-silo-data-${TENANT}`]: true,
      [`${PREFIX}-silo-data-${OTHER_TENANT}`]: true,
    });
  });

  test('services that run in one task are listed one by one', async () => {
    const services = await silos.runtime.services({ tenantId: OTHER_TENANT });
    expect(services.map(({ service }) => service)).toEqual(SERVICES);
    expect(new Set(services.map(({ tasks }) => tasks[0]?.taskId)).size).toBe(1);
  });

  test('withdrawing a tenant and deleting its data leaves no stack, table, container or rule', async () => {
    const left = TENANTS.map(async ({ tenantId }) => {
      const id = specs[tenantId]?.id ?? 'pool';
      expect(await untilEnded(() => silos.runtime.withdraw(id))).toEqual({ state: 'absent', parts: [] });
      await until(async () => !(await silos.data.delete(tenantId)), WITHIN_MS);
    });
    await Promise.all(left);
    const { Stacks = [] } = await new CloudFormationClient(clientConfig(account())).send(new DescribeStacksCommand({}));
    expect(Stacks.map(({ StackName }) => StackName).filter((name) => name?.includes('-silo-'))).toEqual([]);
    const { TableNames } = await new DynamoDBClient(clientConfig(account())).send(new ListTablesCommand({}));
    expect(TableNames).toEqual([]);
    await until(() => task.engine.run('ps', '--quiet', '--filter', 'status=running').trim() === '');
    for (const { tenantId } of TENANTS) expect((await request(tenantId, 'GET', '/products')).status).toBe(404);
  });
});
