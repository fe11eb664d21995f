import { createServer } from 'node:http';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openLoadBalancers } from '../../../../adapters/aws/runtime/load-balancer-requests.ts';
import { closeServer, listen } from '../../../support/http-server.ts';

const ACME = 'acme0000';
const balancers = [{ number: 2, dnsName: 'internal-two.elb.amazonaws.com' }];
/** A load balancer with one tenant, whose services respond with these statuses. */
const statuses: Record<string, number> = {};
const seen: string[] = [];
const server = createServer((request, response) => {
  const { host, tenantpath } = request.headers;
  seen.push(`${host} ${tenantpath} ${request.method} ${request.url}`);
  const isKnown = host === 'internal-two.elb.amazonaws.com' && tenantpath === ACME;
  response.writeHead(isKnown ? (statuses[request.url ?? ''] ?? 404) : 404).end('{}');
});
let endpointUrl: string;

beforeAll(async () => {
  endpointUrl = (await listen(server)).url;
});
afterAll(() => closeServer(server));

test.each<[string, Record<string, number>, string | undefined]>([
  ['all are served', { '/healthz': 200, '/orders': 401, '/users': 401 }, undefined],
  ['the ingress is not ready', { '/healthz': 503 }, 'GET /healthz must respond with status 200, got 503'],
  [
    'ingress does not reach a service',
    { '/healthz': 200, '/orders': 401, '/users': 502 },
    'GET /users must respond with status 401, got 502',
  ],
  [
    'a service does not check tokens',
    { '/healthz': 200, '/orders': 200, '/users': 401 },
    'GET /orders must respond with status 401, got 200',
  ],
])('a smoke request reports the first response that is not as expected: %s', async (_which, responses, failure) => {
  Object.assign(statuses, { '/healthz': 404, '/orders': 404, '/users': 404 }, responses);
  const loadBalancers = openLoadBalancers({ balancers, endpointUrl });
  await expect(loadBalancers.smoke(2, ACME, ['orders', 'users'])).resolves.toBe(failure);
  expect(seen.at(0)).toBe(`internal-two.elb.amazonaws.com ${ACME} GET /healthz`);
});

test('a tenant without a rule, an unknown load balancer and a closed port fail with their reasons', async () => {
  const open = (url: string) => openLoadBalancers({ balancers, endpointUrl: url });
  await expect(open(endpointUrl).smoke(2, 'globex00', ['orders'])).resolves.toBe(
    'GET /healthz must respond with status 200, got 404',
  );
  await expect(open(endpointUrl).smoke(1, ACME, ['orders'])).resolves.toBe('there is no load balancer 1');
  const closed = createServer();
  const { url } = await listen(closed);
  await closeServer(closed);
  await expect(open(url).smoke(2, ACME, ['orders'])).resolves.toMatch(
    /^GET \/healthz must respond with status 200, got connect ECONNREFUSED/,
  );
});
