import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { requireServiceKey } from '../../../../adapters/embedded/runtime/supervisor/service-key.ts';
import { MAX_RUN_DIR_BYTES, socketPath } from '../../../../adapters/embedded/runtime/supervisor/socket-path.ts';

test('the longest run directory leaves room for the socket of the longest tenant and service', () => {
  const [tenantId, service] = ['t'.repeat(26), 's'.repeat(16)];
  requireServiceKey({ cluster: `tenant-${tenantId}`, tenantId, service });
  const runDir = '/'.padEnd(MAX_RUN_DIR_BYTES, 'r');
  expect(socketPath(join(runDir, tenantId), `${service}-abcde`)).toHaveLength(103);
});

test.each([
  ['tenant id', { cluster: 'shared', tenantId: 't'.repeat(27), service: 'orders' }],
  ['service name', { cluster: 'pool', tenantId: null, service: 's'.repeat(17) }],
  ['cluster id', { cluster: 'tenant-../x', tenantId: null, service: 'orders' }],
  ['path as a tenant id', { cluster: 'shared', tenantId: '../../etc/x', service: 'orders' }],
  ['option as a service name', { cluster: 'pool', tenantId: null, service: '--flag' }],
] as const)('SE-1: refuses a key with a %s that is not allowed', (_, key) => {
  expect(() => requireServiceKey(key)).toThrow(expect.objectContaining({ code: 'INVALID' }));
});
