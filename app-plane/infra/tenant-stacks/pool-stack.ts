import { CfnDeletionPolicy, Fn } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { poolSizingTier } from '../../../core/tier/tiers.ts';
import { notifyAlarms } from '../../../infra/alarms.ts';
import { type PlatformProps, TierplaneStack } from '../../../infra/tierplane-stack.ts';
import { SERVICES, TIERS } from '../../../tenant-templates/tiers.ts';
import type { SharedInfra } from '../shared-infra/shared-infra.ts';
import { fargateCluster } from './cluster.ts';
import { Ec2Capacity, ec2Provider } from './ec2-capacity.ts';
import { imagesOf, repositoryArns } from './images.ts';
import { SERVICES_WITH_TABLE, serviceTable, tableNames } from './service-tables.ts';
import { MIN_TASKS, ONE_TASK_COUNT } from './silo-parameters.ts';
import { oneTaskSize, serviceTaskSize } from './task-size.ts';
import { explainEnvironment, TenantServices } from './tenant-services.ts';

/** The rule of the pool comes before those of tenants. */
const PRIORITY = 1;
const TIER = poolSizingTier(TIERS);

/** What the pool's stack needs of shared-infra. */
export type PoolInfra = Pick<SharedInfra, 'vpc' | 'taskSubnetIds' | 'shards' | 'alarmTopics'> & {
  readonly pool: Pick<SharedInfra['pool'], 'issuer' | 'clientId'>;
  readonly functions: Pick<SharedInfra['functions'], 'tenantUsers'>;
};

export interface PoolStackProps extends PlatformProps {
  /** The tag of the images. */
  readonly release: string;
  readonly infra: PoolInfra;
}

/** What all pooled tenants share: cluster, services, tables, and a rule at each load balancer. */
export class PoolStack extends TierplaneStack {
  /** Names of the pooled tables. */
  readonly tableNames: readonly string[];

  constructor(scope: Construct, props: PoolStackProps) {
    super(scope, `tenant-template-stack-${TIER}`, {
      ...props,
      description: 'Services and tables of all pooled tenants',
    });
    const name = `${this.prefix}-pool`;
    const tables = tableNames(name);
    for (const service of SERVICES_WITH_TABLE) {
      const options = { tableName: tables[service] ?? '', pooled: true, policy: CfnDeletionPolicy.RETAIN };
      serviceTable(this, `${service}Table`, options);
    }
    this.tableNames = Object.values(tables);
    for (const [key, value] of Object.entries(stackTags(props.release))) this.tags.setTag(key, value);
    this.#createServices(name, tables, props);
    notifyAlarms(this, props.infra.alarmTopics);
  }

  #createServices(
    name: string,
    tables: Record<string, string>,
    { release, infra, configuration }: PoolStackProps,
  ): void {
    const { packing, capacity, spotPercent } = configuration.tiers[TIER];
    const { task } = TIERS[TIER];
    const vpcId = infra.vpc.vpcId;
    const subnetIds = [...infra.taskSubnetIds];
    const cluster = fargateCluster(this, name);
    const isOneTask = packing === 'one-task';
    const size = isOneTask ? oneTaskSize(task, SERVICES.length) : serviceTaskSize(task);
    const ec2 = capacity === 'ec2' ? new Ec2Capacity(this, { name, configuration, vpcId, subnetIds }) : undefined;
    const minTasks = Math.max(MIN_TASKS, task.desired);
    const counted = isOneTask ? [ONE_TASK_COUNT] : SERVICES;
    const services = new TenantServices(this, {
      ...{ name, namespace: name, tenantId: '', tenantPath: 'pool', packing, rollout: 'canary', priority: PRIORITY },
      ...{ cluster: cluster.ref, launchType: ec2 ? 'EC2' : 'FARGATE' },
      images: imagesOf(this, this.prefix, release),
      repositoryArns: repositoryArns(this, this.prefix),
      issuers: issuersOf(infra.pool),
      ...{ tables, usersFunctionArn: infra.functions.tenantUsers.functionArn },
      cpuArchitecture: configuration.cpuArchitecture,
      size: { cpu: String(size.cpu), memory: String(size.memoryMiB) },
      counts: Object.fromEntries(counted.map((one) => [one, minTasks])),
      ...{ minTasks, maxTasks: Math.max(MIN_TASKS, task.max) },
      capacity: ec2
        ? [{ capacityProvider: ec2Provider(name), weight: 1 }]
        : [
            { capacityProvider: 'FARGATE', base: 1, weight: 100 - spotPercent },
            { capacityProvider: 'FARGATE_SPOT', weight: spotPercent },
          ],
      ...{ vpcId, subnetIds, balancers: infra.shards, logRetentionDays: configuration.logRetentionDays },
    });
    explainEnvironment(services);
    for (const service of services.services.values()) service.node.addDependency(ec2 ?? cluster);
  }
}

/** `StackRuntime` (adapters/aws/runtime) recognizes the pool's stack by these tags. */
function stackTags(release: string): Record<string, string> {
  const { max } = TIERS[TIER].task;
  return {
    ...{ 'tierplane:deployment': 'pool', 'tierplane:cluster': 'pool', 'tierplane:release': release },
    ...{ 'tierplane:max-tasks': String(max), Tier: TIER },
  };
}

/** JSON of the pooled user pool. */
function issuersOf({ issuer, clientId }: PoolInfra['pool']): string {
  return Fn.join('', ['[{"issuer":"', issuer, '","realm":"pool","clientIds":["', clientId, '"]}]']);
}
