import { CfnScalableTarget, CfnScalingPolicy } from 'aws-cdk-lib/aws-applicationautoscaling';
import { CfnSecurityGroup, CfnSecurityGroupIngress } from 'aws-cdk-lib/aws-ec2';
import { CfnService, type CfnServiceProps, type CfnTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import { CfnLogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnHttpNamespace } from 'aws-cdk-lib/aws-servicediscovery';
import { NagSuppressions } from 'cdk-nag';
import { Construct } from 'constructs';
import { SERVICE_CALLS, SERVICES } from '../../../tenant-templates/tiers.ts';
import { type ContainerContext, ingressContainer, serviceContainer, taskDefinition } from './containers.ts';
import { type DeploymentProps, PORT } from './deployment-props.ts';
import { Routing } from './routing.ts';
import { ONE_TASK_COUNT, ONE_TASK_SERVICE, serviceLogicalId } from './silo-parameters.ts';
import { TaskRoles } from './task-roles.ts';
import { INGRESS_SIZE } from './task-size.ts';

/** Autoscaling keeps the average CPU of a service's tasks at this share, in percent. */
const TARGET_CPU = 60;
/** A canary deployment: the new revision's share of requests in percent, and how long it has this share. */
const CANARY = { canaryPercent: 10, canaryBakeTimeInMinutes: 3 };
/** How long alarms watch a revision that has all requests. */
const BAKE_MINUTES = 2;
/** For how many seconds a new task may fail the load balancer's health check without being stopped. */
const GRACE = 30;
const INGRESS_ID = 'IngressService';

interface ServiceOptions {
  readonly definition: CfnTaskDefinition;
  readonly count: number;
  readonly group: CfnSecurityGroup;
  /** The name of the container that other tasks reach by this name. @default - none does */
  readonly alias?: string;
  readonly routing?: Routing;
}

/** The services of the pool or of one silo tenant, behind ingress, which a rule of each load balancer leads to. */
export class TenantServices extends Construct {
  readonly #props: DeploymentProps;
  readonly #roles: TaskRoles;
  readonly #context: ContainerContext;
  readonly #namespace: CfnHttpNamespace | undefined;
  readonly #routing: Routing;
  /** By logical id. */
  readonly services = new Map<string, CfnService>();

  constructor(scope: Construct, props: DeploymentProps) {
    super(scope, 'Services');
    this.#props = props;
    const log = new CfnLogGroup(this, 'Log', { retentionInDays: props.logRetentionDays });
    this.#roles = new TaskRoles(this, 'Roles', { ...props, logGroupArn: log.attrArn });
    this.#context = { props, logGroup: log.ref };
    this.#routing = new Routing(this, 'Routing', props, this.#roles);
    if (props.packing === 'one-task') this.#createOneTask();
    else {
      this.#namespace = new CfnHttpNamespace(this, 'Namespace', { name: props.namespace });
      this.#createServices();
    }
  }

  /** The name, such as `OrdersService`, is the whole logical id, because `StackRuntime` finds a service by it. */
  #service(logicalId: string, options: ServiceOptions): CfnService {
    const { cluster, capacity, subnetIds } = this.#props;
    const { definition, count, group, routing } = options;
    const service = new CfnService(this, logicalId, {
      ...{ cluster, taskDefinition: definition.ref, desiredCount: count, capacityProviderStrategy: [...capacity] },
      ...{ enableExecuteCommand: false, enableEcsManagedTags: true, propagateTags: 'SERVICE' },
      deploymentController: { type: 'ECS' },
      deploymentConfiguration: this.#deployment(),
      networkConfiguration: {
        awsvpcConfiguration: { subnets: subnetIds, securityGroups: [group.attrGroupId], assignPublicIp: 'DISABLED' },
      },
      ...this.#placement(),
      ...this.#connection(options.alias),
      ...(routing && { loadBalancers: routing.loadBalancers, healthCheckGracePeriodSeconds: GRACE }),
    });
    service.overrideLogicalId(logicalId);
    for (const rule of routing?.rules ?? []) service.addResourceDependency(rule);
    this.#scale(logicalId, service);
    this.services.set(logicalId, service);
    return service;
  }

  #deployment(): CfnService.DeploymentConfigurationProperty {
    const both = {
      ...{ minimumHealthyPercent: 100, maximumPercent: 200 },
      deploymentCircuitBreaker: { enable: true, rollback: true },
    };
    if (this.#props.rollout === 'rolling') return both;
    return {
      ...both,
      ...{ strategy: 'CANARY', canaryConfiguration: CANARY, bakeTimeInMinutes: BAKE_MINUTES },
      alarms: { enable: true, rollback: true, alarmNames: this.#routing.errors.map(({ ref }) => ref) },
    };
  }

  /** Fargate spreads tasks over the subnets' zones by itself. */
  #placement(): Partial<Pick<CfnServiceProps, 'placementStrategies'>> {
    if (this.#props.launchType === 'FARGATE') return {};
    const spread = { type: 'spread', field: 'attribute:ecs.availability-zone' };
    return { placementStrategies: [spread, { type: 'binpack', field: 'memory' }] };
  }

  #connection(alias: string | undefined): Partial<Pick<CfnServiceProps, 'serviceConnectConfiguration'>> {
    if (!this.#namespace) return {};
    const services = alias
      ? [{ portName: alias, discoveryName: alias, clientAliases: [{ dnsName: alias, port: PORT }] }]
      : [];
    return { serviceConnectConfiguration: { enabled: true, namespace: this.#namespace.attrArn, services } };
  }

  /** A task per service, and tasks of ingress. Only ingress is open to the load balancers. */
  #createServices(): void {
    const { counts, size } = this.#props;
    const front = this.#ingressGroup();
    const back = this.#serviceGroup(front);
    for (const service of SERVICES) {
      const { arn, dataRoles, policy } = this.#roles.taskRole(service, [service]);
      const { executionRoleArn } = this.#roles;
      const container = serviceContainer(this, service, { context: this.#context, dataRole: dataRoles.get(service) });
      const task = { props: this.#props, size, containers: [container], executionRoleArn, taskRoleArn: arn };
      const definition = taskDefinition(this, `${service}Definition`, task);
      const options = { definition, count: counts[service] ?? 0, group: back, alias: service };
      this.#service(serviceLogicalId(service), options).addResourceDependency(policy);
    }
    const { cpu, memoryMiB } = INGRESS_SIZE;
    const definition = taskDefinition(this, 'IngressDefinition', {
      props: this.#props,
      size: { cpu: String(cpu), memory: String(memoryMiB) },
      containers: [ingressContainer(this, this.#context)],
      executionRoleArn: this.#roles.executionRoleArn,
    });
    const count = this.#props.minTasks;
    this.#service(INGRESS_ID, { definition, count, group: front, routing: this.#routing });
    this.#startCalledServicesFirst();
  }

  /** A task knows the names of Service Connect that exist when its deployment starts. */
  #startCalledServicesFirst(): void {
    const serviceOf = (service: string) => this.services.get(serviceLogicalId(service));
    const ingress = this.services.get(INGRESS_ID);
    for (const service of SERVICES) {
      const own = serviceOf(service);
      if (own) ingress?.addResourceDependency(own);
      for (const called of SERVICE_CALLS[service] ?? []) {
        const other = serviceOf(called);
        if (other) own?.addResourceDependency(other);
      }
    }
  }

  /** All services and ingress in each task. The first container's network is that of all. */
  #createOneTask(): void {
    const { arn, dataRoles, policy } = this.#roles.taskRole('tasks', SERVICES);
    const services = SERVICES.map((service) =>
      serviceContainer(this, service, { context: this.#context, dataRole: dataRoles.get(service) }),
    );
    const definition = taskDefinition(this, 'TasksDefinition', {
      ...{ props: this.#props, size: this.#props.size, taskRoleArn: arn },
      containers: [ingressContainer(this, this.#context), ...services],
      executionRoleArn: this.#roles.executionRoleArn,
    });
    const count = this.#props.counts[ONE_TASK_COUNT] ?? 0;
    const options = { definition, count, group: this.#ingressGroup(), routing: this.#routing };
    this.#service(ONE_TASK_SERVICE, options).addResourceDependency(policy);
  }

  #scale(id: string, service: CfnService): void {
    const { cluster, minTasks, maxTasks } = this.#props;
    const target = new CfnScalableTarget(this, `${id}Scaling`, {
      ...{ serviceNamespace: 'ecs', scalableDimension: 'ecs:service:DesiredCount' },
      ...{ resourceId: `service/${cluster}/${service.attrName}`, minCapacity: minTasks, maxCapacity: maxTasks },
    });
    new CfnScalingPolicy(this, `${id}Cpu`, {
      ...{ policyName: 'cpu', policyType: 'TargetTrackingScaling', scalingTargetId: target.ref },
      targetTrackingScalingPolicyConfiguration: {
        predefinedMetricSpecification: { predefinedMetricType: 'ECSServiceAverageCPUUtilization' },
        ...{ targetValue: TARGET_CPU, scaleInCooldown: 300, scaleOutCooldown: 30 },
      },
    });
  }

  /** Open to the load balancers only. */
  #ingressGroup(): CfnSecurityGroup {
    const { vpcId, balancers } = this.#props;
    return new CfnSecurityGroup(this, 'IngressGroup', {
      ...{ groupDescription: 'Ingress: requests of the load balancers', vpcId },
      securityGroupIngress: balancers.map(({ securityGroupId }) => ({
        ...{ ipProtocol: 'tcp', fromPort: PORT, toPort: PORT, sourceSecurityGroupId: securityGroupId },
        description: 'Requests of a load balancer',
      })),
    });
  }

  /** Open to ingress and to the other services of the deployment only. */
  #serviceGroup(front: CfnSecurityGroup): CfnSecurityGroup {
    const group = new CfnSecurityGroup(this, 'ServiceGroup', {
      groupDescription: 'Services: requests of ingress and of other services of the same deployment',
      vpcId: this.#props.vpcId,
    });
    for (const [id, source] of Object.entries({ FromIngress: front, FromServices: group })) {
      new CfnSecurityGroupIngress(this, id, {
        ...{ groupId: group.attrGroupId, sourceSecurityGroupId: source.attrGroupId },
        ...{ ipProtocol: 'tcp', fromPort: PORT, toPort: PORT, description: 'Requests within the deployment' },
      });
    }
    return group;
  }
}

/** Rules of cdk-nag that no task definition of ours breaks in substance. */
export function explainEnvironment(services: TenantServices): void {
  const definitions = services.node.findAll().filter((one) => one.node.id.endsWith('Definition'));
  NagSuppressions.addResourceSuppressions(definitions, [
    { id: 'AwsSolutions-ECS2', reason: 'The environment variables are names, addresses and ARNs, and no secrets.' },
  ]);
}
