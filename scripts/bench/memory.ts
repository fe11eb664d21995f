import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ServiceStatus } from '../../core/ports/runtime.ts';
import { figure, type Measured, type Sizes } from './figure.ts';
import { PlatformUnderTest } from './platform-under-test.ts';
import { pssOf, stop, treeOf } from './processes.ts';

const MB = 1_000_000;
const TENANTS = 10;
/** Idle processes give back memory within this time. */
const SETTLE_MS = 3_000;

/** Three idle services of an advanced tenant, the mean of ten tenants, beside three idle node:http servers. */
export async function memoryAdvanced(): Promise<Measured> {
  const platform = new PlatformUnderTest();
  const bare: ChildProcess[] = [];
  try {
    await platform.start();
    for (let n = 0; n < TENANTS; n++) await platform.untilActive(await platform.register(`idle-${n}`, 'advanced'));
    for (let n = 0; n < 3; n++) {
      const server = spawn(process.execPath, [join(import.meta.dirname, 'raw-server.ts')], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      bare.push(server);
      await once(server.stdout, 'data');
    }
    await wait(SETTLE_MS);
    const { data } = await platform.admin<{ data: ServiceStatus[] }>('GET', '/operator/services');
    const own = data.filter((one) => one.tenantId !== null).flatMap((one) => one.tasks.map((task) => task.pid));
    const mean = sum(own.map(pssOf)) / TENANTS / MB;
    const yardstick = {
      name: 'three idle node:http servers',
      value: sum(bare.map((child) => pssOf(child.pid ?? 0))) / MB,
      unit: 'MB',
    };
    return { figures: [figure('memory-advanced', mean, 'MB', yardstick, { atMost: 90 })] };
  } finally {
    for (const child of bare) await stop(child);
    await platform.dispose();
  }
}

/** How much all processes grow per basic tenant, once warm: from the first `tenants` to twice as many. */
export async function memoryBasic({ tenants }: Sizes): Promise<Measured> {
  const platform = new PlatformUnderTest();
  try {
    await platform.start();
    await onboard(platform, 'warm', tenants);
    const before = await settled(platform);
    await onboard(platform, 'more', tenants);
    const after = await settled(platform);
    const perTenant = (after.memory - before.memory) / tenants / 1_000;
    const stored = {
      name: 'its share of the database file',
      value: (after.stored - before.stored) / tenants / 1_000,
      unit: 'KB',
    };
    return { figures: [figure('memory-basic', perTenant, 'KB', stored, { atMost: 2 })] };
  } finally {
    await platform.dispose();
  }
}

async function onboard(platform: PlatformUnderTest, prefix: string, count: number): Promise<void> {
  let next = 0;
  let last = '';
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      while (next < count) last = await platform.register(`${prefix}-${next++}`, 'basic');
    }),
  );
  await platform.untilActive(last);
}

async function settled(platform: PlatformUnderTest): Promise<{ memory: number; stored: number }> {
  await wait(SETTLE_MS);
  const file = join(platform.dataDir, 'platform.db');
  const stored = statSync(file).size + statSync(`${file}-wal`).size;
  return { memory: sum(treeOf(platform.pid).map(pssOf).filter(Number.isFinite)), stored };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
