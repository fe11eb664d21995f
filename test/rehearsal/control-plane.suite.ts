import { CloudFormationClient, paginateListStackResources } from '@aws-sdk/client-cloudformation';
import { GetRolePolicyCommand, IAMClient, ListRolePoliciesCommand, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { APP_PLANE_SOURCE } from '../../core/events/events.ts';
import { registration } from '../control-plane/api/home.ts';
import { until } from '../support/until.ts';
import { clientConfig } from './account.ts';
import type { Installed } from './installed.ts';

interface Tenant {
  readonly tenantId: string;
  readonly tenantRegistrationId: string;
}

/** What an installed control plane does with results of an application plane, and without one of its permissions. */
export function controlPlane(installed: () => Installed): void {
  async function register(name: string): Promise<Tenant> {
    const { status, text, body } = await installed().call('POST', '/tenant-registrations', registration(name));
    if (status !== 201) throw new Error(text);
    return { tenantId: body.data.tenantId, tenantRegistrationId: body.data.tenantRegistrationId };
  }

  async function stateOf({ tenantId }: Tenant): Promise<string> {
    return (await installed().call('GET', `/tenants/${tenantId}`)).body.data.state;
  }

  function publishResult(detailType: string, tenant: Tenant, status: string, more: object = {}): Promise<void> {
    const tenantRegistrationData = { registrationStatus: status };
    const jobOutput = { tenantRegistrationData, tenantData: { tenantStatus: status, ...more } };
    return installed().watch.put({ source: APP_PLANE_SOURCE, detailType, detail: { ...tenant, jobOutput } });
  }

  /** Waits until earlier results have been delivered: a later result of another tenant has arrived. */
  async function waitForEarlierResults(name: string): Promise<void> {
    const last = await register(name);
    await publishResult('provisionSuccess', last, 'created');
    await until(async () => (await stateOf(last)) === 'active');
  }

  test('RT-6: has every route that its OpenAPI document describes', async () => {
    const { paths } = (await installed().call('GET', '/openapi.json')).body as { paths: Record<string, object> };
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => [method.toUpperCase(), path.replaceAll(/\{\w+\}/g, 'nope')] as const),
    );
    expect(described.length).toBeGreaterThan(25);
    const missing: string[] = [];
    for (const [method, path] of described) {
      const { body } = await installed().call(method, path, undefined, { token: 'none' });
      // This message comes from API Gateway.
      if (body?.message === 'Not Found') missing.push(`${method} ${path}`);
    }
    expect(missing).toEqual([]);
  });

  test('decodes the id of a dead letter, and reports home and region in its status', async () => {
    const replayed = await installed().call(
      'POST',
      `/operator/dead-letters/${encodeURIComponent('outbox~nope')}/replay`,
    );
    expect([replayed.status, replayed.text]).toEqual([404, expect.stringContaining('dead letter not found')]);
    const { body } = await installed().call('GET', '/operator/status');
    expect(body.data).toMatchObject({ home: 'aws', region: 'us-east-1' });
  });

  describe('ON-4: reaches the correct state', () => {
    test('when a result arrives more than once', async () => {
      const tenant = await register('doubled');
      for (let i = 0; i < 3; i++) await publishResult('provisionSuccess', tenant, 'created');
      await until(async () => (await stateOf(tenant)) === 'active');
      await waitForEarlierResults('behind doubled');
      expect(await stateOf(tenant)).toBe('active');
    });

    test('when a result is lost and published again later', async () => {
      const tenant = await register('lost');
      await waitForEarlierResults('before lost');
      expect(await stateOf(tenant)).toBe('registered');
      await publishResult('provisionSuccess', tenant, 'created');
      await until(async () => (await stateOf(tenant)) === 'active');
    });

    test('when a result arrives late, after the tenant was offboarded', async () => {
      const tenant = await register('late');
      await publishResult('provisionSuccess', tenant, 'created');
      await until(async () => (await stateOf(tenant)) === 'active');
      await installed().call('DELETE', `/tenant-registrations/${tenant.tenantRegistrationId}`);
      await publishResult('deprovisionSuccess', tenant, 'deleted');
      await until(async () => (await stateOf(tenant)) === 'deleted');
      await publishResult('provisionSuccess', tenant, 'created');
      await publishResult('provisionFailure', tenant, 'failed', { reason: 'too late' });
      await waitForEarlierResults('behind late');
      expect(await stateOf(tenant)).toBe('deleted');
    });

    test('when a result names a tenant that does not exist', async () => {
      await publishResult(
        'provisionSuccess',
        { tenantId: 'nobody00', tenantRegistrationId: 'reg-nobody00' },
        'created',
      );
      await waitForEarlierResults('behind nobody');
    });
  });

  describe('needs each of its permissions', () => {
    let roles: Map<string, string>;
    let iam: IAMClient;

    beforeAll(async () => {
      const config = clientConfig(installed().account);
      iam = new IAMClient(config);
      roles = new Map();
      const client = new CloudFormationClient(config);
      for await (const page of paginateListStackResources({ client }, { StackName: 'controlplane-stack' })) {
        for (const { ResourceType, LogicalResourceId = '', PhysicalResourceId = '' } of page.StackResourceSummaries ??
          []) {
          if (ResourceType === 'AWS::IAM::Role') roles.set(LogicalResourceId, PhysicalResourceId);
        }
      }
    });

    /** Runs `check` while the role of the function does not allow `action`. */
    async function without(role: RegExp, action: string, check: () => Promise<void>): Promise<void> {
      const RoleName = [...roles].find(([logicalId]) => role.test(logicalId))?.[1];
      const { PolicyNames: [PolicyName] = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName }));
      const { PolicyDocument: before = '' } = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
      const original = before.startsWith('%7B') ? decodeURIComponent(before) : before;
      expect(original).toContain(`"${action}"`);
      const put = (PolicyDocument: string) =>
        iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }));
      await put(original.replaceAll(`"${action}"`, '"none:Nothing"'));
      try {
        await check();
      } finally {
        await put(original);
      }
    }

    const signUp = { tenant_name: 'Umbrella', email: 'alice@umbrella.example', password: 'Correct-horse-7' };
    const user = { userName: 'needy', email: 'needy@example.com', userRole: 'SystemAdmin' };
    test.each([
      [/TenantRegistrationFunc/, 'dynamodb:PutItem', 'POST', '/tenant-registrations', registration('needy')],
      [
        /TenantRegistrationFunc/,
        'dynamodb:GetItem',
        'GET',
        '/tenant-registrations/reg-01hzzzzzzzzzzzzzzzzzzzzzzz',
        undefined,
      ],
      [/TenantRegistrationFunc/, 'kms:Encrypt', 'POST', '/onboarding', signUp],
      [/tenantManagementExecRole/, 'dynamodb:Query', 'GET', '/tenants', undefined],
      [/userManagementExecRole/, 'cognito-idp:AdminCreateUser', 'POST', '/users', user],
      [/TenantConfigServiceLambda/, 'dynamodb:GetItem', 'GET', '/tenant-config/nobody', undefined],
    ])('%s without %s fails %s %s', async (role, action, method, path, body) => {
      const before = await installed().call('GET', '/tenants');
      await without(role, action, async () => {
        const { status } = await installed().call(method, path, body);
        expect(status).toBe(500);
      });
      expect((await installed().call('GET', '/tenants')).body).toEqual(before.body);
      expect([200, 201, 404]).toContain((await installed().call(method, path, body)).status);
    });

    test('without events:InvokeApiDestination a result does not arrive; published again with it, it does', async () => {
      const tenant = await register('unheard');
      await without(/destinationEventsRole/, 'events:InvokeApiDestination', () => {
        return publishResult('provisionSuccess', tenant, 'created');
      });
      await waitForEarlierResults('behind unheard');
      expect(await stateOf(tenant)).toBe('registered');
      await publishResult('provisionSuccess', tenant, 'created');
      await until(async () => (await stateOf(tenant)) === 'active');
    });

    test('without events:PutEvents the publisher publishes nothing; with it, it publishes everything', async () => {
      await installed().watch.seen(1);
      await without(/OutboxPublishRole/, 'events:PutEvents', async () => {
        await register('held back');
        expect(await installed().watch.seen(3)).toEqual([]);
      });
      await register('let go');
      const names: unknown[] = [];
      await until(async () => {
        names.push(...(await installed().watch.seen(1)).map(({ detail }) => detail.tenantName));
        return names.includes('held back') && names.includes('let go');
      }, 60_000);
    });
  });
}
