import { Stack } from 'aws-cdk-lib';
import { CfnTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import type { Construct } from 'constructs';
import { SERVICES } from '../../../tenant-templates/tiers.ts';
import { type DeploymentProps, PORT } from './deployment-props.ts';

type Container = CfnTaskDefinition.ContainerDefinitionProperty;
type Props = Pick<
  DeploymentProps,
  'images' | 'issuers' | 'tables' | 'tenantId' | 'usersFunctionArn' | 'packing' | 'shard'
>;

/** Where and how the containers of a deployment run. */
export interface ContainerContext {
  readonly props: Props;
  readonly logGroup: string;
}

/** How a container's health is checked, in seconds. Short intervals let a deployment notice new and failed tasks at once. */
const HEALTH = { interval: 5, timeout: 2, retries: 3, startPeriod: 30 };
/** After how many seconds ECS kills a container that is stopping. Services and ingress drain within 25 s. */
const STOP_TIMEOUT = 30;
/** If the log is slow, requests do not wait for it. */
const LOG_BUFFER = { mode: 'non-blocking', 'max-buffer-size': '4m' };
const INGRESS = 'ingress';

/** The port that a service listens on: in one task, each has its own. */
export function portOf(service: string, packing: DeploymentProps['packing']): number {
  if (packing === 'per-service') return PORT;
  return PORT + 1 + SERVICES.map(String).indexOf(service);
}

/** One service. @param dataRole ARN of its data role, if it keeps items */
export function serviceContainer(
  scope: Construct,
  service: string,
  { context, dataRole }: { readonly context: ContainerContext; readonly dataRole: string | undefined },
): Container {
  const { props } = context;
  const port = portOf(service, props.packing);
  return container(scope, service, {
    ...{ context, port },
    health: '/readyz',
    environment: {
      TIERPLANE_SERVICE: service,
      TIERPLANE_TENANT: props.tenantId,
      TIERPLANE_ISSUERS: props.issuers,
      TIERPLANE_SERVICES: endpointsOf(props.packing, (other) => other !== service),
      TIERPLANE_USERS_FUNCTION: props.usersFunctionArn,
      ...(dataRole !== undefined && { TIERPLANE_TABLE: props.tables[service], TIERPLANE_DATA_ROLE: dataRole }),
    },
  });
}

/** The proxy in front of the services. */
export function ingressContainer(scope: Construct, context: ContainerContext): Container {
  const { packing, shard } = context.props;
  const ingress = container(scope, INGRESS, {
    ...{ context, port: PORT },
    health: '/healthz',
    environment: {
      TIERPLANE_ROUTED_SERVICES: SERVICES.join(','),
      TIERPLANE_SERVICES: endpointsOf(packing, () => true),
      ...(shard !== undefined && { TIERPLANE_SHARD: shard }),
    },
  });
  if (packing === 'per-service') return ingress;
  return { ...ingress, dependsOn: SERVICES.map((containerName) => ({ containerName, condition: 'HEALTHY' })) };
}

/** JSON: the address of each service. In one task, that is the loopback. */
function endpointsOf(packing: DeploymentProps['packing'], isIncluded: (service: string) => boolean): string {
  const host = (service: string) => (packing === 'one-task' ? '127.0.0.1' : service);
  const addresses = SERVICES.filter(isIncluded).map((service) => [
    service,
    [`http://${host(service)}:${portOf(service, packing)}`],
  ]);
  return JSON.stringify(Object.fromEntries(addresses));
}

interface ContainerOptions {
  readonly context: ContainerContext;
  readonly port: number;
  /** The path that must respond with 200. */
  readonly health: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Without root, capabilities and a writable file system. */
function container(scope: Construct, name: string, options: ContainerOptions): Container {
  const { context, port, health, environment } = options;
  const { region } = Stack.of(scope);
  const check = `fetch('http://127.0.0.1:${port}${health}').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))`;
  const given = Object.entries({ AWS_REGION: region, TIERPLANE_PORT: String(port), ...environment });
  return {
    ...{ name, image: context.props.images[name] ?? '', essential: true, stopTimeout: STOP_TIMEOUT },
    ...{ user: '65532:65532', readonlyRootFilesystem: true, privileged: false },
    // Images have immutable tags, so a look-up of their digests adds nothing.
    versionConsistency: 'disabled',
    linuxParameters: { capabilities: { drop: ['ALL'] }, initProcessEnabled: true },
    portMappings: [{ containerPort: port, name, protocol: 'tcp', appProtocol: 'http' }],
    healthCheck: { command: ['CMD', 'node', '-e', check], ...HEALTH },
    environment: given.flatMap(([key, value]) => (value === undefined ? [] : [{ name: key, value }])),
    logConfiguration: {
      logDriver: 'awslogs',
      options: {
        'awslogs-group': context.logGroup,
        'awslogs-region': region,
        'awslogs-stream-prefix': name,
        ...LOG_BUFFER,
      },
    },
  };
}

/** A task definition of these containers. */
export function taskDefinition(
  scope: Construct,
  id: string,
  task: {
    readonly props: Pick<DeploymentProps, 'cpuArchitecture' | 'launchType'>;
    readonly size: DeploymentProps['size'];
    readonly containers: readonly Container[];
    readonly executionRoleArn: string;
    /** @default - the containers may make no call of AWS */
    readonly taskRoleArn?: string;
  },
): CfnTaskDefinition {
  const { props, size, containers, executionRoleArn, taskRoleArn } = task;
  return new CfnTaskDefinition(scope, id, {
    ...{ networkMode: 'awsvpc', requiresCompatibilities: [props.launchType], cpu: size.cpu, memory: size.memory },
    runtimePlatform: { cpuArchitecture: props.cpuArchitecture, operatingSystemFamily: 'LINUX' },
    containerDefinitions: [...containers],
    executionRoleArn,
    ...(taskRoleArn !== undefined && { taskRoleArn }),
  });
}
