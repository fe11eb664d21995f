import { SERVICES_DIR } from '../adapters/embedded/program.ts';
import { createRuntime, type EmbeddedRuntime } from '../adapters/embedded/runtime/runtime.ts';
import type { PlatformStore } from './open-store.ts';
import type { StartContext } from './start-context.ts';

/** Prepares the supervisor of clusters, and ends the processes that a previous run left behind. */
export async function openRuntime(
  { dir, clock, log, notify, cleanUp }: StartContext,
  { table, instance, runDir }: PlatformStore,
): Promise<EmbeddedRuntime> {
  const runtime = await createRuntime({
    dataDir: dir.root,
    runDir,
    servicesDir: SERVICES_DIR,
    clock,
    log,
    table,
    instance,
    agentReplaced: (cluster, reason) => notify?.(`the agent of cluster ${cluster} is being replaced: ${reason}`),
  });
  cleanUp.defer(() => runtime.close());
  await runtime.reap();
  return runtime;
}
