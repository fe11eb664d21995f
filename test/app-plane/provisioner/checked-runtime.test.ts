import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemRandom } from '../../../adapters/shared/clock.ts';
import { createCheckedRuntime, type SmokeRequest } from '../../../app-plane/provisioner/checked-runtime.ts';
import type { DeploymentSpec } from '../../../core/ports/runtime.ts';
import { TIERS } from '../../../tenant-templates/tiers.ts';
import { openScratchTable } from '../../support/scratch-table.ts';
import { FakeRuntime } from './fake-runtime.ts';

const ACME = 'acme0000';
const ID = `tenant-${ACME}` as const;
const SPEC: DeploymentSpec = {
  ...{ id: ID, cluster: 'shared', tenantId: ACME, tier: 'advanced', size: TIERS.advanced.task },
  ...{ services: ['orders', 'users'], release: 'r1', environment: {} },
  place: { realm: 'pool', cluster: 'shared', silo: true, shard: { number: 2, priority: 100 } },
};

describe('a runtime with smoke requests', () => {
  let scratch: Awaited<ReturnType<typeof openScratchTable>>;
  let runtime: FakeRuntime;
  let sent: SmokeRequest[];
  let failure: string | undefined;
  beforeEach(async () => {
    scratch = await openScratchTable();
    runtime = new FakeRuntime();
    sent = [];
    failure = undefined;
  });
  afterEach(() => scratch.close());

  /** As a new instance of the function opens it. */
  const open = (attempts?: number) =>
    createCheckedRuntime({
      ...{ runtime, ...scratch, random: systemRandom, ...(attempts !== undefined && { attempts }) },
      async smoke(request) {
        sent.push(request);
        return failure;
      },
    });

  test('a deployment is ready once its smoke request was served, which is sent once per release', async () => {
    await expect(open().deploy(SPEC)).resolves.toMatchObject({ state: 'ready' });
    expect(sent).toEqual([{ tenantId: ACME, shard: 2, services: ['orders', 'users'] }]);
    await expect(open().deploy(SPEC)).resolves.toMatchObject({ state: 'ready' });
    await expect(open().deployment(ID)).resolves.toMatchObject({ state: 'ready' });
    expect(sent).toHaveLength(1);
    await open().deploy({ ...SPEC, release: 'r2' });
    expect(sent).toHaveLength(2);
  });

  test('a deployment that has become ready is observed as changing until its smoke request was served', async () => {
    await runtime.deploy(SPEC);
    const { state, parts } = await open().deployment(ID);
    expect([state, parts.map(({ status }) => status)]).toEqual(['changing', ['running', 'running']]);
    await open().deploy(SPEC);
    await expect(open().deployment(ID)).resolves.toMatchObject({ state: 'ready' });
  });

  test('a failed smoke request is repeated with back-off, and then fails the deployment with its reason', async () => {
    failure = 'GET /users must respond with status 401, got 502';
    const reason = `its smoke request failed: ${failure}`;
    await expect(open(3).deploy(SPEC)).resolves.toMatchObject({ state: 'changing', reason });
    await expect(open(3).deploy(SPEC)).resolves.toMatchObject({ state: 'changing', reason });
    expect(sent).toHaveLength(1);
    scratch.clock.advance(1_000);
    await expect(open(3).deploy(SPEC)).resolves.toMatchObject({ state: 'changing', reason });
    await expect(open(3).deployment(ID)).resolves.toMatchObject({ state: 'changing', reason });
    scratch.clock.advance(2_000);
    await expect(open(3).deploy(SPEC)).resolves.toMatchObject({ state: 'failed', reason });
    expect(sent).toHaveLength(3);
  });

  test('a service that responds at last makes the deployment ready', async () => {
    failure = 'GET /healthz must respond with status 200, got 503';
    await open().deploy(SPEC);
    failure = undefined;
    scratch.clock.advance(1_000);
    await expect(open().deploy(SPEC)).resolves.toMatchObject({ state: 'ready' });
  });

  test('after a failure, and after a withdrawal, smoke requests begin anew', async () => {
    failure = 'no response';
    await expect(open(1).deploy(SPEC)).resolves.toMatchObject({ state: 'failed' });
    failure = undefined;
    await expect(open(1).deploy(SPEC)).resolves.toMatchObject({ state: 'ready' });
    await expect(open().withdraw(ID)).resolves.toMatchObject({ state: 'absent' });
    await open().deploy(SPEC);
    expect(sent).toHaveLength(3);
  });

  test('ON-6: a withdrawal leaves no record of smoke requests, also if its end is observed by another pass', async () => {
    await open().deploy(SPEC);
    const key = { pk: `smoke#${ACME}`, sk: 'smoke' };
    expect(await scratch.table.get(key)).toBeDefined();
    const withdraw = async () => ({ state: 'changing', parts: [] }) as const;
    const { table, clock } = scratch;
    const smoke = async () => undefined;
    const checked = createCheckedRuntime({
      ...{ table, clock, smoke, random: systemRandom },
      runtime: { deploy: (spec) => runtime.deploy(spec), deployment: (id) => runtime.deployment(id), withdraw },
    });
    await expect(checked.withdraw(ID)).resolves.toMatchObject({ state: 'changing' });
    expect(await scratch.table.get(key)).toBeUndefined();
  });

  test('the pool gets no smoke request', async () => {
    const pool = { ...SPEC, id: 'pool', cluster: 'pool', tenantId: null } as const;
    await expect(open().deploy(pool)).resolves.toMatchObject({ state: 'ready' });
    await expect(open().deployment('pool')).resolves.toMatchObject({ state: 'ready' });
    expect(sent).toEqual([]);
  });
});
