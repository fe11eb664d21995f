import { expect, test } from '@jest/globals';
import { PlatformStatus } from '../../../../control-plane/api/http/platform-status.ts';

const GATEWAY = { pid: 7, restarts: 0 };
const AGENT = { cluster: 'pool', pid: 8, restarts: 1, lastFailure: 'hung', lastFailureAt: '2026-01-31T10:00:00.000Z' };
const EMBEDDED = {
  ...{ home: 'embedded', clusters: ['pool'], node: 'v24.0.0', gateway: GATEWAY, agents: [AGENT], notes: [] },
  isolation: { ownUsers: true, parentDeathSignal: true, cpuCaps: 'cgroup' },
};

test.each<[what: string, status: object, fits: boolean]>([
  ['the embedded home', EMBEDDED, true],
  ['the embedded home while its gateway starts', { ...EMBEDDED, gateway: { pid: null, restarts: 2 } }, true],
  ['the home on AWS', { home: 'aws', clusters: [], region: 'eu-west-1' }, true],
  ['another home', { home: 'x', clusters: [], region: 'eu-west-1' }, false],
  ['a home on AWS with the facts of an embedded one', { ...EMBEDDED, home: 'aws' }, false],
  ['half a restart of the gateway', { ...EMBEDDED, gateway: { ...GATEWAY, restarts: 0.5 } }, false],
  ['no time of a failure', { ...EMBEDDED, agents: [{ ...AGENT, lastFailureAt: 'today' }] }, false],
  ['half a process of the gateway', { ...EMBEDDED, gateway: { ...GATEWAY, pid: 0.5 } }, false],
  ['half a process of an agent', { ...EMBEDDED, agents: [{ ...AGENT, pid: 0.5 }] }, false],
])('DX-4: the declared status of the platform describes %s: %j', (_what, status, fits) => {
  expect(PlatformStatus.safeParse(status).success).toBe(fits);
});
