import { type Packing, poolSizingTier, type Tier, type TierName } from '../../../core/tier/tiers.ts';
import type { Configuration } from '../../../infra/configuration.ts';
import { SERVICES, TIERS } from '../../../tenant-templates/tiers.ts';
import { MIN_TASKS } from '../tenant-stacks/silo-parameters.ts';
import { type FargateSize, INGRESS_SIZE, oneTaskSize, serviceTaskSize } from '../tenant-stacks/task-size.ts';
import { PRICES } from './prices.ts';

/** A part of a monthly bill, in US dollars. */
export interface Cost {
  readonly what: string;
  readonly usd: number;
}

/** The settings of aws.json that a cell's cost depends on. */
export type CellSettings = Pick<Configuration, 'network' | 'shards' | 'cpuArchitecture'>;

export interface TenantSettings {
  readonly packing: Packing;
  readonly cpuArchitecture: Configuration['cpuArchitecture'];
}

/** What one request to a tenant's API is assumed to use. */
export const PER_REQUEST = { readUnits: 4, writeUnits: 2, logKilobytes: 2 } as const;

export const HOURS_PER_MONTH = 730;
const DAYS_PER_MONTH = 30;
/** Interface endpoints of `network.egress: endpoints`, each in every availability zone. */
export const INTERFACE_ENDPOINTS = 5;
/** Rules of the REST API's firewall. */
export const FIREWALL_RULES = 5;
/** Keys of a cell: of staged passwords and of alarms. */
export const CELL_KEYS = 2;
/** Alarms of a cell, rounded up. */
export const CELL_ALARMS = 40;
/**
 * Metrics that Container Insights records: of a cluster, and of each ECS service with its task definition.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html
 */
export const CLUSTER_METRICS = 11;
export const SERVICE_METRICS = 21;

/** What a cell costs before it has a tenant. */
export function cellCost({ network, shards, cpuArchitecture }: CellSettings): Cost[] {
  const pool: Tier = TIERS[poolSizingTier(TIERS)];
  const services = SERVICES.length + 1;
  return [
    cost('Load balancers', shards * HOURS_PER_MONTH * PRICES.loadBalancer.usd),
    ...networkCost(network),
    cost('Firewall of the REST API', PRICES.firewall.usd + FIREWALL_RULES * PRICES.firewallRule.usd),
    cost('Tasks of the pool', tasksCost(tasksOf(pool, 'per-service'), cpuArchitecture)),
    cost('Container Insights of the pool', (CLUSTER_METRICS + services * SERVICE_METRICS) * PRICES.metric.usd),
    cost('Keys', CELL_KEYS * PRICES.key.usd),
    cost('Alarms', CELL_ALARMS * PRICES.alarm.usd),
  ];
}

/** What the access of tasks to AWS services costs, without the data. There is always a NAT gateway (docs/decisions/0032). */
export function networkCost({ availabilityZones, egress, natGateways }: Configuration['network']): Cost[] {
  const hourly = natGateways * (PRICES.natGateway.usd + PRICES.publicAddress.usd);
  const nat = cost('NAT gateways', HOURS_PER_MONTH * hourly);
  if (egress === 'nat') return [nat];
  const endpoints = INTERFACE_ENDPOINTS * availabilityZones * PRICES.endpoint.usd;
  return [nat, cost('Interface endpoints', HOURS_PER_MONTH * endpoints)];
}

/** The GB a month from which interface endpoints cost less than sending the same data through NAT gateways. */
export function endpointsPayFromGb(availabilityZones: number): number {
  const fixed = HOURS_PER_MONTH * INTERFACE_ENDPOINTS * availabilityZones * PRICES.endpoint.usd;
  return fixed / (PRICES.natData.usd - PRICES.endpointData.usd);
}

/** What a tenant adds to the bill of its cell without sending a request. */
export function tenantCost(name: TierName, { packing, cpuArchitecture }: TenantSettings): Cost[] {
  const tier: Tier = TIERS[name];
  if (tier.isolation === 'pool') return [];
  const services = packing === 'one-task' ? 1 : SERVICES.length + 1;
  const own = tier.isolation === 'cluster';
  const metrics = services * SERVICE_METRICS + (own ? CLUSTER_METRICS : 0);
  return [
    cost('Tasks', tasksCost(tasksOf(tier, packing), cpuArchitecture)),
    cost('Container Insights', metrics * PRICES.metric.usd),
    cost('Alarm', PRICES.alarm.usd),
    ...(own ? [cost('Key of the tables', PRICES.key.usd)] : []),
  ];
}

/** What the requests of a tenant cost that uses its whole quota every day. It is the most that the usage plan admits. */
export function fullQuotaCost(name: TierName): number {
  const requests = TIERS[name].usagePlan.quotaPerDay * DAYS_PER_MONTH;
  return requests * requestCost();
}

/** What one request costs. */
export function requestCost(): number {
  const { readUnits, writeUnits, logKilobytes } = PER_REQUEST;
  const perMillion =
    PRICES.restRequests.usd +
    PRICES.firewallRequests.usd +
    readUnits * PRICES.reads.usd +
    writeUnits * PRICES.writes.usd +
    // A million kilobytes are a gigabyte.
    logKilobytes * PRICES.logs.usd;
  return perMillion / 1_000_000;
}

export function total(costs: readonly Cost[]): number {
  return costs.reduce((sum, { usd }) => sum + usd, 0);
}

interface Tasks {
  readonly count: number;
  readonly size: FargateSize;
}

/** The tasks of the pool or of one silo tenant at their least number. */
export function tasksOf({ task }: Tier, packing: Packing): Tasks[] {
  const count = Math.max(MIN_TASKS, task.desired);
  if (packing === 'one-task') return [{ count, size: oneTaskSize(task, SERVICES.length) }];
  return [
    { count: SERVICES.length * count, size: serviceTaskSize(task) },
    { count: MIN_TASKS, size: INGRESS_SIZE },
  ];
}

function tasksCost(tasks: readonly Tasks[], architecture: Configuration['cpuArchitecture']): number {
  const arm = architecture === 'ARM64';
  const cpu = (arm ? PRICES.cpuArm : PRICES.cpuX86).usd / 1024;
  const memory = (arm ? PRICES.memoryArm : PRICES.memoryX86).usd / 1024;
  const hourly = tasks.map(({ count, size }) => count * (size.cpu * cpu + size.memoryMiB * memory));
  return HOURS_PER_MONTH * hourly.reduce((sum, one) => sum + one, 0);
}

function cost(what: string, usd: number): Cost {
  return { what, usd };
}
