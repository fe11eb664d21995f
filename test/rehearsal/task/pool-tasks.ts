import { DescribeTasksCommand, ECSClient, RunTaskCommand, StopTaskCommand } from '@aws-sdk/client-ecs';
import type { EmulatedAccount } from '../../../rehearsal/emulated-account.ts';
import { Stacks } from '../../../rehearsal/stacks.ts';
import {
  configurationOf,
  type Parsed,
  platformTemplates,
  type Resource,
} from '../../app-plane/infra/tenant-stacks/templates.ts';
import { until } from '../../support/until.ts';
import { clientConfig } from '../account.ts';

/** What a task needs of the pool's stack. The rest would start all its services, and needs the network of another stack. */
const TYPES = [
  ...['AWS::IAM::Role', 'AWS::IAM::Policy', 'AWS::DynamoDB::Table', 'AWS::ECS::TaskDefinition', 'AWS::ECS::Cluster'],
  'AWS::Logs::LogGroup',
];
const STACK = 'pool-tasks';
/** The logical id of the pool's cluster. */
const CLUSTER = 'Cluster';

/** The roles, tables and task definitions of the pool's real template, and one task of each service that has a role. */
export class PoolTasks {
  readonly template: Parsed;
  readonly #account: EmulatedAccount;
  readonly #tasks: string[] = [];
  #cluster = '';

  constructor(account: EmulatedAccount) {
    this.#account = account;
    const cpuArchitecture = process.arch === 'arm64' ? 'ARM64' : 'X86_64';
    this.template = platformTemplates(configurationOf({ cpuArchitecture })).pool;
  }

  /** Runs the tasks. @throws Error if a task does not start */
  async start(): Promise<void> {
    const Resources = this.#resources();
    const definitions = Object.keys(Resources).filter((id) => isTaskWithRole(Resources[id]));
    const Outputs = Object.fromEntries([CLUSTER, ...definitions].map((id) => [id, { Value: { Ref: id } }]));
    const created = await new Stacks(this.#account).create(STACK, JSON.stringify({ Resources, Outputs }));
    if (created.status !== 'CREATE_COMPLETE') throw new Error(created.failures.join('; '));
    this.#cluster = created.outputs[CLUSTER] ?? '';
    for (const id of definitions) {
      const run = new RunTaskCommand({ cluster: this.#cluster, taskDefinition: created.outputs[id] });
      const { tasks = [] } = await this.#ecs.send(run);
      this.#tasks.push(...tasks.map(({ taskArn = '' }) => taskArn));
    }
    await until(() => this.#areRunning(), 60_000);
  }

  async #areRunning(): Promise<boolean> {
    const describe = new DescribeTasksCommand({ cluster: this.#cluster, tasks: this.#tasks });
    const { tasks = [] } = await this.#ecs.send(describe);
    const ended = tasks.find(({ lastStatus }) => lastStatus === 'STOPPED');
    if (ended) throw new Error(`a task of the pool ended: ${ended.stoppedReason}`);
    return tasks.every(({ lastStatus }) => lastStatus === 'RUNNING');
  }

  /** Ends the tasks, and deletes the tables. */
  async stop(): Promise<void> {
    for (const task of this.#tasks.splice(0))
      await this.#ecs.send(new StopTaskCommand({ cluster: this.#cluster, task }));
    await new Stacks(this.#account).delete(STACK);
  }

  get #ecs(): ECSClient {
    return new ECSClient(clientConfig(this.#account));
  }

  #resources(): Record<string, Resource> {
    const kept = Object.entries(this.template.Resources).filter(([, { Type }]) => TYPES.includes(Type));
    const ids = new Set(kept.map(([id]) => id));
    const dropped = Object.keys(this.template.Resources).filter((id) => !ids.has(id));
    const isWhole = (resource: Resource) =>
      !dropped.some((id) => JSON.stringify(resource.Properties).includes(`"${id}"`));
    return Object.fromEntries(kept.filter(([, one]) => isWhole(one)).map(([id, one]) => [id, deletable(one)]));
  }
}

function isTaskWithRole(one: Resource | undefined): boolean {
  return one?.Type === 'AWS::ECS::TaskDefinition' && one.Properties.TaskRoleArn !== undefined;
}

/** The pool's tables are protected. Those of the test go with it. */
function deletable({ Type, Properties }: Resource): Resource {
  if (Type !== 'AWS::DynamoDB::Table') return { Type, Properties };
  return { Type, Properties: { ...Properties, DeletionProtectionEnabled: false } };
}
