import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ServiceStatus } from '../../core/ports/runtime.ts';
import { emailOf, eventually, PASSWORD, type TenantRef, TestPlatform } from './harness.ts';

/**
 * The platform kills itself (kill -9) at the n-th checkpoint of a tenant, is started again without orders,
 * and must come to the same end. TIERPLANE_CRASH_AT=<n> is heeded in test mode only.
 */
const FAST = { usagePlan: { rate: 10_000, burst: 10_000, quotaPerDay: 1_000_000 } };
const platform = new TestPlatform({
  config: { tiers: { basic: FAST, advanced: FAST, premium: FAST } },
  env: { TIERPLANE_TEST_MODE: '1' },
});
beforeAll(() => platform.start(), 60_000);
afterAll(() => platform.dispose(), 60_000);

/**
 * The checkpoints stand before and after each step and each transaction. Every one of them, for every tier, is tried in
 * test/provisioner with a crash that is thrown; here it is a real kill of a real platform, spread over all steps.
 */
const CHECKPOINTS = { basic: [1, 3, 6, 9], advanced: [2, 8, 14, 20], premium: [4, 7, 10, 13, 16, 19, 22] } as const;

async function restartWith(crashAt: number | undefined): Promise<void> {
  await platform.stop();
  await platform.start(crashAt === undefined ? {} : { TIERPLANE_CRASH_AT: String(crashAt) });
}

/** Waits for the crash, or for the tenant's end where there were fewer checkpoints; then starts without orders. */
async function crashed(name: string, until: string): Promise<void> {
  await Promise.race([
    platform.ended(),
    eventually('the crash, or the end', async () => (await stateOf(name)) === until, 30_000).catch(() => undefined),
  ]);
  await restartWith(undefined);
}

async function stateOf(name: string): Promise<string | undefined> {
  const found = await platform.cli('tenants', 'list', '--deleted', '--name', name, '--json');
  if (found.code !== 0) return undefined;
  return (JSON.parse(found.stdout) as TenantRef[]).at(-1)?.state;
}

describe.each(['basic', 'advanced', 'premium'] as const)('ON-4: a %s tenant', (tier) => {
  test.each(CHECKPOINTS[tier])(
    'is onboarded and offboarded completely though the platform crashes at checkpoint %i of each',
    async (n) => {
      const name = `Crash ${tier} ${n}`;
      await restartWith(n);
      const args = ['--name', name, '--email', emailOf(name), '--tier', tier, '--admin-password', PASSWORD];
      const { tenantId } = await platform.cliJson<{ tenantId: string }>('tenants', 'create', ...args);
      await crashed(name, 'active');
      await eventually('active', async () => (await platform.tenant(tenantId)).state === 'active', 30_000);
      const token = await platform.tenantToken(name, emailOf(name));
      expect((await platform.api('GET', '/products', token)).status).toBe(200);

      await restartWith(n);
      await platform.cliJson('tenants', 'delete', name, '--yes');
      await crashed(name, 'deleted');
      await eventually('deleted', async () => (await platform.tenant(tenantId)).state === 'deleted', 30_000);
      const services = await platform.cliJson<ServiceStatus[]>('services', 'list');
      expect(services.filter((one) => one.tenantId === tenantId)).toEqual([]);
      expect(existsSync(join(platform.dataDir, 'tenants', tenantId))).toBe(false);
    },
    90_000,
  );
});
