import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { APIGatewayClient, GetApiKeysCommand } from '@aws-sdk/client-api-gateway';
import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { GetQueueUrlCommand, SetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { LEASE_MS } from '../../../../app-plane/provisioner/claim.ts';
import { loadPlacement } from '../../../../app-plane/provisioner/placement.ts';
import { emailKey, userKey } from '../../../../core/identity/users/user-records.ts';
import { type Key, put, type Table } from '../../../../core/ports/table.ts';
import { routeKey } from '../../../../core/routing/registry.ts';
import { until } from '../../../../scripts/until.ts';
import { clientConfig } from '../../../rehearsal/account.ts';
import type { InstalledAppPlane } from './installed.ts';

const PRELOAD = join(import.meta.dirname, 'kill-at-call.cjs');
const WITHIN_MS = 240_000;
/**
 * The functions, and the calls of AWS after which they are killed: each call of accept that follows its look-up of the event,
 * and every second one of reconcile. It makes 35 or more until a tenant is ready, and more until it is gone.
 */
const FUNCTIONS = [
  { name: 'accept', id: 'ProvisionerAccept', calls: [1, 2, 3, 4] },
  { name: 'reconcile', id: 'ProvisionerReconcile', calls: Array.from({ length: 18 }, (_, i) => 2 * i + 1) },
] as const;
const QUEUES = ['tierplane-main-app-plane-accept', 'tierplane-main-app-plane-work'];
/** A message of a killed function is delivered again after this time, when its lease has ended. An installation waits longer. */
const VisibilityTimeout = String(LEASE_MS / 1_000);

const TENANTS = FUNCTIONS.flatMap(({ name, calls }) =>
  calls.map((call) => ({ call, tenantId: `kill${name}${String(call).padStart(26 - 5 - name.length, '0')}x` })),
);
const IDS = TENANTS.map(({ tenantId }) => tenantId).sort();
const emailOf = (tenantId: string) => `admin@${tenantId}.example`;

/** Kills the real functions after each of their calls of AWS. The functions stay preloaded with the program that does it. */
export function killedFunctions(installed: () => InstalledAppPlane): void {
  describe('ON-4: functions that are killed between their calls', () => {
    beforeAll(async () => {
      const config = clientConfig(installed().account);
      const sqs = new SQSClient(config);
      for (const QueueName of QUEUES) {
        const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName }));
        await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { VisibilityTimeout } }));
      }
      // One message at a time, so that each call belongs to one tenant, and few processes, which start again and again.
      const lambda = new LambdaClient(config);
      const { EventSourceMappings = [] } = await lambda.send(new ListEventSourceMappingsCommand({}));
      for (const { UUID, EventSourceArn } of EventSourceMappings) {
        if (!QUEUES.some((name) => EventSourceArn?.endsWith(`:${name}`))) continue;
        const ScalingConfig = { MaximumConcurrency: 4 };
        await lambda.send(new UpdateEventSourceMappingCommand({ UUID, BatchSize: 1, ScalingConfig }));
      }
    }, 60_000);

    /** From now on, the functions are killed. @returns a folder with a file for each tenant for which it has happened */
    async function killFrom(detailType: string): Promise<string> {
      const { account, physicalName } = installed();
      const marks = join(account.directory, `killed-${detailType}`);
      mkdirSync(marks);
      const lambda = new LambdaClient(clientConfig(account));
      for (const { name, id } of FUNCTIONS) {
        const FunctionName = await physicalName(id, 'AWS::Lambda::Function');
        const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
        const added = { NODE_OPTIONS: `--require=${PRELOAD}`, KILL_FUNCTION: name, KILL_FOLDER: marks };
        const Variables = { ...Environment?.Variables, ...added };
        await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }));
      }
      return marks;
    }

    /** Requests the same for all tenants, and waits for the phase of each. Checks that the functions were killed. */
    async function requestForAll(detailType: string, phase: string, detailOf: (tenantId: string) => object) {
      const marks = await killFrom(detailType);
      const { request, table } = installed();
      await Promise.all(IDS.map((tenantId) => request(detailType, { ...detailOf(tenantId) })));
      const left = new Map<string, object | undefined>(IDS.map((tenantId) => [tenantId, undefined]));
      const look = async (tenantId: string) => {
        const placement = (await loadPlacement(table, tenantId))?.data;
        if (placement?.phase === phase) left.delete(tenantId);
        else left.set(tenantId, placement);
        if (placement?.pending?.includes('is reserved')) await endReservation(table, emailOf(tenantId));
      };
      const allDone = async () => {
        for (const tenantId of [...left.keys()]) await look(tenantId);
        return left.size === 0;
      };
      const failure = () => `not ${phase} after ${WITHIN_MS} ms: ${JSON.stringify(Object.fromEntries(left))}`;
      await until(allDone, { withinMs: WITHIN_MS, everyMs: 500, failure });
      expect(readdirSync(marks)).toEqual(expect.arrayContaining(IDS));
    }

    async function apiKeys(): Promise<string[]> {
      const apiGateway = new APIGatewayClient(clientConfig(installed().account));
      const { items = [] } = await apiGateway.send(new GetApiKeysCommand({ limit: 500 }));
      return items.flatMap(({ name }) => IDS.filter((tenantId) => name === `tierplane-main-${tenantId}`)).sort();
    }

    const registrationOf = (tenantId: string) => ({ tenantId, tenantRegistrationId: `reg-${tenantId}` });

    test('onboard every tenant, with one API key and a route each', async () => {
      await requestForAll('onboardingRequest', 'ready', (tenantId) => ({
        ...registrationOf(tenantId),
        ...{ tenantName: tenantId, email: emailOf(tenantId), tier: 'basic' },
      }));
      expect(await apiKeys()).toEqual(IDS);
      for (const tenantId of IDS) expect(await installed().table.get(routeKey(tenantId))).toBeDefined();
    }, 250_000);

    test('offboard every tenant, and leave no API key and no route', async () => {
      await requestForAll('offboardingRequest', 'gone', registrationOf);
      expect(await apiKeys()).toEqual([]);
      for (const tenantId of IDS) expect(await installed().table.get(routeKey(tenantId))).toBeUndefined();
    }, 250_000);
  });
}

/** Ends the minute for which a function that was killed has reserved the email of an administrator. */
async function endReservation(table: Table, email: string): Promise<void> {
  for (const key of [userKey('pool', email), emailKey('pool', email)] as const) {
    const item = await table.get(key as Key<object>);
    if (!item?.expiresAt) continue;
    await table.transact([put({ ...item, version: item.version + 1, expiresAt: 1 }, { version: item.version })]);
  }
}
