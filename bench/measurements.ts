import { authorizer, functionInit } from './aws-functions.ts';
import { awsProductList } from './aws-product-list.ts';
import { growth } from './growth.ts';
import { tenantList } from './list.ts';
import { memoryAdvanced, memoryBasic } from './memory.ts';
import { pacedOnboarding, siloOnboarding } from './onboarding.ts';
import type { Measurement } from './run.ts';
import { coldStartEmpty, coldStartFull } from './start.ts';
import { lambdaBundle, synth } from './synth.ts';
import { gatewayAndService, gatewayBesideNginx, serviceAlone } from './throughput.ts';

/**
 * All measurements in the order of a run. The first ones need the machine or a platform to themselves. The others share a
 * platform, in an order in which none disturbs the next: basic tenants, load, silo tenants (30 processes and more).
 */
export const MEASUREMENTS: readonly Measurement[] = [
  { id: 'synth', groups: ['aws'], inQuick: true, measure: synth },
  { id: 'lambda-bundle', groups: ['aws'], inQuick: true, measure: lambdaBundle },
  { id: 'function-init', groups: ['aws'], inQuick: false, measure: functionInit },
  { id: 'authorizer', groups: ['aws'], inQuick: false, measure: authorizer },
  { id: 'aws-product-list', groups: ['aws'], inQuick: false, measure: awsProductList },
  { id: 'cold-start-empty', groups: ['cold-start'], inQuick: true, measure: coldStartEmpty },
  { id: 'cold-start-full', groups: ['cold-start'], inQuick: false, measure: coldStartFull },
  { id: 'tenant-list-p99', groups: ['tenant-list'], inQuick: false, measure: tenantList },
  { id: 'onboarding-basic-sustained', groups: ['onboarding-basic', 'curve'], inQuick: true, measure: growth },
  { id: 'onboarding-basic-p50', groups: ['onboarding-basic'], inQuick: true, measure: pacedOnboarding },
  { id: 'memory-basic', groups: ['memory'], inQuick: true, measure: memoryBasic },
  { id: 'service-list', groups: ['throughput'], inQuick: true, measure: serviceAlone },
  { id: 'gateway-and-service-list', groups: ['throughput'], inQuick: true, measure: gatewayAndService },
  { id: 'gateway-beside-nginx', groups: ['throughput'], inQuick: true, measure: gatewayBesideNginx },
  {
    id: 'onboarding-advanced-p50',
    groups: ['onboarding-silo'],
    inQuick: true,
    measure: (run) => siloOnboarding(run, 'advanced', 600),
  },
  { id: 'memory-advanced', groups: ['memory'], inQuick: true, measure: memoryAdvanced },
  {
    id: 'onboarding-premium-p50',
    groups: ['onboarding-silo'],
    inQuick: true,
    measure: (run) => siloOnboarding(run, 'premium', 900),
  },
];
