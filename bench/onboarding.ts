import { setTimeout as wait } from 'node:timers/promises';
import { figure, type Measured, percentile, round } from './figure.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';
import type { Run } from './run.ts';
import { bareNodeStart, durableCommit } from './yardsticks.ts';

const PACE_PER_SECOND = 50;
/** Polling more often would slow down the tasks that start. */
const POLL_MS = 20;

/** The time from POST to `active` for basic tenants, at a constant rate below capacity. */
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
    remarks: [`p99 is ${round(percentile(times, 0.99))} ms, with ${platform.basicTenants} existing tenants`],
  };
}

/** The time from POST to the first response of the tenant's own service through the gateway, for silo tenants. */
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
  await platform.untilActive(tenantId, POLL_MS);
  const active = performance.now() - posted;
  // Sign-in does not count: its password hash is slow by design.
  const token = await platform.tenantToken(name);
  const requested = performance.now();
  const response = await fetch(`${platform.urls.api}/products`, { headers: { authorization: `Bearer ${token}` } });
  if (response.status !== 200) throw new Error(`the first request failed with status ${response.status}`);
  const took = active + performance.now() - requested;
  if (tier === 'advanced') platform.idleAdvanced.push(tenantId);
  return took;
}
