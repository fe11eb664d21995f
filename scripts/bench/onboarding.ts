import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { figure, type Measured, percentile, round, type Sizes, type Yardstick } from './figure.ts';
import { PlatformUnderTest } from './platform-under-test.ts';
import { bareNodeStart } from './yardsticks.ts';

const PACE_PER_SECOND = 50;
/** Registrations under way at once in the sustained run. */
const WIDTH = 64;

/** Basic tenants: time to `active` at an easy pace, and how many a second at full load. */
export async function onboardingBasic({ tenants, rounds }: Sizes): Promise<Measured> {
  const platform = new PlatformUnderTest();
  try {
    await platform.start();
    const commit = commitTime();
    const paced = await pacedOnboarding(platform, rounds * 20);
    const curve: string[] = [];
    let rate = 0;
    for (let done = 0, size = 10; done < tenants; size *= 10) {
      const count = Math.min(size, tenants - done);
      const perSecond = await sustainedOnboarding(platform, `s${size}`, count);
      done += count;
      rate = perSecond;
      const call = await pagedRead(platform);
      curve.push(`with ${done} tenants: ${round(perSecond)} onboarded/s, a page of tenants in ${round(call)} ms`);
    }
    return {
      figures: [
        figure('onboarding-basic-p50', percentile(paced, 0.5), 'ms', commit, { atMost: 20 }),
        figure('onboarding-basic-sustained', rate, 'tenants/s', { ...perSecondOf(commit) }, { atLeast: 300 }),
      ],
      remarks: [`one durable commit (fsync) takes ${round(commit.value)} ms here`, ...curve],
    };
  } finally {
    await platform.dispose();
  }
}

/** The middle of 50 durable commits of one small row each. */
function commitTime(): Yardstick {
  const folder = mkdtempSync(join(tmpdir(), 'tp-bench-'));
  const db = new DatabaseSync(join(folder, 'commits.db'));
  db.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT)',
  );
  const insert = db.prepare('INSERT INTO rows (text) VALUES (?)');
  const times = Array.from({ length: 50 }, () => {
    const start = performance.now();
    insert.run('a row');
    return performance.now() - start;
  });
  db.close();
  rmSync(folder, { recursive: true });
  return { name: 'one durable SQLite commit', value: percentile(times, 0.5), unit: 'ms' };
}

function perSecondOf({ value }: Yardstick): Yardstick {
  return { name: 'durable SQLite commits, one after the other', value: 1000 / value, unit: 'commits/s' };
}

async function pacedOnboarding(platform: PlatformUnderTest, count: number): Promise<number[]> {
  await platform.adminToken();
  const start = performance.now();
  return Promise.all(
    Array.from({ length: count }, async (_, n) => {
      await wait((n * 1000) / PACE_PER_SECOND - (performance.now() - start));
      const posted = performance.now();
      await platform.untilActive(await platform.register(`paced-${n}`, 'basic'));
      return performance.now() - posted;
    }),
  );
}

/** @returns tenants a second, from the first request to the last one active */
async function sustainedOnboarding(platform: PlatformUnderTest, prefix: string, count: number): Promise<number> {
  const start = performance.now();
  let next = 0;
  let last = '';
  await Promise.all(
    Array.from({ length: Math.min(WIDTH, count) }, async () => {
      while (next < count) last = await platform.register(`${prefix}-${next++}`, 'basic');
    }),
  );
  await platform.untilActive(last);
  while ((await platform.admin<{ data: object[] }>('GET', '/tenants?state=provisioning&limit=1')).data.length > 0)
    await wait(5);
  return count / ((performance.now() - start) / 1000);
}

async function pagedRead(platform: PlatformUnderTest): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < 20; n++) {
    const start = performance.now();
    await platform.admin('GET', '/tenants?limit=10');
    times.push(performance.now() - start);
  }
  return percentile(times, 0.5);
}

/** Silo tenants: from POST to the first answer of their own service through the gateway. */
export async function onboardingSilo({ rounds }: Sizes): Promise<Measured> {
  const platform = new PlatformUnderTest();
  try {
    await platform.start();
    const bare = await bareNodeStart();
    const figures = [];
    for (const [tier, goal] of [
      ['advanced', 600],
      ['premium', 900],
    ] as const) {
      const times: number[] = [];
      for (let n = 0; n < rounds; n++) times.push(await untilServed(platform, `${tier}-${n}`, tier));
      figures.push(figure(`onboarding-${tier}-p50`, percentile(times, 0.5), 'ms', bare, { atMost: goal }));
    }
    return { figures };
  } finally {
    await platform.dispose();
  }
}

async function untilServed(platform: PlatformUnderTest, name: string, tier: string): Promise<number> {
  await platform.adminToken();
  const posted = performance.now();
  await platform.untilActive(await platform.register(name, tier, true));
  const active = performance.now() - posted;
  // Signing in is the user's time (a deliberately slow password hash), not onboarding's.
  const token = await platform.tenantToken(name);
  const asked = performance.now();
  const answer = await fetch(`${platform.urls.api}/products`, { headers: { authorization: `Bearer ${token}` } });
  if (answer.status !== 200) throw new Error(`first request answered ${answer.status}`);
  return active + performance.now() - asked;
}
