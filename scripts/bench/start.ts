import { setTimeout as wait } from 'node:timers/promises';
import type { ServiceStatus } from '../../core/ports/runtime.ts';
import { figure, type Measured, percentile, type Sizes } from './figure.ts';
import { PlatformUnderTest } from './platform-under-test.ts';
import { bareNodeStart } from './yardsticks.ts';

const BASIC = 10_000;
const SILO = 10;

/** From `up` to its ready line, in a new directory. */
export async function coldStartEmpty({ rounds }: Sizes): Promise<Measured> {
  const times: number[] = [];
  for (let n = 0; n < Math.min(rounds, 5); n++) {
    const platform = new PlatformUnderTest();
    try {
      times.push(await platform.start());
    } finally {
      await platform.dispose();
    }
  }
  const seconds = percentile(times, 0.5) / 1000;
  return { figures: [figure('cold-start-empty', seconds, 's', await bareSeconds(), { atMost: 3 })] };
}

/** From `up` until everything of 10,000 basic and 10 silo tenants is back, each silo service healthy. */
export async function coldStartFull(): Promise<Measured> {
  const platform = new PlatformUnderTest();
  try {
    await platform.start();
    await seed(platform);
    await platform.stop();
    const started = performance.now();
    await platform.start();
    await untilHealthy(platform);
    const seconds = (performance.now() - started) / 1000;
    return { figures: [figure('cold-start-full', seconds, 's', await bareSeconds(), { atMost: 10 })] };
  } finally {
    await platform.dispose();
  }
}

async function bareSeconds() {
  const bare = await bareNodeStart();
  return { ...bare, value: bare.value / 1000, unit: 's' };
}

async function seed(platform: PlatformUnderTest): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      while (next < BASIC) await platform.register(`basic-${next++}`, 'basic');
    }),
  );
  for (let n = 0; n < SILO; n++) {
    await platform.untilActive(await platform.register(`silo-${n}`, n % 2 === 0 ? 'advanced' : 'premium'));
  }
}

async function untilHealthy(platform: PlatformUnderTest): Promise<void> {
  for (;;) {
    const { data } = await platform.admin<{ data: ServiceStatus[] }>('GET', '/operator/services');
    const healthy = data.filter((one) => one.tasks.some((task) => task.state === 'healthy')).length;
    if (healthy >= 3 + SILO * 3) return;
    await wait(20);
  }
}
