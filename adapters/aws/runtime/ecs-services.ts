import {
  DescribeServicesCommand,
  DescribeTasksCommand,
  type ECSClient,
  ListTasksCommand,
  type Service,
  type Task,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs';
import type { TaskState, TaskStatus } from '../../../core/ports/runtime.ts';
import { throwAs } from '../store/errors.ts';

const fail = throwAs('ECS');

/** DescribeServices takes at most 10 services. */
const SERVICES_AT_ONCE = 10;

/** Services of ECS, by ARN: `arn:aws:ecs:<region>:<account>:service/<cluster>/<service>`. */
export class EcsServices {
  readonly #client: ECSClient;

  constructor(client: ECSClient) {
    this.#client = client;
  }

  /** The services that exist, by ARN. All must be of one cluster. */
  async describe(arns: readonly string[]): Promise<Map<string, Service>> {
    const found = new Map<string, Service>();
    for (let from = 0; from < arns.length; from += SERVICES_AT_ONCE) {
      const services = arns.slice(from, from + SERVICES_AT_ONCE);
      const cluster = clusterOf(services[0] ?? '');
      const page = await this.#client.send(new DescribeServicesCommand({ cluster, services })).catch(fail);
      for (const service of page.services ?? []) {
        if (service.serviceArn && service.status !== 'INACTIVE') found.set(service.serviceArn, service);
      }
    }
    return found;
  }

  /** The tasks of a service that run or start, oldest first. */
  async tasks(arn: string): Promise<TaskStatus[]> {
    const [cluster, serviceName] = [clusterOf(arn), arn.split('/').at(-1)];
    const { taskArns = [] } = await this.#client.send(new ListTasksCommand({ cluster, serviceName })).catch(fail);
    if (taskArns.length === 0) return [];
    const { tasks = [] } = await this.#client.send(new DescribeTasksCommand({ cluster, tasks: taskArns })).catch(fail);
    return tasks.map(statusOf).sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
  }

  /** Replaces every task: new ones are healthy before old ones stop. */
  async restart(arn: string): Promise<void> {
    const input = { cluster: clusterOf(arn), service: arn, forceNewDeployment: true };
    await this.#client.send(new UpdateServiceCommand(input)).catch(fail);
  }

  async scale(arn: string, desiredCount: number): Promise<void> {
    const input = { cluster: clusterOf(arn), service: arn, desiredCount };
    await this.#client.send(new UpdateServiceCommand(input)).catch(fail);
  }
}

/** Whether as many tasks run as are desired. */
export function isSteady({ desiredCount = 0, runningCount = 0 }: Service): boolean {
  return runningCount >= desiredCount;
}

function clusterOf(arn: string): string | undefined {
  return arn.split('/').at(-2);
}

const STATES: Readonly<Record<string, TaskState>> = {
  PROVISIONING: 'starting',
  PENDING: 'starting',
  ACTIVATING: 'starting',
  RUNNING: 'healthy',
  DEACTIVATING: 'draining',
  STOPPING: 'draining',
  DEPROVISIONING: 'stopped',
  STOPPED: 'stopped',
};

function statusOf(task: Task): TaskStatus {
  const { taskArn = '', lastStatus = '', healthStatus, startedAt, createdAt } = task;
  const state = STATES[lastStatus] ?? 'starting';
  return {
    taskId: taskArn.split('/').at(-1) ?? taskArn,
    pid: 0,
    state: state === 'healthy' && healthStatus === 'UNHEALTHY' ? 'unhealthy' : state,
    endpoint: addressOf(task),
    startedAt: (startedAt ?? createdAt ?? new Date(0)).toISOString(),
  };
}

/** `http://<private address>:8080`; empty until the task has an address. */
function addressOf({ attachments = [], containers = [] }: Task): string {
  const details = attachments.flatMap((attachment) => attachment.details ?? []);
  const address =
    details.find(({ name }) => name === 'privateIPv4Address')?.value ??
    containers[0]?.networkInterfaces?.[0]?.privateIpv4Address;
  return address ? `http://${address}:8080` : '';
}
