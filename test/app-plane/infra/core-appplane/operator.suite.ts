import { CloudFormationClient, CreateStackCommand, DeleteStackCommand } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient, GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { ECSClient, ListTasksCommand } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadPlacement, placementItem } from '../../../../app-plane/provisioner/placement.ts';
import { envelope } from '../../../../core/events/events.ts';
import { REJECTED } from '../../../../core/events/outbox-partitions.ts';
import { put, type Table } from '../../../../core/ports/table.ts';
import { CommandLine } from '../../../../rehearsal/command-line.ts';
import { clientSecret, machineToken, signInAgain } from '../../../../rehearsal/installation.ts';
import { invitedPassword, mailsTo } from '../../../../rehearsal/invited-password.ts';
import { signIn } from '../../../../rehearsal/managed-login.ts';
import { Stacks } from '../../../../rehearsal/stacks.ts';
import { TIERS } from '../../../../tenant-templates/tiers.ts';
import { assumeNewRole } from '../../../adapters/aws/store/roles.ts';
import { clientConfig } from '../../../rehearsal/account.ts';
import { ADMIN_PASSWORD } from '../../../rehearsal/installed.ts';
import { echoTemplate } from '../../../rehearsal/task/echo-template.ts';
import { until } from '../../../support/until.ts';
import type { InstalledAppPlane } from './installed.ts';

const ADMIN = 'admin@stark.example';
const PASSWORD = 'Correct-horse-1';
const UNKNOWN = '00000000000000000000000000';
/** Logical id of the resource that keeps a stack in progress for as long as a test needs. */
const WAITING = 'OrdersService';
const WAITING_STACK = {
  Resources: {
    Handle: { Type: 'AWS::CloudFormation::WaitConditionHandle' },
    [WAITING]: {
      Type: 'AWS::CloudFormation::WaitCondition',
      Properties: { Handle: { Ref: 'Handle' }, Timeout: '600', Count: 1 },
    },
  },
};

/**
 * The operator's routes, called at the address of the control plane's API. The account has no containers, and its first
 * administrator has signed in by `openInstalled`.
 */
