import { messageOf } from '../../../core/errors.ts';
import { statusOf } from '../http-status.ts';

/** A load balancer of the cell. */
export interface LoadBalancer {
  /** From 1. */
  readonly number: number;
  readonly dnsName: string;
}

/** For a whole response, in milliseconds. */
const TIMEOUT_MS = 5_000;
/** The header by which load balancers find a silo tenant's ingress. */
const TENANT_PATH = 'tenantPath';
/** What a service responds to a request without a token. */
const UNAUTHENTICATED = 401;

export interface LoadBalancersOptions {
  readonly balancers: readonly LoadBalancer[];
  /** The host name in the load balancers' certificate. @default - they take plain HTTP */
  readonly tlsHost?: string | undefined;
  /** The address of all services of an emulated account. @default - each load balancer at its own name */
  readonly endpointUrl?: string | undefined;
}

/** Requests to the tenants' ingress through the cell's load balancers. */
export function openLoadBalancers({ balancers, tlsHost, endpointUrl }: LoadBalancersOptions) {
  /** @returns the response's status */
  function get({ dnsName }: LoadBalancer, tenantId: string, path: string): Promise<number> {
    const address = new URL(path, `${tlsHost === undefined ? 'http' : 'https'}://${dnsName}`);
    const headers = { [TENANT_PATH]: tenantId };
    return statusOf(address, { headers, timeoutMs: TIMEOUT_MS, certificateHost: tlsHost, endpointUrl });
  }

  return {
    /**
     * Asks the tenant's ingress for its health, and each service for a response to a request without a token, which shows that
     * requests reach it and that it checks them.
     * @returns the first reason why one was not served, in plain words; undefined if all were
     */
    async smoke(shard: number, tenantId: string, services: readonly string[]): Promise<string | undefined> {
      const balancer = balancers.find(({ number }) => number === shard);
      if (!balancer) return `there is no load balancer ${shard}`;
      const expected = [['/healthz', 200], ...services.map((name) => [`/${name}`, UNAUTHENTICATED] as const)] as const;
      for (const [path, status] of expected) {
        const got = await get(balancer, tenantId, path).catch(messageOf);
        if (got !== status) return `GET ${path} must respond with status ${status}, got ${got}`;
      }
      return undefined;
    },
  };
}
