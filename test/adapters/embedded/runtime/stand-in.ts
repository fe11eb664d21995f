import { rmSync } from 'node:fs';
import { deploy, FIXTURES, getFrom, parentOf, pooled, premium, silo, startPlatform, taskOf } from './platform.ts';

/**
 * Runs a platform in its own process, for tests that kill it: `node stand-in.ts <data directory>`. Starts tasks of all three
 * tiers, blocks the event loop of one in each cluster, and sends the pids to its parent.
 */
export interface StandIn {
  readonly instance: string;
  readonly agents: readonly number[];
  readonly tasks: readonly number[];
  /** A descendant of the second task that has left its session, its parent and its environment. */
  readonly stray: number;
  readonly ownUsers: boolean;
  readonly notes: readonly string[];
}

const dataDir = process.argv[2];
if (dataDir === undefined) throw new Error('missing argument: data directory');
const { runtime, instance } = await startPlatform({ dataDir, servicesDir: process.argv[3] ?? FIXTURES });
const specs = [
  pooled(),
  pooled({ service: 'other' }),
  silo('tenantfall1'),
  premium('tenantfall2'),
  premium('tenantfall2', { service: 'other' }),
];
await deploy(runtime, specs);
const tasks = await Promise.all(specs.map((spec) => taskOf(runtime, spec)));
const stray: number = (await getFrom(tasks[1]?.endpoint ?? '', '/detach')).body.pid;
// A blocked task counts as hung after 4 s; the test ends before.
for (const task of [tasks[0], tasks[2], tasks[3]]) getFrom(task?.endpoint ?? '', '/block').catch(() => undefined);
const { ownUsers, notes } = runtime.isolation;
const pids = tasks.map(({ pid }) => pid);
const standIn: StandIn = { instance, agents: [...new Set(pids.map(parentOf))], tasks: pids, stray, ownUsers, notes };
process.send?.(standIn);
process.on('disconnect', () => rmSync(dataDir, { recursive: true, force: true }));
