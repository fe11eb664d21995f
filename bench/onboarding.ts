import { setTimeout as wait } from 'node:timers/promises';
import { figure, type Measured, percentile, round } from './figure.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';
import type { Run } from './run.ts';
import { bareNodeStart, durableCommit } from './yardsticks.ts';

const PACE_PER_SECOND = 50;
/** Looking more often would take time from the tasks that start. */
const LOOK_EVERY_MS = 20;

/** Basic tenants at an easy pace: from POST to `active`. */
export async function pacedOnboarding(run: Run): Promise<Measured> {
  const platform = await run.platform();
  const commit = await durableCommit(run);
  await platform.adminToken();
  const start = performance.now();
  const times = await Promise.all(
    Array.from({ length: run.sizes.rounds * 20 }, async (_, n) => {
      await wait(Math.max(0, (n * 1000) / PACE_PER_SECOND - (performance.now() - start)));
      const posted = performance.now();
      await platform.untilActive(await platform.register(`paced-${n}`, 'basic'));
      return performance.now() - posted;
    }),
  );
  return {
    figure: figure('onboarding-basic-p50', percentile(times, 0.5), 'ms', commit, { atMost: 20 }),
    remarks: [`p99 is ${round(percentile(times, 0.99))} ms, with ${platform.basicTenants} tenants there before`],
  };
}

/** Silo tenants: from POST to the first answer of their own service through the gateway. */
export async function siloOnboarding(run: Run, tier: 'advanced' | 'premium', goalMs: number): Promise<Measured> {
  const platform = await run.platform();
  const bare = await bareNodeStart(run);
  const times: number[] = [];
  for (let n = 0; n < run.sizes.rounds; n++) times.push(await untilServed(platform, `${tier}-${n}`, tier));
  return { figure: figure(`onboarding-${tier}-p50`, percentile(times, 0.5), 'ms', bare, { atMost: goalMs }) };
}

async function untilServed(platform: PlatformUnderTest, name: string, tier: 'advanced' | 'premium'): Promise<number> {
  await platform.adminToken();
  const posted = performance.now();
  const tenantId = await platform.register(name, tier, true);
  await platform.untilActive(tenantId, LOOK_EVERY_MS);
  const active = performance.now() - posted;
  // Signing in is the user's time (a deliberately slow password hash), not onboarding's.
  const token = await platform.tenantToken(name);
  const asked = performance.now();
  const answer = await fetch(`${platform.urls.api}/products`, { headers: { authorization: `Bearer ${token}` } });
  if (answer.status !== 200) throw new Error(`first request answered ${answer.status}`);
  const took = active + performance.now() - asked;
  if (tier === 'advanced') platform.idleAdvanced.push(tenantId);
  return took;
}
