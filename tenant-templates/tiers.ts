import { type Tier, tierNames } from '../core/tier/tiers.ts';

/** The tier table. Every part of the product that knows a tier by name reads it from here (docs/add-a-tier.md). */
export const TIERS = {
  basic: {
    title: 'Basic',
    isolation: 'pool',
    usagePlan: { rate: 10, burst: 10, quotaPerDay: 1_000 },
    task: { memoryMiB: 384, cpu: 1, desired: 1, max: 4 },
    sizesPool: true,
    signUp: true,
  },
  advanced: {
    title: 'Advanced',
    isolation: 'service',
    usagePlan: { rate: 15, burst: 15, quotaPerDay: 2_000 },
    task: { memoryMiB: 192, cpu: 1, desired: 1, max: 4 },
    concurrency: 4,
  },
  premium: {
    title: 'Premium',
    isolation: 'cluster',
    usagePlan: { rate: 300, burst: 300, quotaPerDay: 6_000 },
    task: { memoryMiB: 256, cpu: 2, desired: 1, max: 8 },
    concurrency: 2,
  },
} as const satisfies Readonly<Record<string, Tier>>;

declare module '../core/tier/tiers.ts' {
  interface TierNames extends Readonly<Record<keyof typeof TIERS, true>> {}
}

export const TIER_NAMES = tierNames(TIERS);

/** The application's microservices: one folder each under services/. */
export const SERVICES = ['orders', 'products', 'users'] as const;

type ServiceName = (typeof SERVICES)[number];

/** The services that keep no items. On AWS, every other service has a table of its own. */
export const SERVICES_WITHOUT_TABLE: readonly ServiceName[] = ['users'];

/** The services that a service calls. On AWS, they start before it. @default - it calls none */
export const SERVICE_CALLS: Readonly<Partial<Record<ServiceName, readonly ServiceName[]>>> = { orders: ['products'] };
