import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { startFixture, tenantRoute } from './fixture.ts';

describe('usage plans', () => {
  const plan = { rate: 20, burst: 20, quotaPerDay: 100_000 };

  async function statuses(url: string, authorization: string, calls: number): Promise<Map<number, number>> {
    const counts = new Map<number, number>();
    for (let call = 0; call < calls; call++) {
      const { status } = await fetch(url, { headers: { authorization } });
      counts.set(status, (counts.get(status) ?? 0) + 1);
    }
    return counts;
  }

  test('RT-2: limit each tenant within 3 % of its plan, and do not affect another tenant', async () => {
    const fixture = await startFixture({ plans: { basic: plan } });
    try {
      await fixture.serve('products', (_request, response) => response.end('[]'));
      const [busy, other] = await Promise.all([
        fixture.addTenant(tenantRoute('busy000001')),
        fixture.addTenant(tenantRoute('other00001')),
      ]);
      const url = `${fixture.url}/api/products`;
      let admitted = 0;
      let admittedOther = 0;
      for (let tick = 0; tick < 100; tick++) {
        fixture.clock.advance(100);
        admitted += (await statuses(url, busy, 4)).get(200) ?? 0;
        admittedOther += (await statuses(url, other, 1)).get(200) ?? 0;
      }
      const ideal = plan.burst + plan.rate * 10;
      expect(Math.abs(admitted - ideal) / ideal).toBeLessThan(0.03);
      expect(admittedOther).toBe(100);
    } finally {
      await fixture.close();
    }
  });

  /** How many requests at these times (ms) a token bucket of the plan admits. */
  function permittedAt(times: readonly number[]): number {
    let [tokens, last, permitted] = [plan.burst, times[0] ?? 0, 0];
    for (const time of times) {
      tokens = Math.min(plan.burst, tokens + (plan.rate * (time - last)) / 1_000);
      last = time;
      if (tokens < 1) continue;
      tokens -= 1;
      permitted += 1;
    }
    return permitted;
  }

  test('RT-2: limit a tenant in real time too', async () => {
    const fixture = await startFixture({ plans: { basic: plan }, monotonic: () => performance.now() });
    try {
      await fixture.serve('products', (_request, response) => response.end('[]'));
      const authorization = await fixture.addTenant(tenantRoute('busy000001'));
      const begin = performance.now();
      const sentAt: number[] = [];
      let admitted = 0;
      while (performance.now() - begin < 2_500) {
        sentAt.push(performance.now());
        admitted += (await statuses(`${fixture.url}/api/products`, authorization, 1)).get(200) ?? 0;
      }
      expect(admitted).toBeLessThanOrEqual(plan.burst + (plan.rate * (performance.now() - begin)) / 1_000);
      // A busy machine may send too few requests to use the plan, so count those that it permits at the times of sending.
      const permitted = permittedAt(sentAt);
      expect(permitted - admitted).toBeLessThanOrEqual(Math.max(2, permitted * 0.03));
    } finally {
      await fixture.close();
    }
  });

  test('RT-2: respond as API Gateway does, with Retry-After', async () => {
    const fixture = await startFixture({ plans: { basic: { rate: 1, burst: 1, quotaPerDay: 2 } } });
    try {
      await fixture.serve('products', (_request, response) => response.end('[]'));
      const authorization = await fixture.addTenant(tenantRoute('busy000001'));
      const request = async (): Promise<unknown[]> => {
        const response = await fetch(`${fixture.url}/api/products`, { headers: { authorization } });
        return [response.status, await response.text(), response.headers.get('retry-after')];
      };
      expect((await request())[0]).toBe(200);
      expect(await request()).toEqual([429, '{"message":"Too Many Requests"}', '1']);
      fixture.clock.advance(1_000);
      expect((await request())[0]).toBe(200);
      fixture.clock.advance(1_000);
      expect(await request()).toEqual([429, '{"message":"Limit Exceeded"}', '43198']);
      fixture.clock.advance(12 * 3_600_000);
      expect((await request())[0]).toBe(200);
    } finally {
      await fixture.close();
    }
  });

  test("RT-2: keep the day's quota across a restart, and remove it with the tenant", async () => {
    const dir = mkdtempSync(join(tmpdir(), 'gw-quota-'));
    const plans = { basic: { rate: 100, burst: 100, quotaPerDay: 5 } };
    try {
      for (const expected of [3, 2, 0]) {
        const fixture = await startFixture({ plans, dir });
        try {
          await fixture.serve('products', (_request, response) => response.end('[]'));
          const authorization = await fixture.addTenant(tenantRoute('frugal0001'));
          const counts = await statuses(`${fixture.url}/api/products`, authorization, 3);
          expect(counts.get(200) ?? 0).toBe(expected);
        } finally {
          await fixture.close();
        }
      }
      const last = await startFixture({ plans, dir });
      try {
        await last.gateway.invalidate({ tenantId: 'frugal0001' });
        await last.serve('products', (_request, response) => response.end('[]'));
        const again = await last.addTenant(tenantRoute('frugal0001'));
        expect((await statuses(`${last.url}/api/products`, again, 1)).get(200)).toBe(1);
      } finally {
        await last.close();
      }
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
