import { DescribeTasksCommand, ECSClient, ListClustersCommand, ListTasksCommand, type Task } from '@aws-sdk/client-ecs';
import { clientConfig } from '../bus-watch.ts';
import type { ContainerEngine } from '../container-engine.ts';
import type { EmulatedAccount } from '../emulated-account.ts';

/** The names of the running containers of a service: of a tenant's own tasks or, without `tenantId`, of the pool's. */
export function containersOf(
  engine: ContainerEngine,
  { service, tenantId = '' }: { readonly service: string; readonly tenantId?: string },
): string[] {
  const names = engine.containers(`label=com.amazonaws.ecs.container-name=${service}`, 'status=running');
  const tenantOf = (name: string): string =>
    /^TIERPLANE_TENANT=(.*)$/m.exec(inspected(engine, name, '{{join .Config.Env "\\n"}}'))?.[1] ?? '';
  return names.filter((name) => tenantOf(name) === tenantId);
}

/** The names of the running containers whose task has ended, or never was. */
export async function containersWithoutTask(account: EmulatedAccount, engine: ContainerEngine): Promise<string[]> {
  const format = '{{index .Config.Labels "com.amazonaws.ecs.task-arn"}}';
  const running = engine.containers('status=running').map((name) => [name, inspected(engine, name, format)] as const);
  const arns = (await tasksOf(account)).map(({ taskArn }) => taskArn);
  return running.filter(([, arn]) => arn !== '' && !arns.includes(arn)).map(([name]) => name);
}

/** The tasks of all clusters that have not stopped. */
export async function tasksOf(account: EmulatedAccount): Promise<Task[]> {
  const ecs = new ECSClient(clientConfig(account));
  const { clusterArns = [] } = await ecs.send(new ListClustersCommand({}));
  const found = clusterArns.map(async (cluster) => {
    const { taskArns: tasks = [] } = await ecs.send(new ListTasksCommand({ cluster }));
    if (tasks.length === 0) return [];
    return (await ecs.send(new DescribeTasksCommand({ cluster, tasks }))).tasks ?? [];
  });
  return (await Promise.all(found)).flat().filter(({ lastStatus }) => lastStatus !== 'STOPPED');
}

/** What the engine says of a container; empty for one that has just gone. */
function inspected(engine: ContainerEngine, name: string, format: string): string {
  try {
    return engine.run('inspect', '--format', format, name).trim();
  } catch {
    return '';
  }
}
