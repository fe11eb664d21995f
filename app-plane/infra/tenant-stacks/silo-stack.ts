import { CfnParameter, DefaultStackSynthesizer, Fn, type IReusableStackSynthesizer, Token } from 'aws-cdk-lib';
import type { CfnCluster } from 'aws-cdk-lib/aws-ecs';
import type { Construct } from 'constructs';
import type { Capacity, Packing } from '../../../core/tier/tiers.ts';
import { type PlatformProps, TierplaneStack } from '../../../infra/tierplane-stack.ts';
import { SERVICES } from '../../../tenant-templates/tiers.ts';
import { fargateCluster, sharedCluster } from './cluster.ts';
import type { Rollout } from './deployment-props.ts';
import { Ec2Capacity, type Ec2CapacityProps, ec2Provider } from './ec2-capacity.ts';
import { imagesOf, repositoryArns } from './images.ts';
import { tableNames } from './service-tables.ts';
import {
  boundaryName,
  countParameter,
  FARGATE_PARAMETERS,
  ONE_TASK_COUNT,
  SILO_PARAMETERS,
  type SiloIsolation,
  type SiloParameter,
  templateName,
} from './silo-parameters.ts';
import { explainEnvironment, TenantServices } from './tenant-services.ts';

export interface SiloStackProps extends PlatformProps {
  readonly isolation: SiloIsolation;
  readonly packing: Packing;
  readonly capacity: Capacity;
}

/** Tenants with a cluster of their own get a canary deployment, those in the shared cluster a circuit breaker. */
const ROLLOUTS: Readonly<Record<SiloIsolation, Rollout>> = { service: 'rolling', cluster: 'canary' };
const MAX_COUNT = 100;

/**
 * The template of one silo tenant's deployment. Its parameters bring everything that differs between tenants, so no stack of
 * the platform exports a value to it.
 */
export class SiloStack extends TierplaneStack {
  readonly #props: SiloStackProps;

  constructor(scope: Construct, props: SiloStackProps) {
    const { isolation, packing, capacity } = props;
    super(scope, templateName(isolation, packing, capacity), {
      ...props,
      description: 'Services of one tenant',
      tenant: { tenantId: Fn.ref('TenantId'), tier: Fn.ref('Tier') },
      synthesizer: templateOnly(),
    });
    this.#props = props;
    this.#createServices(textParameters(this, SILO_PARAMETERS), this.#counts());
  }

  /** A parameter per service, or one if all are in one task. */
  #counts(): Record<string, number> {
    const isOneTask = this.#props.packing === 'one-task';
    const names = isOneTask ? [ONE_TASK_COUNT] : SERVICES.map((service) => service);
    return Object.fromEntries(
      names.map((name) => {
        const id = isOneTask ? name : countParameter(name);
        return [name, new CfnParameter(this, id, { type: 'Number', minValue: 0, maxValue: MAX_COUNT }).valueAsNumber];
      }),
    );
  }

  #createServices(values: Readonly<Record<SiloParameter, string>>, counts: Record<string, number>): void {
    const { isolation, packing, configuration } = this.#props;
    const name = `${this.prefix}-silo-${values.TenantId}`;
    const network = {
      vpcId: values.VpcId,
      subnetIds: Fn.split(',', values.SubnetIds),
      boundaryArn: this.#boundaryArn(),
    };
    const cluster = isolation === 'cluster' ? fargateCluster(this, name) : undefined;
    const capacity = this.#capacity({ ...network, name, cluster });
    const services = new TenantServices(this, {
      ...{ name, namespace: name, tenantId: values.TenantId, tenantPath: values.TenantId, packing, ...network },
      ...{ cluster: cluster?.ref ?? sharedCluster(this.prefix), rollout: ROLLOUTS[isolation], ...capacity },
      images: imagesOf(this, this.prefix, values.Release),
      repositoryArns: repositoryArns(this, this.prefix),
      ...{ issuers: issuersOf(values), tables: tableNames(name), usersFunctionArn: values.UsersFunctionArn },
      ...{ cpuArchitecture: values.CpuArchitecture, size: { cpu: values.Cpu, memory: values.Memory } },
      ...{ counts, minTasks: Token.asNumber(values.MinTasks), maxTasks: Token.asNumber(values.MaxTasks) },
      ...{ priority: Token.asNumber(values.Priority), shard: `s${values.Shard}` },
      balancers: [{ listenerArn: values.ListenerArn, securityGroupId: values.LoadBalancerGroupId }],
      ...{ logRetentionDays: configuration.logRetentionDays, alarmTopicArn: values.AlarmTopicArn },
    });
    explainEnvironment(services);
    for (const service of services.services.values()) {
      for (const one of [cluster, capacity.instances]) if (one) service.node.addDependency(one);
    }
  }

  /** What runs the tasks: Fargate, instances of the tenant's own cluster, or those of the shared one. */
  #capacity({ cluster, ...network }: Omit<Ec2CapacityProps, 'configuration'> & { cluster: CfnCluster | undefined }) {
    if (this.#props.capacity === 'fargate') {
      const weights = textParameters(this, FARGATE_PARAMETERS);
      return { launchType: 'FARGATE', capacity: fargateStrategy(weights), instances: undefined } as const;
    }
    const { configuration } = this.#props;
    const instances = cluster && new Ec2Capacity(this, { ...network, configuration });
    const capacityProvider = ec2Provider(cluster ? network.name : sharedCluster(this.prefix));
    return { launchType: 'EC2', capacity: [{ capacityProvider, weight: 1 }], instances } as const;
  }

  #boundaryArn(): string {
    return this.formatArn({
      ...{ service: 'iam', region: '', resource: 'policy' },
      resourceName: boundaryName(this.prefix),
    });
  }
}

/** A template without assets, and without a parameter of the bootstrap stack. */
export function templateOnly(): IReusableStackSynthesizer {
  return new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }) as IReusableStackSynthesizer;
}

/** Parameters of type String, each with its pattern. */
export function textParameters<Name extends string>(
  scope: Construct,
  patterns: Readonly<Record<Name, string>>,
): Record<Name, string> {
  const entries = Object.entries<string>(patterns).map(([name, allowedPattern]) => [
    name,
    new CfnParameter(scope, name, { allowedPattern }).valueAsString,
  ]);
  return Object.fromEntries(entries) as Record<Name, string>;
}

/** JSON of the one issuer. The patterns of the parameters exclude quotes. */
function issuersOf({ Issuer, Realm, ClientIds }: Readonly<Record<SiloParameter, string>>): string {
  const clientIds = Fn.join('","', Fn.split(',', ClientIds));
  return `[{"issuer":"${Issuer}","realm":"${Realm}","clientIds":["${clientIds}"]}]`;
}

/** The first task is never on spare capacity. */
function fargateStrategy(weights: Readonly<Record<keyof typeof FARGATE_PARAMETERS, string>>) {
  return [
    { capacityProvider: 'FARGATE', base: 1, weight: Token.asNumber(weights.FargateWeight) },
    { capacityProvider: 'FARGATE_SPOT', weight: Token.asNumber(weights.SpotWeight) },
  ];
}
