import { until } from '../scripts/until.ts';
import { figure, type Measured, percentile, type Yardstick } from './figure.ts';
import { PlatformUnderTest } from './platform-under-test.ts';
import type { Run } from './run.ts';
import { bareNodeStart } from './yardsticks.ts';

const BASIC = 10_000;
const SILO = 10;
const SERVICES = 3;
const STARTS = { quick: 2, full: 5 };
const TIMEOUT_MS = 60_000;

/** The time from `tierplane up` to its ready line, in an empty directory. */
export async function coldStartEmpty(run: Run): Promise<Measured> {
  const times: number[] = [];
  for (let n = 0; n < (run.sizes.quick ? STARTS.quick : STARTS.full); n++) {
    const platform = new PlatformUnderTest();
    try {
      times.push(await platform.start());
    } finally {
      await platform.dispose();
    }
  }
  const seconds = percentile(times, 0.5) / 1000;
  return { figure: figure('cold-start-empty', seconds, 's', await bareSeconds(run), { atMost: 3 }) };
}

/** The time from `tierplane up` until all services of 10,000 basic and 10 silo tenants are healthy again. */
export async function coldStartFull(run: Run): Promise<Measured> {
  const platform = new PlatformUnderTest();
  try {
    await platform.start();
    await platform.onboardBasic(BASIC);
    for (let n = 0; n < SILO; n++) {
      await platform.untilActive(await platform.register(`silo-${n}`, n % 2 === 0 ? 'advanced' : 'premium'), 20);
    }
    await platform.stop();
    const started = performance.now();
    await platform.start();
    await untilHealthy(platform);
    const seconds = (performance.now() - started) / 1000;
    return { figure: figure('cold-start-full', seconds, 's', await bareSeconds(run), { atMost: 10 }) };
  } finally {
    await platform.dispose();
  }
}

async function bareSeconds(run: Run): Promise<Yardstick> {
  const bare = await bareNodeStart(run);
  return { ...bare, value: bare.value / 1000, unit: 's' };
}

async function untilHealthy(platform: PlatformUnderTest): Promise<void> {
  let healthy = 0;
  const areHealthy = async () => {
    const services = await platform.services();
    healthy = services.filter((one) => one.tasks.some((task) => task.state === 'healthy')).length;
    return healthy >= (1 + SILO) * SERVICES;
  };
  const failure = () => `only ${healthy} services are healthy again`;
  await until(areHealthy, { withinMs: TIMEOUT_MS, everyMs: 20, failure });
}
