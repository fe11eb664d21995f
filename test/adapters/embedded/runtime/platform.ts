import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRuntime, type EmbeddedRuntime } from '../../../../adapters/embedded/runtime/runtime.ts';
import type { ServiceSpec } from '../../../../adapters/embedded/runtime/supervisor/service-key.ts';
import { openTable, type SqliteTable } from '../../../../adapters/embedded/store/table.ts';
import { systemClock } from '../../../../adapters/shared/clock.ts';
import { deploymentIdOf } from '../../../../core/plan/deployment.ts';
import { POOL_PLACE, placeOf } from '../../../../core/plan/place.ts';
import type { DeploymentSpec, Runtime, ServiceKey, ServiceStatus } from '../../../../core/ports/runtime.ts';
import type { TaskSize } from '../../../../core/tier/tiers.ts';
import { silentLog } from '../../../support/silent-log.ts';
import { until } from '../../../support/until.ts';

/** Holds the bundles of the test services. */
export const FIXTURES = join(import.meta.dirname, '../../../fixtures/services');
export const SIZE: TaskSize = { memoryMiB: 256, cpu: 2, desired: 1, max: 4 };

/** A data directory with its runtime. */
export interface TestPlatform {
  readonly dataDir: string;
  readonly instance: string;
  readonly table: SqliteTable;
  readonly runtime: EmbeddedRuntime;
  /** Ends every process and keeps the directory. */
  stop(): Promise<void>;
  /** Ends every process and removes the directory. */
  remove(): Promise<void>;
}

export function newDataDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'tp-'));
  chmodSync(dir, 0o711);
  return dir;
}

export async function startPlatform(
  options: { dataDir?: string; servicesDir?: string; healthyWithinMs?: number } = {},
): Promise<TestPlatform> {
  const dataDir = options.dataDir ?? newDataDir();
  const instance = `test-${dataDir.slice(-6)}`;
  const table = openTable({ file: join(dataDir, 'platform.db'), clock: systemClock });
  const runtime = await createRuntime({
    dataDir,
    runDir: join(dataDir, 'run'),
    servicesDir: options.servicesDir ?? FIXTURES,
    clock: systemClock,
    log: silentLog,
    table,
    instance,
    healthyWithinMs: options.healthyWithinMs ?? 30_000,
  });
  await runtime.reap();
  const stop = async (): Promise<void> => {
    await runtime.close();
    await table.close();
  };
  return {
    dataDir,
    instance,
    table,
    runtime,
    stop,
    async remove() {
      await stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export function pooled(change: Partial<ServiceSpec> = {}): ServiceSpec {
  return { cluster: 'pool', tenantId: null, service: 'echo', size: SIZE, environment: {}, ...change };
}

/** An advanced tenant's service. */
export function silo(tenantId: string, change: Partial<ServiceSpec> = {}): ServiceSpec {
  return pooled({ cluster: 'shared', tenantId, ...change });
}

/** A premium tenant's service. */
export function premium(tenantId: string, change: Partial<ServiceSpec> = {}): ServiceSpec {
  return pooled({ cluster: `tenant-${tenantId}`, tenantId, ...change });
}

/** A deployment of the service alone, or of several services of one tenant in one cluster. */
export function deploymentOf(
  { cluster, tenantId, size, environment, service }: ServiceSpec,
  services: readonly string[] = [service],
): DeploymentSpec {
  const isolation = cluster === 'shared' ? 'service' : 'cluster';
  const place = tenantId === null ? POOL_PLACE : placeOf(tenantId, { isolation });
  const id = deploymentIdOf(tenantId);
  return { id, cluster, tenantId, tier: 'premium', size, services, release: '1.0.0', environment, place };
}

/** Deploys the services of any number of tenants. Those of one tenant have the same size and environment. */
export async function deploy(runtime: Runtime, specs: readonly ServiceSpec[]): Promise<void> {
  const byTenant = Map.groupBy(specs, ({ tenantId }) => tenantId);
  await Promise.all(
    [...byTenant.values()].map(async (own) => {
      const [first] = own;
      const services = own.map(({ service }) => service);
      if (first) await runtime.deploy(deploymentOf(first, services));
    }),
  );
}

/** Withdraws the deployment of the service's tenant. */
export async function withdraw(runtime: Runtime, { tenantId }: Pick<ServiceKey, 'tenantId'>): Promise<void> {
  await runtime.withdraw(deploymentIdOf(tenantId));
}

export async function statusOf(runtime: EmbeddedRuntime, key: ServiceKey): Promise<ServiceStatus> {
  const all = await runtime.services({ cluster: key.cluster });
  const found = all.find((status) => status.tenantId === key.tenantId && status.service === key.service);
  if (found === undefined) throw new Error(`no service ${key.service} of ${key.tenantId}`);
  return found;
}

/** The sockets that a gateway would use for a service. */
export function socketsOf(
  runtime: EmbeddedRuntime,
  { cluster, tenantId, service }: ServiceKey,
): { current: readonly string[]; close(): void } {
  const sockets = { current: [] as readonly string[], close: () => {} };
  sockets.close = runtime.onEndpoints((all) => {
    sockets.current =
      all.find((one) => one.cluster === cluster && one.tenantId === tenantId && one.service === service)?.sockets ?? [];
  });
  return sockets;
}

/** The one task of a service, once it is healthy. */
export async function taskOf(runtime: EmbeddedRuntime, key: ServiceKey): Promise<{ pid: number; endpoint: string }> {
  return until(async () => {
    const { tasks } = await statusOf(runtime, key);
    return tasks.length === 1 && tasks[0]?.state === 'healthy' ? tasks[0] : undefined;
  });
}

export interface TaskResponse {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the JSON of the test service
  readonly body: any;
}

/** Sends one request over a task's socket, on its own connection. */
export function getFrom(socketPath: string, path: string, timeoutMs = 10_000): Promise<TaskResponse> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, agent: false, timeout: timeoutMs }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }));
      response.on('error', reject);
    });
    sent.on('timeout', () => sent.destroy(new Error('timed out')));
    sent.on('error', reject);
    sent.end();
  });
}

/** The processes that carry the instance's mark. */
export function processesOf(instance: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => read(`/proc/${pid}/environ`).split('\0').includes(`TIERPLANE_INSTANCE=${instance}`))
    .map(Number);
}

export function isAlive(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat !== '' && stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z';
}

/** The pid of the parent process. A task's parent is its agent. */
export function parentOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
