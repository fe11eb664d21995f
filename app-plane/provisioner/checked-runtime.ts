import { defined } from '../../core/defined.ts';
import { tenantOf } from '../../core/plan/deployment.ts';
import type { Clock, RandomBytes } from '../../core/ports/clock.ts';
import type { DeploymentId, DeploymentSpec, DeploymentStatus, Runtime } from '../../core/ports/runtime.ts';
import { type Key, put, type Table } from '../../core/ports/table.ts';
import { type BackOff, backOffMs, chanceOf } from '../../core/retry/back-off.ts';

/** What a smoke request is for. */
export interface SmokeRequest {
  readonly tenantId: string;
  /** The number of the load balancer in its cell. */
  readonly shard: number;
  /** Folders under services/. */
  readonly services: readonly string[];
}

export interface CheckedRuntimeOptions {
  readonly runtime: Pick<Runtime, 'deploy' | 'withdraw' | 'deployment'>;
  /**
   * Sends requests to the tenant's services as a client's request would reach them.
   * @returns undefined if all were served, else why not, in plain words
   */
  readonly smoke: (request: SmokeRequest) => Promise<string | undefined>;
  readonly table: Table;
  readonly clock: Pick<Clock, 'now'>;
  readonly random: RandomBytes;
  /** Failed smoke requests after which the deployment has failed. @default 10, which takes about two minutes */
  readonly attempts?: number;
}

/** The outcome of smoke requests to a tenant's deployment. */
interface Checks {
  /** The release whose smoke request was served last. */
  readonly passed?: string;
  /** Smoke requests that failed since. */
  readonly failing?: {
    readonly release: string;
    readonly count: number;
    readonly nextAt: number;
    readonly reason: string;
  };
}

const ATTEMPTS = 10;
const BACK_OFF: BackOff = { baseMs: 1_000, maxMs: 20_000 };

function checksKey(tenantId: string): Key<Checks> {
  return { pk: `smoke#${tenantId}`, sk: 'smoke' };
}

/**
 * A runtime whose silo deployments are ready only once a smoke request to each release was served. A failed request is repeated
 * with back-off; after `attempts` the deployment has failed with the request's reason, and another call of `deploy` begins anew.
 */
export function createCheckedRuntime(options: CheckedRuntimeOptions): CheckedRuntimeOptions['runtime'] {
  const { runtime, table } = options;
  const checksOf = async (tenantId: string): Promise<Checks> => (await table.get(checksKey(tenantId)))?.data ?? {};

  return {
    async deploy(spec) {
      const status = await runtime.deploy(spec);
      const { tenantId } = spec;
      if (status.state !== 'ready' || tenantId === null) return status;
      const checks = await checksOf(tenantId);
      if (checks.passed === spec.release) return status;
      return await check({ ...spec, tenantId }, status, checks, options);
    },

    async withdraw(id) {
      // Delete the record first: once the deployment is gone, no pass calls withdraw again.
      await table.transact([{ delete: checksKey(requireTenant(id)) }]);
      return await runtime.withdraw(id);
    },

    async deployment(id) {
      const status = await runtime.deployment(id);
      const tenantId = tenantOf(id);
      if (status.state !== 'ready' || tenantId === null) return status;
      const { passed, failing } = await checksOf(tenantId);
      return passed === status.release ? status : unchecked(status, failing?.reason);
    },
  };
}

async function check(
  { tenantId, place, services, release }: DeploymentSpec & { readonly tenantId: string },
  status: DeploymentStatus,
  { passed, failing }: Checks,
  { smoke, table, clock, random, attempts = ATTEMPTS }: CheckedRuntimeOptions,
): Promise<DeploymentStatus> {
  const before = failing?.release === release ? failing : undefined;
  if (before && clock.now() < before.nextAt) return unchecked(status, before.reason);
  const write = (data: Checks) => table.transact([put({ ...checksKey(tenantId), version: 1, data })]);
  const reason = await smoke({ tenantId, shard: place.shard?.number ?? 1, services });
  if (reason === undefined) {
    await write({ passed: release });
    return status;
  }
  const count = (before?.count ?? 0) + 1;
  if (count >= attempts) {
    await write(defined({ passed }));
    return { ...unchecked(status, reason), state: 'failed' };
  }
  const nextAt = clock.now() + backOffMs(count, BACK_OFF, chanceOf(random));
  await write(defined({ passed, failing: { release, count, nextAt, reason } }));
  return unchecked(status, reason);
}

/** The status of a deployment that has not served its smoke request. */
function unchecked(status: DeploymentStatus, failure: string | undefined): DeploymentStatus {
  const reason = failure === undefined ? 'its smoke request was not sent yet' : `its smoke request failed: ${failure}`;
  const parts = status.parts.map(({ endedAt: _, ...part }) => ({ ...part, status: 'running' as const, reason }));
  return { ...status, state: 'changing', reason, parts };
}

function requireTenant(id: DeploymentId): string {
  const tenantId = tenantOf(id);
  if (tenantId === null) throw new Error('the pool must not be withdrawn');
  return tenantId;
}
