import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { APIGatewayClient, GetApiKeysCommand } from '@aws-sdk/client-api-gateway';
import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { GetQueueUrlCommand, SetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadPlacement } from '../../../../app-plane/provisioner/placement.ts';
import { routeKey } from '../../../../core/routing/registry.ts';
import { clientConfig } from '../../../rehearsal/account.ts';
import { until } from '../../../support/until.ts';
import type { InstalledAppPlane } from './installed.ts';

const PRELOAD = join(import.meta.dirname, 'kill-at-call.cjs');
const WITHIN_MS = 150_000;
/** The functions, and the calls of AWS after which they are killed: each call of accept, every second one of reconcile. */
const FUNCTIONS = [
  { name: 'accept', id: 'ProvisionerAccept', calls: [1, 2, 3] },
  { name: 'reconcile', id: 'ProvisionerReconcile', calls: Array.from({ length: 15 }, (_, i) => 2 * i + 1) },
] as const;
/** So many calls are certain. Later ones depend on how often a pass writes its progress. */
const CERTAIN = { onboardingRequest: 25, offboardingRequest: 13 } as const;
/** A message of a killed function is delivered again after this time, which is longer in an installation. */
const VISIBILITY_SECONDS = '4';

const TENANTS = FUNCTIONS.flatMap(({ name, calls }) =>
  calls.map((call) => ({ call, tenantId: `kill${name}${String(call).padStart(26 - 5 - name.length, '0')}x` })),
);
const IDS = TENANTS.map(({ tenantId }) => tenantId).sort();

/** Kills the real functions after each of their calls of AWS. The functions stay preloaded with the program that does it. */
export function killedFunctions(installed: () => InstalledAppPlane): void {
  describe('ON-4: functions that are killed between their calls', () => {
    let marks: string;

    beforeAll(async () => {
      const { account, physicalName } = installed();
      marks = join(account.directory, 'killed');
      const lambda = new LambdaClient(clientConfig(account));
      for (const { name, id } of FUNCTIONS) {
        const FunctionName = await physicalName(id, 'AWS::Lambda::Function');
        const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
        const added = { NODE_OPTIONS: `--require=${PRELOAD}`, KILL_FUNCTION: name, KILL_FOLDER: marks };
        const Variables = { ...Environment?.Variables, ...added };
        await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }));
      }
      const sqs = new SQSClient(clientConfig(account));
      for (const QueueName of ['tierplane-main-app-plane-accept', 'tierplane-main-app-plane-work']) {
        const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName }));
        const Attributes = { VisibilityTimeout: VISIBILITY_SECONDS };
        await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
      }
    }, 60_000);

    /** Requests the same for all tenants, and waits for the phase of each. Checks that the functions were killed. */
    async function requestForAll(
      detailType: keyof typeof CERTAIN,
      phase: string,
      detailOf: (tenantId: string) => object,
    ) {
      rmSync(marks, { recursive: true, force: true });
      mkdirSync(marks);
      const { request, table } = installed();
      await Promise.all(IDS.map((tenantId) => request(detailType, { ...detailOf(tenantId) })));
      const left = new Set(IDS);
      await until(async () => {
        for (const tenantId of left) {
          if ((await loadPlacement(table, tenantId))?.data.phase === phase) left.delete(tenantId);
        }
        return left.size === 0;
      }, WITHIN_MS);
      const certain = TENANTS.filter(({ call }) => call <= CERTAIN[detailType]).map(({ tenantId }) => tenantId);
      expect(readdirSync(marks)).toEqual(expect.arrayContaining(certain));
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
        ...{ tenantName: tenantId, email: `admin@${tenantId}.example`, tier: 'basic' },
      }));
      expect(await apiKeys()).toEqual(IDS);
      for (const tenantId of IDS) expect(await installed().table.get(routeKey(tenantId))).toBeDefined();
    });

    test('offboard every tenant, and leave no API key and no route', async () => {
      await requestForAll('offboardingRequest', 'gone', registrationOf);
      expect(await apiKeys()).toEqual([]);
      for (const tenantId of IDS) expect(await installed().table.get(routeKey(tenantId))).toBeUndefined();
    });
  });
}