export function operatorTests(installed: () => InstalledAppPlane): void {
  describe('the operator function', () => {
    let token: string;
    let tenantId: string;
    const call = async (method: string, path: string, body?: unknown, as = token) => {
      const authorization = as === '' ? {} : { token: `Bearer ${as}` };
      const response = await installed().installation.call(method, path, { ...authorization, body });
      return { status: response.status, body: response.body as Record<string, unknown> };
    };
    const data = async <T>(path: string) => (await call('GET', path)).body.data as T;

    beforeAll(async () => {
      ({ accessToken: token } = await signInAgain(installed().installation, { password: ADMIN_PASSWORD }));
      const tenantData = { tenantName: 'Stark', email: ADMIN, tier: 'basic' };
      const created = await call('POST', '/tenant-registrations', { tenantData, tenantRegistrationData: {} });
      ({ tenantId } = created.body.data as { tenantId: string });
      await until(async () => (await data<{ state: string }>(`/tenants/${tenantId}`)).state === 'active', 60_000);
    }, 120_000);

    test("ON-3: shows a tenant's steps, and that nothing is left to change", async () => {
      const { state, steps } = await data<{ state: string; steps: { name: string; status: string }[] }>(
        `/tenants/${tenantId}/progress`,
      );
      expect([state, steps.every(({ status }) => status === 'done')]).toEqual(['active', true]);
      expect(steps.map(({ name }) => name)).toEqual(['create administrator', 'create API key', 'create route']);
      expect(await data(`/tenants/${tenantId}/plan`)).toEqual({ tenantId, changes: [] });
      expect(await data(`/operator/tenants/${tenantId}/release`)).toMatchObject({ state: 'pooled' });
    });

    test('ON-3: joins the steps with the events of a stack while it works, and writes no placement', async () => {
      const { table, account } = installed();
      const before = await loadPlacement(table, tenantId);
      if (!before) throw new Error('the tenant has no placement');
      const startedAt = new Date().toISOString();
      const working = {
        ...before.data,
        ...({ phase: 'provisioning', nextAttemptAt: Date.now() + 3_600_000 } as const),
        steps: ['create service orders', 'create service products'].map((name) => ({
          ...{ name, status: 'running' as const, startedAt },
        })),
      };
      await table.transact([put(placementItem(working, before.version + 1))]);
      const cloudFormation = new CloudFormationClient(clientConfig(account));
      const StackName = `tierplane-main-silo-${tenantId}`;
      await cloudFormation.send(new CreateStackCommand({ StackName, TemplateBody: JSON.stringify(WAITING_STACK) }));
      try {
        const steps = await until(async () => {
          const progress = await data<{ steps: { reason?: string }[] }>(`/tenants/${tenantId}/progress`);
          return progress.steps.every(({ reason }) => reason?.includes(WAITING)) && progress.steps;
        });
        const reason = `stack ${StackName} is being created; 1 resource is complete, in progress: ${WAITING}`;
        expect(steps).toEqual(working.steps.map((step) => ({ ...step, reason })));
        expect((await loadPlacement(table, tenantId))?.version).toBe(before.version + 1);
      } finally {
        await cloudFormation.send(new DeleteStackCommand({ StackName }));
        await table.transact([put(placementItem(before.data, before.version + 2))]);
      }
    });

    test("ON-2: invites a tenant's administrator again, with a new password and the tenant's name", async () => {
      const { account } = installed();
      const first = await invitedPassword(account, ADMIN);
      const invited = await call('POST', `/tenants/${tenantId}/invitation`, {});
      expect(invited).toEqual({
        ...{ status: 200, body: { data: { userName: ADMIN, email: ADMIN, created: false } } },
      });
      const mails = await mailsTo(account, ADMIN);
      expect(mails.map(({ subject }) => subject)).toEqual(['Your invitation to Stark', 'Your invitation to Stark']);
      expect(await invitedPassword(account, ADMIN)).not.toBe(first);
    });

    test('OB-5: lists the dead letters of both planes in one list, and replays each', async () => {
      const { table, controlPlaneTable } = installed();
      await installed().request('onboardingRequest', { tenantId: UNKNOWN, tier: 'gold' });
      const reject = (own: Table, id: string) => {
        const event = { ...envelope(id, 'onboardingRequest', {}, 0), source: 'nobody' };
        return own.transact([put({ ...REJECTED, sk: id, version: 1, data: { event, reason: 'no schema' } })]);
      };
      await reject(controlPlaneTable, '01control');
      await reject(table, '01application');
      type Letter = { id: string; consumer: string; event: { detail: { tenantId?: string } } };
      const own = async () => {
        const letters = await data<Letter[]>('/operator/dead-letters');
        return letters.filter(({ id, event }) => event.detail.tenantId === UNKNOWN || id.includes('~01'));
      };
      const letters = await until(async () => {
        const found = await own();
        return found.length === 3 && found;
      }, 60_000);
      expect(letters.map(({ consumer }) => consumer)).toEqual(['app-plane-accept', 'outbox', 'app-plane-outbox']);
      for (const { id } of letters) {
        expect((await call('POST', `/operator/dead-letters/${encodeURIComponent(id)}/replay`)).status).toBe(200);
      }
      // None matches a schema, so each becomes a dead letter again.
      await until(async () => (await own()).length === 3, 60_000);
      expect((await call('POST', '/operator/dead-letters/app-plane-outbox~none/replay')).status).toBe(404);
    }, 150_000);

    test('OB-3: lists services, and knows none where the pool has no stack', async () => {
      expect(await data('/operator/services')).toEqual([]);
      expect(await data(`/operator/services?tenantId=${tenantId}`)).toEqual([]);
      const key = { cluster: 'pool', tenantId: null, service: 'orders' };
      expect((await call('POST', '/operator/services/restart', key)).status).toBe(404);
      expect((await call('POST', '/operator/services/scale', { ...key, desired: 2 })).status).toBe(404);
    });

    test.each([
      ['GET', '/tenants/{}/plan', undefined, 404],
      ['GET', '/tenants/{}/progress', undefined, 404],
      ['POST', '/tenants/{}/invitation', {}, 404],
      ['POST', '/tenants/{}/invitation', { email: 'x' }, 422],
      ['POST', '/operator/tenants/{}/release', { release: '../x' }, 422],
      ['POST', '/operator/tenants/{}/release', {}, 404],
      ['GET', '/operator/services?cluster=mine', undefined, 422],
      ['POST', '/operator/services/restart', '{', 400],
      ['POST', '/operator/services/scale', { cluster: 'pool', service: 'orders' }, 422],
      ['GET', '/operator/dead-letters?next_token=x', undefined, 400],
    ])('refuses %s %s %j with %i', async (method, path, body, status) => {
      const id = path.includes('invitation') || status === 422 ? (status === 404 ? UNKNOWN : tenantId) : UNKNOWN;
      expect((await call(method, path.replace('{}', id), body)).status).toBe(status);
    });

    test('SE-2: refuses callers without a token, and a client that may only report results', async () => {
      expect((await call('GET', '/operator/services', undefined, '')).status).toBe(401);
      const machine = await machineToken(installed().installation);
      expect((await call('GET', '/operator/services', undefined, machine)).status).toBe(403);
      expect((await call('GET', `/tenants/${tenantId}/progress`, undefined, machine)).status).toBe(200);
    });

    test('SE-2: its role may not read other records, nor list the tasks of other clusters', async () => {
      const { account, physicalName, statementsOf } = installed();
      const role = await assumeNewRole(account, 'operator', await statementsOf('OperatorRoutes'));
      const denied = { name: expect.stringMatching(/AccessDenied/) };
      const db = new DynamoDBClient(clientConfig(account, role));
      const TableName = await physicalName('Table', 'AWS::DynamoDB::Table', 'controlplane-stack');
      const lock = { pk: { S: 'tenant-slug#stark' }, sk: { S: 'lock' } };
      await expect(db.send(new GetItemCommand({ TableName, Key: lock }))).rejects.toMatchObject(denied);
      const own = { pk: { S: `tenant#${tenantId}` }, sk: { S: 'tenant' } };
      expect((await db.send(new GetItemCommand({ TableName, Key: own }))).Item).toBeDefined();
      const query = {
        ...{ TableName: 'tierplane-main-pool-orders', KeyConditionExpression: 'pk = :pk' },
        ExpressionAttributeValues: { ':pk': { S: `${tenantId}#orders` } },
      };
      await expect(db.send(new QueryCommand(query))).rejects.toMatchObject(denied);
      const ecs = new ECSClient(clientConfig(account, role));
      await expect(ecs.send(new ListTasksCommand({ cluster: 'other' }))).rejects.toMatchObject(denied);
    });

    describe('the command line with --aws', () => {
      let commandLine: CommandLine;
      let client: Readonly<Record<string, string>>;
      beforeAll(async () => {
        const { installation } = installed();
        commandLine = new CommandLine(installation);
        const { AutomationClientId: TIERPLANE_CLIENT_ID } = installation.outputs;
        const TIERPLANE_CLIENT_SECRET = await clientSecret(installation, TIERPLANE_CLIENT_ID);
        client = { TIERPLANE_CLIENT_ID, TIERPLANE_CLIENT_SECRET };
      });
      afterAll(() => commandLine[Symbol.dispose]());

      test('reads plans, releases and services from the operator function', async () => {
        const plan = await commandLine.run(['--aws', 'tenants', 'plan', 'Stark', '--json'], client);
        expect([plan.code, plan.stderr]).toEqual([0, '']);
        expect(JSON.parse(plan.stdout)).toEqual([]);
        const services = await commandLine.run(['--aws', 'services', 'list'], client);
        expect([services.code, services.stderr.trim()]).toEqual([0, 'no services']);
      });

      test("RT-3: throttle-test sends load to the tenants' API with the token of any user of the tenant", async () => {
        const { account, installation, physicalName } = installed();
        const parameters = {
          ListenerArn: await physicalName(
            'Shard1LoadBalancerListener',
            'AWS::ElasticLoadBalancingV2::Listener',
            'shared-infra-stack',
          ),
        };
        await new Stacks(account).create('echo', echoTemplate(['pool']), parameters);
        const config = await installation.call('GET', '/tenant-config/stark');
        const { clientId } = config.body as { clientId: string };
        const domain = await physicalName('PoolUserPoolDomain', 'AWS::Cognito::UserPoolDomain', 'shared-infra-stack');
        const { accessToken } = await signIn(account, {
          domain: `https://${domain}.auth.us-east-1.amazoncognito.com`,
          ...{ clientId, callbackUrl: 'http://localhost:8976/callback', scope: 'openid email' },
          ...{ userName: ADMIN, password: await invitedPassword(account, ADMIN), newPassword: PASSWORD },
        });
        const load = ['--tenant', 'Stark', '--seconds', '1', '--json'];
        const run = await commandLine.run(['--aws', 'throttle-test', '--rate', '100', ...load], {
          ...client,
          TIERPLANE_TENANT_TOKEN: accessToken,
        });
        expect([run.code, run.stderr]).toEqual([0, expect.stringContaining('100 requests/s for 1 s as Stark')]);
        const report = JSON.parse(run.stdout);
        expect(report).toMatchObject({ tier: 'basic', sent: 100, plan: TIERS.basic.usagePlan, otherStatuses: {} });
        expect(report.ok).toBeGreaterThanOrEqual(TIERS.basic.usagePlan.burst);
        expect(report.throttled).toBeGreaterThan(0);
        const invalid = await commandLine.run(['--aws', 'throttle-test', '--rate', '5', ...load], {
          ...client,
          TIERPLANE_TENANT_TOKEN: 'not-a-token',
        });
        expect([invalid.code, JSON.parse(invalid.stdout)]).toMatchObject([1, { ok: 0, otherStatuses: { 401: 5 } }]);
      });
    });
  });
}
