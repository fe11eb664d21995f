import { expect, test } from '@jest/globals';
import { readConfig } from '../../../app-plane/ingress/config.ts';

test('the defaults are port 8080 and neither stage nor shard', () => {
  expect(readConfig({ TIERPLANE_ROUTED_SERVICES: 'orders, products', TIERPLANE_STAGE: '', OTHER: 'x' })).toEqual({
    services: ['orders', 'products'],
    stage: undefined,
    shard: undefined,
    port: 8_080,
    servicePort: 8_080,
    endpoints: {},
  });
});

test('services may have addresses of their own, in the variable that services read', () => {
  const services = { orders: ['http://127.0.0.1:8081'], products: ['http://products:8080'] };
  const variables = { TIERPLANE_ROUTED_SERVICES: 'orders', TIERPLANE_SERVICES: JSON.stringify(services) };
  expect(readConfig(variables).endpoints).toEqual({
    orders: 'http://127.0.0.1:8081',
    products: 'http://products:8080',
  });
});

test.each([
  [{}, 'TIERPLANE_ROUTED_SERVICES: '],
  [{ TIERPLANE_ROUTED_SERVICES: 'orders,' }, 'TIERPLANE_ROUTED_SERVICES: must be names of services'],
  [{ TIERPLANE_ROUTED_SERVICES: 'http://orders' }, 'TIERPLANE_ROUTED_SERVICES: must be names of services'],
  [{ TIERPLANE_ROUTED_SERVICES: '169.254.170.2' }, 'TIERPLANE_ROUTED_SERVICES: must be names of services'],
  [{ TIERPLANE_ROUTED_SERVICES: 'orders,orders' }, 'TIERPLANE_ROUTED_SERVICES: must name each service once'],
  [{ TIERPLANE_ROUTED_SERVICES: 'orders', TIERPLANE_STAGE: 'a/b' }, 'TIERPLANE_STAGE: must be one segment of a path'],
  [
    { TIERPLANE_ROUTED_SERVICES: 'orders', TIERPLANE_STAGE: 'orders' },
    "TIERPLANE_STAGE: must not be the name of a service or 'v1'",
  ],
  [
    { TIERPLANE_ROUTED_SERVICES: 'orders', TIERPLANE_SHARD: 'v1' },
    "TIERPLANE_SHARD: must not be the name of a service or 'v1'",
  ],
  [{ TIERPLANE_ROUTED_SERVICES: 'orders', TIERPLANE_PORT: '8o8' }, 'TIERPLANE_PORT: must be a port'],
  [{ TIERPLANE_ROUTED_SERVICES: 'orders', TIERPLANE_PORT: '70000' }, 'TIERPLANE_PORT: '],
  [{ TIERPLANE_ROUTED_SERVICES: 'orders', TIERPLANE_SERVICE_PORT: '0' }, 'TIERPLANE_SERVICE_PORT: '],
  ...[
    ['{', 'must be JSON'],
    ['{"orders":"http://127.0.0.1:8081"}', 'must be one URL in a list'],
    ['{"orders":[]}', 'must be one URL in a list'],
    ['{"orders":["http://a:1","http://b:1"]}', 'must be one URL in a list'],
    ['{"orders":["https://orders:8080"]}', 'must be http://<host>:<port>'],
    ['{"orders":["http://orders:8080/path"]}', 'must be http://<host>:<port>'],
    ['{"orders":["http://orders"]}', 'must be http://<host>:<port>'],
  ].map(
    ([TIERPLANE_SERVICES, message]) =>
      [{ TIERPLANE_ROUTED_SERVICES: 'orders', TIERPLANE_SERVICES }, `TIERPLANE_SERVICES: ${message}`] as const,
  ),
])('%j is refused by the name of the variable', (variables, message) => {
  expect(() => readConfig(variables)).toThrow(message);
});

test('all errors are listed together', () => {
  const variables = { TIERPLANE_STAGE: '/', TIERPLANE_PORT: 'x' };
  expect(() => readConfig(variables)).toThrow('invalid environment of ingress (3 errors):');
});
