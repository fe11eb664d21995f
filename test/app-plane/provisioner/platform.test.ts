import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ensurePlatform } from '../../../app-plane/provisioner/platform.ts';
import { DomainError } from '../../../core/errors.ts';
import type { RealmSpec } from '../../../core/ports/identity.ts';
import { SERVICES, TIERS } from '../../../tenant-templates/tiers.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { openScratchTable } from '../../support/scratch-table.ts';
import { type FakeIdentity, openFakeIdentity } from './fake-identity.ts';
import { FakeRuntime } from './fake-runtime.ts';

let scratch: Awaited<ReturnType<typeof openScratchTable>>;
let identity: FakeIdentity;
let runtime: FakeRuntime;
let lines: string[];
let realms: RealmSpec[];

beforeEach(async () => {
  scratch = await openScratchTable();
  const real = openFakeIdentity(scratch.table, scratch.clock);
  [lines, realms] = [[], []];
  identity = {
    ...real,
    ensureRealm(spec) {
      realms.push(spec);
      return real.ensureRealm(spec);
    },
  };
  runtime = new FakeRuntime();
});
afterEach(async () => scratch.close());

function ensure(services: readonly string[] = SERVICES): Promise<void> {
  return ensurePlatform({
    ...{ identity, runtime, services, tiers: TIERS, release: '1.0.0', log: recordingLog(lines) },
    environmentOf: (cluster, tenantId, tier) => ({ OF: `${cluster} ${tenantId} ${tier}` }),
  });
}

describe('what tenants share', () => {
  test('is the pooled realm, two clusters, and the pooled services in the size of the tier that the table marks', async () => {
    await ensure();
    expect(realms).toEqual([{ id: 'pool', displayName: 'Tierplane' }]);
    expect(runtime.clusters).toEqual(['pool', 'shared']);
    const environment = { OF: 'pool null basic' };
    const size = TIERS.basic.task;
    const pooled = SERVICES.map((service) => ({ cluster: 'pool', tenantId: null, service, size, environment }));
    expect(runtime.specs()).toEqual(pooled);
    expect(lines).toEqual([]);
  });

  test('stays as it is when it is there already', async () => {
    await ensure();
    const before = await runtime.services();
    await ensure();
    expect(await runtime.services()).toEqual(before);
  });
});

describe('OB-5: a pooled service that does not start', () => {
  const refusal = { code: 'UNAVAILABLE' };

  test('is logged with the reason, and the others serve', async () => {
    runtime.broken.add('pooled/orders');
    await ensure();
    const reason = 'service orders does not start: its file is damaged';
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ service: 'orders', reason }]);
  });

  test('fails the start if no other one serves', async () => {
    for (const service of SERVICES) runtime.broken.add(`pooled/${service}`);
    await expect(ensure()).rejects.toMatchObject(refusal);
    await expect(ensure(['orders'])).rejects.toMatchObject({ ...refusal, message: expect.stringContaining('orders') });
    expect(lines).toEqual([]);
  });

  test('fails the start if it could not be deployed at all, so that nobody tries again', async () => {
    runtime.beforeService = ({ service }) => {
      if (service === 'users') throw new DomainError('UNAVAILABLE', 'no bundle');
    };
    await expect(ensure()).rejects.toMatchObject({ ...refusal, message: 'no bundle' });
    // Another one that is deployed and does not start makes no difference.
    runtime.broken.add('pooled/orders');
    await expect(ensure()).rejects.toMatchObject(refusal);
    expect(lines).toEqual([]);
  });
});

test.each([
  ['its reason', { reason: 'the image is missing' }, 'the image is missing'],
  ['a reason of its own', {}, 'the pooled services cannot be deployed'],
])(
  'OB-5: a deployment of the pool that has failed for good fails the start with %s',
  async (_what, reason, message) => {
    runtime.deploy = async () => ({ state: 'failed', parts: [], ...reason });
    await expect(ensure()).rejects.toMatchObject({ code: 'FAILED', message });
  },
);

test('the pool is deployed as one unit, in its release, at the place of all pooled tenants', async () => {
  const specs: unknown[] = [];
  const deploy = runtime.deploy.bind(runtime);
  runtime.deploy = (spec) => {
    specs.push(spec);
    return deploy(spec);
  };
  await ensure();
  expect(specs).toEqual([
    {
      ...{ id: 'pool', cluster: 'pool', tenantId: null, tier: 'basic', size: TIERS.basic.task, services: SERVICES },
      ...{ release: '1.0.0', environment: { OF: 'pool null basic' } },
      place: { realm: 'pool', cluster: 'pool', silo: false },
    },
  ]);
});

test.each(['ensureRealm', 'deploy'] as const)('a start fails if %s does', async (name) => {
  const failing = () => Promise.reject(new DomainError('UNAVAILABLE', 'not now'));
  if (name === 'ensureRealm') identity = { ...identity, ensureRealm: failing };
  else runtime.deploy = failing;
  await expect(ensure()).rejects.toThrow('not now');
});
