import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { collectGarbage } from './collect-garbage.ts';
import { figure, type Measured, percentile } from './figure.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';
import { pssOf, treeOf } from './processes.ts';
import type { Run } from './run.ts';
import { stop } from './scratch.ts';
import { startRawServer } from './yardsticks.ts';

export const MB = 1_000_000;
const KB = 1_000;
const READ_EVERY_MS = 200;
/** The number of readings after the first. Their slope is the memory per basic tenant. */
const STEPS = { quick: 2, full: 5 };

/** The mean memory of an advanced tenant's three idle services, compared with three idle node:http servers. */
export async function memoryAdvanced(run: Run): Promise<Measured> {
  const platform = await run.platform();
  while (platform.idleAdvanced.length < run.sizes.rounds) {
    const tenantId = await platform.register(`idle-${platform.idleAdvanced.length}`, 'advanced');
    await platform.untilActive(tenantId);
    platform.idleAdvanced.push(tenantId);
  }
  const servers = await Promise.all([1, 2, 3].map(() => startRawServer(KB)));
  try {
    const services = (await platform.services()).filter((one) => platform.idleAdvanced.includes(one.tenantId ?? ''));
    const pids = services.flatMap((one) => one.tasks.map((task) => task.pid));
    const own = await lowest(() => sum(pids.map(pssOf)), run.sizes.idleMs);
    const yardstick = {
      name: 'three idle node:http servers',
      value: sum(servers.map(({ child }) => pssOf(child.pid ?? 0))) / MB,
      unit: 'MB',
    };
    const tenants = platform.idleAdvanced.length;
    return {
      figure: figure('memory-advanced', own / tenants / MB, 'MB', yardstick, { atMost: 90 }),
      remarks: [`the mean of ${tenants} tenants, ${pids.length} tasks`],
    };
  } finally {
    await Promise.all(servers.map(({ child }) => stop(child)));
  }
}

/**
 * The memory that all processes retain per basic tenant, between 10,000 and 20,000 tenants: the slope of several readings.
 * Platform and gateway collect their garbage before each reading, because garbage is ten times what tenants need.
 */
export async function memoryBasic(run: Run): Promise<Measured> {
  const { tenants, releaseMs, quick } = run.sizes;
  const platform = await run.platform();
  if (platform.basicTenants < tenants) await platform.onboardBasic(tenants - platform.basicTenants);
  const points = [await pointOf(platform, releaseMs)];
  const steps = quick ? STEPS.quick : STEPS.full;
  for (let step = 0; step < steps; step++) {
    await platform.onboardBasic(tenants / steps);
    points.push(await pointOf(platform, releaseMs));
  }
  const stored = {
    name: 'its share of the database file',
    value: slope(points.map(({ count, stored }) => [count, stored])) / KB,
    unit: 'KB',
  };
  const perTenant = slope(points.map(({ count, memory }) => [count, memory])) / KB;
  const readings = points.map(({ memory }) => (memory / MB).toFixed(1)).join(', ');
  return {
    // With fewer tenants the heaps still grow to their normal size, so the goal applies to the second 10,000 only.
    figure: figure('memory-basic', perTenant, 'KB', stored, { atMost: 2 }, quick ? 'nothing' : 'value'),
    remarks: [`from ${points[0]?.count} to ${platform.basicTenants} tenants, all processes: ${readings} MB`],
  };
}

interface Point {
  readonly count: number;
  readonly memory: number;
  readonly stored: number;
}

async function pointOf(platform: PlatformUnderTest, releaseMs: number): Promise<Point> {
  for (const pid of [platform.pid, await platform.gatewayPid()]) await collectGarbage(pid);
  const memory = await lowestMemory(platform, releaseMs);
  return { count: platform.basicTenants, memory, stored: storedBytes(join(platform.dataDir, 'platform.db')) };
}

/** PSS of all processes of an idle platform, in bytes. */
export function lowestMemory(platform: PlatformUnderTest, releaseMs: number): Promise<number> {
  return lowest(() => sum(treeOf(platform.pid).map(pssOf).filter(Number.isFinite)), releaseMs);
}

/** The lowest of several readings, because uncollected garbage only adds to a reading. */
async function lowest(read: () => number, withinMs: number): Promise<number> {
  const end = performance.now() + withinMs;
  let found = read();
  while (performance.now() < end) {
    await wait(READ_EVERY_MS);
    found = Math.min(found, read());
  }
  return found;
}

/** The size of the pages in use, including those that are still in the write-ahead log. */
function storedBytes(file: string): number {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const numberOf = (pragma: string) => Number(Object.values(db.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]);
    return (numberOf('page_count') - numberOf('freelist_count')) * numberOf('page_size');
  } finally {
    db.close();
  }
}

/** The median of the slopes between all pairs of points (Theil-Sen), which is robust against single outliers. */
function slope(points: readonly (readonly [number, number])[]): number {
  const slopes = points.flatMap(([x, y], n) =>
    points.slice(n + 1).map(([laterX, laterY]) => (laterY - y) / (laterX - x)),
  );
  return percentile(slopes, 0.5);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
