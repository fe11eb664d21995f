import { join } from 'node:path';
import { APIGatewayClient, GetApiKeysCommand } from '@aws-sdk/client-api-gateway';
import { CloudFormationClient, CreateStackCommand, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { GetQueueUrlCommand, PurgeQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { DeadLetters } from '../../../../adapters/aws/events/dead-letters.ts';
import { loadPlacement, placementItem } from '../../../../app-plane/provisioner/placement.ts';
import { manifestKey } from '../../../../core/ports/manifests.ts';
import { put } from '../../../../core/ports/table.ts';
import { routeKey } from '../../../../core/routing/registry.ts';
import { packageVersion } from '../../../../infra/configuration.ts';
import { openInstallation } from '../../../../rehearsal/installation.ts';
import { mailsTo } from '../../../../rehearsal/invited-password.ts';
import { acceptRequests } from '../../../../rehearsal/product/request-queue.ts';
import { assumeNewRole } from '../../../adapters/aws/store/roles.ts';
import { sbtContract } from '../../../control-plane/api/sbt-contract.suite.ts';
import { clientConfig, describeInAccount } from '../../../rehearsal/account.ts';
import { controlPlane } from '../../../rehearsal/control-plane.suite.ts';
import { type Installed, openInstalled } from '../../../rehearsal/installed.ts';
import { until } from '../../../support/until.ts';
import { functionRoles } from './function-roles.ts';
import { type InstalledAppPlane, installAppPlane } from './installed.ts';
import { killedFunctions } from './killed-functions.suite.ts';
import { operatorTests } from './operator.suite.ts';

jest.setTimeout(180_000);

const ACME = 'acme0000000000000000000001';
const GLOBEX = 'globex00000000000000000001';
const INITECH = 'initech0000000000000000001';
const UMBRELLA = 'umbrella000000000000000001';
const HOOLI = 'hooli000000000000000000001';

function onboarding(tenantId: string, tier = 'basic') {
  const name = tenantId.replace(/0.*/, '');
  return { tenantId, tenantRegistrationId: `reg-${tenantId}`, tenantName: name, email: `admin@${name}.example`, tier };
}

describeInAccount('the application plane in an emulated account', (account) => {
  let installed: InstalledAppPlane;
  beforeAll(async () => {
    installed = await installAppPlane(account());
  }, 300_000);

  const placementOf = async (tenantId: string) => (await loadPlacement(installed.table, tenantId))?.data;
  const apiKeys = async (tenantId: string) => {
    const apiGateway = new APIGatewayClient(clientConfig(account()));
    const nameQuery = `tierplane-main-${tenantId}`;
    return (await apiGateway.send(new GetApiKeysCommand({ nameQuery, includeValues: true }))).items ?? [];
  };

  test('ON-1: a request on the bus becomes a served basic tenant and a result on the bus', async () => {
    await installed.request('onboardingRequest', onboarding(ACME));
    const { source, detailType, detail } = await installed.resultOf(ACME);
    expect([source, detailType]).toEqual(['applicationPlaneEventSource', 'provisionSuccess']);
    expect(detail).toMatchObject({
      tenantRegistrationId: `reg-${ACME}`,
      jobOutput: { tenantRegistrationData: { registrationStatus: 'created' } },
    });
    expect((await placementOf(ACME))?.phase).toBe('ready');
    expect((await mailsTo(account(), 'admin@acme.example')).at(-1)?.subject).toBe('Your invitation to acme');
    const route = (await installed.table.get(routeKey(ACME)))?.data;
    expect((await apiKeys(ACME)).map(({ value }) => value)).toEqual([route?.apiKey]);
  });

  test('ON-1: a request that arrives twice is worked on once', async () => {
    await installed.request('onboardingRequest', onboarding(GLOBEX));
    await installed.request('onboardingRequest', onboarding(GLOBEX));
    expect((await installed.resultOf(GLOBEX)).detailType).toBe('provisionSuccess');
    expect(await apiKeys(GLOBEX)).toHaveLength(1);
    expect(await mailsTo(account(), 'admin@globex.example')).toHaveLength(1);
  });

  test('ON-6: an offboarding that arrives first is final', async () => {
    const { tenantId, tenantRegistrationId } = onboarding(INITECH);
    await installed.request('offboardingRequest', { tenantId, tenantRegistrationId });
    expect((await installed.resultOf(INITECH)).detailType).toBe('deprovisionSuccess');
    await installed.request('onboardingRequest', onboarding(INITECH));
    await until(async () => (await installed.watch.seen(1)).length === 0, 10_000);
    expect([(await placementOf(INITECH))?.phase, await apiKeys(INITECH)]).toEqual(['gone', []]);
  });

  test('ON-5: the sweep finds a tenant whose message was lost', async () => {
    const { tenantName: name, email, tenantRegistrationId: registrationId } = onboarding(UMBRELLA);
    const spec = { tenantId: UMBRELLA, registrationId, name, slug: name, tier: 'basic', email } as const;
    const accepted = { tenantId: UMBRELLA, registrationId, spec, desired: 'present', phase: 'accepted' } as const;
    const placement = { ...accepted, steps: [], attempts: 0, acceptedAt: Date.now() };
    await installed.table.transact([put(placementItem(placement, 1))]);
    const FunctionName = await installed.physicalName('ProvisionerSweep', 'AWS::Lambda::Function');
    const lambda = new LambdaClient(clientConfig(account()));
    expect((await lambda.send(new InvokeCommand({ FunctionName }))).FunctionError).toBeUndefined();
    expect((await installed.resultOf(UMBRELLA)).detailType).toBe('provisionSuccess');
  });

  test('ON-5: a silo tenant whose services cannot be created fails with the reason, and leaves nothing behind', async () => {
    await installed.request('onboardingRequest', onboarding(HOOLI, 'advanced'));
    const { detailType, detail } = await installed.resultOf(HOOLI);
    expect(detailType).toBe('provisionFailure');
    const { reason } = (detail.jobOutput as { tenantRegistrationData: { reason: string } }).tenantRegistrationData;
    expect(reason).toMatch(/^could not create service .*Service: /);
    const { Stacks = [] } = await new CloudFormationClient(clientConfig(account())).send(new DescribeStacksCommand());
    const left = Stacks.filter(
      ({ StackName = '', StackStatus }) => StackName.includes(HOOLI) && StackStatus !== 'DELETE_COMPLETE',
    );
    expect(left).toEqual([]);
    const { TableNames = [] } = await new DynamoDBClient(clientConfig(account())).send(new ListTablesCommand());
    expect(TableNames.filter((name) => name.includes(HOOLI))).toEqual([]);
    expect(await apiKeys(HOOLI)).toEqual([]);
  });

  test('ON-6: an offboarding removes users, API key and route', async () => {
    const { tenantId, tenantRegistrationId } = onboarding(ACME);
    await installed.request('offboardingRequest', { tenantId, tenantRegistrationId });
    expect((await installed.resultOf(ACME)).detailType).toBe('deprovisionSuccess');
    expect(await apiKeys(ACME)).toEqual([]);
    expect(await installed.table.get(routeKey(ACME))).toBeUndefined();
    expect((await placementOf(ACME))?.phase).toBe('gone');
  });

  test('SE-1.8: a request that does not match its schema becomes a dead letter', async () => {
    await installed.request('onboardingRequest', { ...onboarding(ACME), tier: 'gold' });
    const letters = new DeadLetters(installed.table);
    const [letter] = await until(async () => {
      const { items } = await letters.page({ consumer: 'app-plane-accept', limit: 10 });
      return items.length > 0 && items;
    }, 60_000);
    expect(letter).toMatchObject({ consumer: 'app-plane-accept', attempts: 1 });
    expect(letter?.reason).toContain("tier must be one of basic, advanced, premium, got 'gold'");
  });

  describe('beside the application plane, whose requests wait,', () => {
    let controlPlaneOfIt: Installed;
    beforeAll(async () => {
      await acceptRequests(account(), false);
      const outputs = join(account().directory, 'outputs.json');
      controlPlaneOfIt = await openInstalled(account(), openInstallation(account(), 'admin@example.com', outputs));
    }, 60_000);
    afterAll(async () => {
      controlPlaneOfIt?.watch.close();
      const sqs = new SQSClient(clientConfig(account()));
      const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'tierplane-main-app-plane-accept' }));
      await sqs.send(new PurgeQueueCommand({ QueueUrl }));
      await acceptRequests(account(), true);
    });

    // Requires that there is no tenant.
    sbtContract('AWS', async () => ({
      call: controlPlaneOfIt.call,
      events: () => controlPlaneOfIt.watch.seen(5),
      close: async () => {},
    }));
    controlPlane(() => controlPlaneOfIt);
  });

  operatorTests(() => installed);

  functionRoles(account);

  describe('SE-2: the role of', () => {
    const as = async (id: string, use = 'table') => {
      const statements = await installed.statementsOf(id);
      return clientConfig(account(), await assumeNewRole(account(), `${id}-${use}`, statements));
    };
    const denied = { name: expect.stringMatching(/AccessDenied/) };
    test("OutboxPublish may not publish the control plane's events", async () => {
      const events = new EventBridgeClient(await as('OutboxPublish'));
      const entry = { Source: 'controlPlaneEventSource', DetailType: 'onboardingRequest', Detail: '{}' };
      const EventBusName = await busName();
      await expect(events.send(new PutEventsCommand({ Entries: [{ ...entry, EventBusName }] }))).rejects.toMatchObject(
        denied,
      );
    });
    const busName = async () => {
      const { Stacks: [stack] = [] } = await new CloudFormationClient(clientConfig(account())).send(
        new DescribeStacksCommand({ StackName: 'controlplane-stack' }),
      );
      return stack?.Outputs?.find(({ OutputKey }) => OutputKey === 'eventBridgeArn')?.OutputValue;
    };

    test('ProvisionerReconcile may read installed releases, and neither write them nor read anything else', async () => {
      const config = { ...clientConfig(account()), forcePathStyle: true };
      const { Buckets = [] } = await new S3Client(config).send(new ListBucketsCommand());
      const Bucket = Buckets.find(({ Name = '' }) => /releases/i.test(Name))?.Name;
      await new S3Client(config).send(new PutObjectCommand({ Bucket, Key: 'other/secret.json', Body: '{}' }));
      const s3 = new S3Client({ ...config, ...(await as('ProvisionerReconcile', 'releases')) });
      const Key = manifestKey(packageVersion());
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
      const { release, templates } = JSON.parse((await Body?.transformToString()) ?? '{}');
      expect([release, Object.keys(templates)]).toEqual([packageVersion(), expect.arrayContaining(['silo-data'])]);
      const calls = [
        new GetObjectCommand({ Bucket, Key: 'other/secret.json' }),
        new PutObjectCommand({ Bucket, Key, Body: '{}' }),
        new ListObjectsV2Command({ Bucket }),
      ];
      for (const call of calls) await expect(s3.send(call as GetObjectCommand)).rejects.toMatchObject(denied);
    });

    test('ProvisionerReconcile may not touch a stack of the platform, nor create one with its own rights', async () => {
      const cloudFormation = new CloudFormationClient(await as('ProvisionerReconcile', 'stacks'));
      const find = new DescribeStacksCommand({ StackName: 'shared-infra-stack' });
      await expect(cloudFormation.send(find)).rejects.toMatchObject(denied);
      const own = { StackName: `tierplane-main-silo-${ACME}`, TemplateBody: '{"Resources":{}}' };
      await expect(cloudFormation.send(new CreateStackCommand(own))).rejects.toMatchObject(denied);
    });
  });

  // Last: the functions stay changed.
  killedFunctions(() => installed);
});
