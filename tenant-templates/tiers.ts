import type { TierTable } from '../core/tier/tiers.ts';

/** THE tier table. UI, gateway, provisioner, CDK and the embedded runtime all read this one. Pure data. */
export const TIERS = {
  basic: {
    title: 'Basic',
    isolation: 'pool',
    usagePlan: { rate: 10, burst: 10, quotaPerDay: 1_000 },
    task: { memoryMiB: 384, cpu: 1, desired: 1, max: 4 },
  },
  advanced: {
    title: 'Advanced',
    isolation: 'service',
    usagePlan: { rate: 15, burst: 15, quotaPerDay: 2_000 },
    task: { memoryMiB: 192, cpu: 1, desired: 1, max: 4 },
  },
  premium: {
    title: 'Premium',
    isolation: 'cluster',
    usagePlan: { rate: 300, burst: 300, quotaPerDay: 6_000 },
    task: { memoryMiB: 256, cpu: 2, desired: 1, max: 8 },
  },
} as const satisfies TierTable;

/** The application's microservices: one folder each under services/. */
export const SERVICES = ['orders', 'products', 'users'] as const;
export type ServiceName = (typeof SERVICES)[number];
