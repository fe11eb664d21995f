import {
  type CellSettings,
  cellCost,
  endpointsPayFromGb,
  fullQuotaCost,
  networkCost,
  PER_REQUEST,
  requestCost,
  type TenantSettings,
  tasksOf,
  tenantCost,
  total,
} from '../../app-plane/infra/cost/monthly-cost.ts';
import { PRICES, type Price } from '../../app-plane/infra/cost/prices.ts';
import type { Packing } from '../../core/tier/tiers.ts';
import { TIER_NAMES, TIERS } from '../../tenant-templates/tiers.ts';
import { table } from './markdown.ts';

const NETWORK: CellSettings['network'] = { availabilityZones: 3, egress: 'nat', natGateways: 1 };
/** The defaults of aws.json. */
const CELL: CellSettings = { network: NETWORK, shards: 1, cpuArchitecture: 'ARM64' };
const TENANTS_OF_POOL = [10, 100, 1_000, 5_000];

/** The fixed part of a cell's bill. */
export function costOfCell(): string {
  const costs = cellCost(CELL);
  const rows = costs.map(({ what, usd }) => [what, dollars(usd)]);
  return table(['Part', 'USD a month'], [...rows, ['**Together**', `**${dollars(total(costs))}**`]]);
}

/** What each tenant adds, by tier and packing. */
export function costOfTenants(): string {
  const rows = TIER_NAMES.flatMap((name) => {
    const packings: readonly Packing[] =
      TIERS[name].isolation === 'pool' ? ['per-service'] : ['per-service', 'one-task'];
    return packings.map((packing) => {
      const settings: TenantSettings = { packing, cpuArchitecture: CELL.cpuArchitecture };
      const parts = tenantCost(name, settings).map(({ what, usd }) => `${what} ${dollars(usd)}`);
      const idle = total(tenantCost(name, settings));
      const shown = TIERS[name].isolation === 'pool' ? [name, 'the pool'] : [name, packing];
      const quota = fullQuotaCost(name);
      return [...shown, parts.join('; ') || '-', dollars(idle), dollars(quota), dollars(idle + quota)];
    });
  });
  const head = ['Tier', 'Packing', 'Parts', 'Without requests', 'Requests of the whole quota', 'Together'];
  return table(head, rows);
}

/** The tasks behind the figures. */
export function tasksOfTiers(): string {
  const rows = TIER_NAMES.flatMap((name) =>
    (['per-service', 'one-task'] as const).map((packing) => {
      const tasks = tasksOf(TIERS[name], packing);
      const sizes = tasks.map(({ count, size }) => `${count} of ${size.cpu / 1024} vCPU and ${size.memoryMiB} MiB`);
      return [name, packing, sizes.join(', ')];
    }),
  );
  return table(['Tier', 'Packing', 'Tasks'], rows);
}

/** The share of each pooled tenant in the cell's fixed part. */
export function costOfPoolShare(): string {
  const fixed = total(cellCost(CELL));
  const rows = TENANTS_OF_POOL.map((tenants) => [tenants.toLocaleString('en'), dollars(fixed / tenants)]);
  return table(['Tenants in the cell', 'Share of each, USD a month'], rows);
}

/** NAT gateways beside interface endpoints. */
export function costOfEgress(): string {
  const rows = ([2, 3] as const).flatMap((availabilityZones) =>
    [1, availabilityZones].map((natGateways) => {
      const of = (egress: 'nat' | 'endpoints') => total(networkCost({ availabilityZones, egress, natGateways }));
      const from = Math.round(endpointsPayFromGb(availabilityZones));
      const settings = [String(availabilityZones), String(natGateways)];
      return [...settings, dollars(of('nat')), dollars(of('endpoints')), `${from.toLocaleString('en')} GB`];
    }),
  );
  return table(
    ['Availability zones', 'NAT gateways', '`nat`', '`endpoints`', 'Endpoints cost less from, a month'],
    rows,
  );
}

/** What a request is assumed to use, and costs. */
export function costOfRequests(): string {
  const { readUnits, writeUnits, logKilobytes } = PER_REQUEST;
  const used = `${readUnits} read units, ${writeUnits} write units, ${logKilobytes} KB of logs`;
  return table(['A request uses', 'USD per million requests'], [[used, dollars(requestCost() * 1_000_000)]]);
}

export function priceList(): string {
  const rows = Object.values<Price>(PRICES).map(({ what, usd, per, source, asOf = '-' }) => [
    ...[what, String(usd), per, `[${new URL(source).pathname.split('/')[1]}](${source})`, asOf],
  ]);
  return table(['Price', 'USD', 'Per', 'Source', 'As of'], rows);
}

function dollars(usd: number): string {
  return usd.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}
