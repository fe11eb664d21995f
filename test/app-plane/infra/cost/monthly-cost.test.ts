import { describe, expect, test } from '@jest/globals';
import {
  type CellSettings,
  cellCost,
  endpointsPayFromGb,
  fullQuotaCost,
  networkCost,
  requestCost,
  tasksOf,
  tenantCost,
  total,
} from '../../../../app-plane/infra/cost/monthly-cost.ts';
import { PRICES, type Price } from '../../../../app-plane/infra/cost/prices.ts';
import { TIER_NAMES, TIERS } from '../../../../tenant-templates/tiers.ts';

const NETWORK = { availabilityZones: 3, egress: 'nat', natGateways: 1 } as const;
const CELL: CellSettings = { network: NETWORK, shards: 1, cpuArchitecture: 'ARM64' };
const PER_SERVICE = { packing: 'per-service', cpuArchitecture: 'ARM64' } as const;
const ONE_TASK = { packing: 'one-task', cpuArchitecture: 'ARM64' } as const;
const part = (costs: readonly { what: string; usd: number }[], name: string) =>
  costs.find(({ what }) => what === name)?.usd;

describe('the cost of a cell', () => {
  test('counts a load balancer per shard, the gateways with their addresses, and the rules of the firewall', () => {
    const costs = cellCost({ ...CELL, shards: 3, network: { ...NETWORK, natGateways: 2 } });
    expect(part(costs, 'Load balancers')).toBeCloseTo(3 * 730 * 0.0225);
    expect(part(costs, 'NAT gateways')).toBeCloseTo(2 * 730 * (0.045 + 0.005));
    expect(part(costs, 'Firewall of the REST API')).toBe(10);
  });

  test('counts two tasks of three services and of ingress for the pool, by the processor architecture', () => {
    const arm = part(cellCost(CELL), 'Tasks of the pool');
    expect(arm).toBeCloseTo(8 * 730 * (0.25 * 0.03238 + 0.5 * 0.00356));
    const x86 = part(cellCost({ ...CELL, cpuArchitecture: 'X86_64' }), 'Tasks of the pool');
    expect(x86).toBeCloseTo(8 * 730 * (0.25 * 0.04048 + 0.5 * 0.004445));
  });
});

describe('the cost of a tenant', () => {
  test('is nothing for a basic tenant that sends no request, as the pool is there anyway', () => {
    expect(tenantCost('basic', PER_SERVICE)).toEqual([]);
  });

  test('counts what silo tenants have for themselves: tasks, metrics, an alarm, and for premium a key and a cluster', () => {
    const names = (tier: 'advanced' | 'premium') => tenantCost(tier, PER_SERVICE).map(({ what }) => what);
    expect(names('advanced')).toEqual(['Tasks', 'Container Insights', 'Alarm']);
    expect(names('premium')).toEqual(['Tasks', 'Container Insights', 'Alarm', 'Key of the tables']);
    expect(part(tenantCost('advanced', PER_SERVICE), 'Container Insights')).toBeCloseTo(4 * 21 * 0.3);
    expect(part(tenantCost('premium', PER_SERVICE), 'Container Insights')).toBeCloseTo((4 * 21 + 11) * 0.3);
  });

  test('is lower with one task for all services, which reserves the memory of all', () => {
    for (const tier of ['advanced', 'premium'] as const) {
      expect(total(tenantCost(tier, ONE_TASK))).toBeLessThan(total(tenantCost(tier, PER_SERVICE)));
    }
    expect(tasksOf(TIERS.advanced, 'one-task')).toEqual([{ count: 2, size: { cpu: 256, memoryMiB: 1_024 } }]);
    expect(part(tenantCost('advanced', ONE_TASK), 'Tasks')).toBeCloseTo(2 * 730 * (0.25 * 0.03238 + 0.00356));
  });

  test('at the full quota is what all admitted requests of 30 days cost', () => {
    const perMillion = 3.5 + 0.6 + 4 * 0.125 + 2 * 0.625 + 2 * 0.5;
    expect(requestCost() * 1_000_000).toBeCloseTo(perMillion);
    for (const tier of TIER_NAMES) {
      const requests = TIERS[tier].usagePlan.quotaPerDay * 30;
      expect(fullQuotaCost(tier)).toBeCloseTo((requests / 1_000_000) * perMillion);
    }
  });
});

describe('NAT gateways and interface endpoints', () => {
  test('endpoints come on top of the gateways, and cost less per GB', () => {
    const nat = total(networkCost(NETWORK));
    const endpoints = total(networkCost({ ...NETWORK, egress: 'endpoints' }));
    expect(endpoints - nat).toBeCloseTo(5 * 3 * 730 * 0.01);
    const gigabytes = endpointsPayFromGb(3);
    expect(nat + gigabytes * PRICES.natData.usd).toBeCloseTo(endpoints + gigabytes * PRICES.endpointData.usd);
    expect(endpointsPayFromGb(2)).toBeLessThan(gigabytes);
  });
});

describe('the price list', () => {
  test("names AWS's price page for each price, and the month of the statement it was compared with", () => {
    for (const { usd, source, asOf } of Object.values<Price>(PRICES)) {
      expect(usd).toBeGreaterThan(0);
      expect(source).toMatch(/^https:\/\/aws\.amazon\.com\/[a-z-]+\/pricing\//);
      if (asOf !== undefined) expect(asOf).toMatch(/^20\d\d-(0[1-9]|1[0-2])$/);
    }
  });
});
