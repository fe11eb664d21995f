import * as z from 'zod';
import { functionLog } from '../../adapters/aws/log.ts';
import { openLoadBalancers } from '../../adapters/aws/runtime/load-balancer-requests.ts';
import { TENANT_ID } from '../../core/tenant/ids.ts';
import type { SmokeRequest } from '../provisioner/checked-runtime.ts';
import { readEnvironment } from './environment.ts';

/** Runs inside the VPC, because only there the load balancers can be reached. */
const { TIERPLANE_LOAD_BALANCERS: known } = readEnvironment(process.env, ['TIERPLANE_LOAD_BALANCERS']);
const loadBalancers = openLoadBalancers({ ...known, endpointUrl: process.env.AWS_ENDPOINT_URL });

const Request = z.strictObject({
  tenantId: z.string().regex(TENANT_ID),
  shard: z.int(),
  services: z.array(z.string().regex(/^[a-z][a-z0-9-]{0,62}$/)).min(1),
}) satisfies z.ZodType<SmokeRequest>;

/**
 * Sends one request to the tenant's ingress and one to each of its services.
 * @returns `failure`: the first reason why one was not served, in plain words. @default - all were served
 * @throws for an event that is no smoke request
 */
export async function handler(event: unknown): Promise<{ readonly failure?: string }> {
  const { tenantId, shard, services } = Request.parse(event);
  const failure = await loadBalancers.smoke(shard, tenantId, services);
  functionLog.info({ tenantId, shard, failure }, 'smoke request');
  return failure === undefined ? {} : { failure };
}
