import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ServiceStatus } from '../../core/ports/runtime.ts';
import { emailOf, eventually, PASSWORD, TestPlatform } from './harness.ts';

/**
 * The platform kills itself (kill -9) at the n-th checkpoint of a tenant's provisioning (embedded/crash-point.ts). After a
 * restart it must reach the same result.
 */
const FAST = { usagePlan: { rate: 10_000, burst: 10_000, quotaPerDay: 1_000_000 } };
const platform = new TestPlatform({
  config: { tiers: { basic: FAST, advanced: FAST, premium: FAST } },
  env: { TIERPLANE_TEST_MODE: '1' },
});
beforeAll(() => platform.start(), 60_000);
afterAll(() => platform.dispose(), 60_000);

/**
 * Checkpoints are before and after each step and each transaction. The provisioner's tests throw at every one of them, for
 * every tier; here a real platform is killed at some of them, spread over all steps.
 */
const CHECKPOINTS = { basic: [1, 3, 6, 9], advanced: [2, 8, 14, 19], premium: [4, 7, 10, 13, 16, 19, 22] } as const;

function crashAt(n: number): void {
  rmSync(join(platform.dataDir, 'crash-missed'), { force: true });
  writeFileSync(join(platform.dataDir, 'crash-at'), String(n));
}

/** Waits for the crash (or for the end, if there are fewer checkpoints), starts the platform again, and waits for the end. */
async function comesTo(tenantId: string, state: string): Promise<void> {
  const missed = () => existsSync(join(platform.dataDir, 'crash-missed'));
  await eventually('the crash, or the last checkpoint', () => !platform.isRunning || missed(), 30_000);
  if (!platform.isRunning) await platform.start();
  await eventually(state, async () => (await platform.tenant(tenantId)).state === state, 30_000);
}

describe.each(['basic', 'advanced', 'premium'] as const)('ON-4: a tenant of tier %s', (tier) => {
  test.each(CHECKPOINTS[tier])(
    'is onboarded and offboarded completely though the platform crashes at checkpoint %i of each',
    async (n) => {
      const tenantName = `Crash ${tier} ${n}`;
      crashAt(n);
      const made = await platform.admin<{ data: { tenantId: string; tenantRegistrationId: string } }>(
        ...(['POST', '/tenant-registrations'] as const),
        {
          tenantData: { tenantName, email: emailOf(tenantName), tier },
          tenantRegistrationData: {},
          adminPassword: PASSWORD,
        },
      );
      const { tenantId, tenantRegistrationId } = made.body.data;
      await comesTo(tenantId, 'active');
      const token = await platform.tenantToken(tenantName, emailOf(tenantName));
      await eventually('served', async () => (await platform.api('GET', '/products', token)).status === 200);

      crashAt(n);
      await platform.admin('DELETE', `/tenant-registrations/${tenantRegistrationId}`);
      await comesTo(tenantId, 'deleted');
      const services = await platform.cliJson<ServiceStatus[]>('services', 'list');
      expect(services.filter((one) => one.tenantId === tenantId)).toEqual([]);
      expect(existsSync(join(platform.dataDir, 'tenants', tenantId))).toBe(false);
    },
    90_000,
  );
});
