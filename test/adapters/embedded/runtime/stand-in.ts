import { rmSync } from 'node:fs';
import { ask, FIXTURES, parentOf, pooled, premium, silo, startPlatform, taskOf } from './platform.ts';

/**
 * A platform in a process of its own, to be killed: `node stand-in.ts <data directory>`. Starts tasks of all three
 * tiers, blocks the loop of one in each cluster, and tells its parent who is who.
 */
export interface StandIn {
  readonly instance: string;
  readonly agents: readonly number[];
  readonly tasks: readonly number[];
  readonly ownUsers: boolean;
  readonly notes: readonly string[];
}

const dataDir = process.argv[2];
if (dataDir === undefined) throw new Error('which data directory?');
const { runtime, instance } = await startPlatform({ dataDir, servicesDir: process.argv[3] ?? FIXTURES });
const specs = [
  pooled(),
  pooled({ service: 'other' }),
  silo('tenantfall1'),
  premium('tenantfall2'),
  premium('tenantfall2', { service: 'other' }),
];
await Promise.all(specs.map((spec) => runtime.ensureService(spec)));
const tasks = await Promise.all(specs.map((spec) => taskOf(runtime, spec)));
// A blocked task would be found hung within 4 s; the test is over before.
for (const task of [tasks[0], tasks[2], tasks[3]]) ask(task?.endpoint ?? '', '/block').catch(() => undefined);
const { ownUsers, notes } = runtime.isolation;
const pids = tasks.map(({ pid }) => pid);
const told: StandIn = { instance, agents: [...new Set(pids.map(parentOf))], tasks: pids, ownUsers, notes };
process.send?.(told);
process.on('disconnect', () => rmSync(dataDir, { recursive: true, force: true }));
