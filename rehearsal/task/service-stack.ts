import { type App, CfnOutput, CfnParameter, Duration, Fn, Stack, Token } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { type ISecurityGroup, type IVpc, Peer, Port, SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import {
  Capability,
  Cluster,
  ContainerImage,
  CpuArchitecture,
  FargateService,
  FargateTaskDefinition,
  type ICluster,
  LinuxParameters,
  LogDrivers,
  OperatingSystemFamily,
  VersionConsistency,
} from 'aws-cdk-lib/aws-ecs';
import { ApplicationProtocol, ApplicationTargetGroup, CfnListenerRule } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { CfnRole, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { TENANT_ID } from '../../core/tenant/ids.ts';
import { platformTable } from '../../infra/platform-table.ts';
import { dataRolePolicy, dataRoleTrust, type Statement } from '../../tenant-templates/data-role.ts';

/** The parameters of the template. Each has a pattern that its value must match. */
const PARAMETERS = {
  TenantId: TENANT_ID.source,
  /** JSON that TIERPLANE_ISSUERS takes. */
  Issuers: '^\\[\\{.{1,2000}\\}\\]$',
  /** Folder under services/. */
  ServiceName: '^[a-z][a-z0-9-]{0,62}$',
  Image: '^[a-z0-9][a-z0-9.:/_-]{0,199}$',
  CpuArchitecture: '^(X86_64|ARM64)$',
  /** The rule's priority at the listener. */
  Priority: '^[1-9][0-9]{0,4}$',
  VpcId: '^vpc-[0-9a-z]+$',
  SubnetIds: '^subnet-[0-9a-z]+,subnet-[0-9a-z]+$',
  LoadBalancerGroupId: '^sg-[0-9a-z]+$',
  ListenerArn: '^arn:aws[a-z-]*:elasticloadbalancing:.{1,300}$',
} as const;

export type ServiceParameters = Readonly<Record<keyof typeof PARAMETERS, string>>;

export interface ServiceOutputs {
  readonly ClusterName: string;
  readonly ServiceArn: string;
  readonly TableName: string;
  readonly DataRoleArn: string;
}

const PORT = 8080;
const HEALTH_CHECK = `fetch('http://127.0.0.1:${PORT}/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))`;

/** One service of one silo tenant: cluster, table, roles, task, service, and a rule at the shared load balancer. */
export class ServiceStack extends Stack {
  readonly #parameters: ServiceParameters;

  constructor(app: App) {
    super(app, 'task-service', { description: 'One service of one tenant, for the task rehearsal' });
    this.#parameters = Object.fromEntries(
      Object.entries(PARAMETERS).map(([id, allowedPattern]) => [
        id,
        new CfnParameter(this, id, { allowedPattern }).valueAsString,
      ]),
    ) as ServiceParameters;
    const vpc = Vpc.fromVpcAttributes(this, 'Vpc', {
      vpcId: this.#parameters.VpcId,
      availabilityZones: ['a', 'b'],
      isolatedSubnetIds: [0, 1].map((index) => Fn.select(index, Fn.split(',', this.#parameters.SubnetIds))),
    });
    const table = platformTable(this, 'Table');
    const roles = this.#roles(table);
    const cluster = new Cluster(this, 'Cluster', { vpc }) as ICluster;
    const service = this.#service(cluster, { ...roles, table });
    this.#route(vpc, service);
    const outputs: ServiceOutputs = {
      ClusterName: cluster.clusterName,
      ServiceArn: service.serviceArn,
      TableName: table.tableName,
      DataRoleArn: roles.dataRole.attrArn,
    };
    for (const [key, value] of Object.entries(outputs)) new CfnOutput(this, key, { value });
  }

  /**
   * The task's role reaches no table. It may assume the data role, only with the tag of this tenant, and the data role
   * reaches the keys of the tag's tenant only.
   */
  #roles(table: Table): { readonly taskRole: Role; readonly dataRole: CfnRole } {
    const taskRole = new Role(this, 'TaskRole', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
    const documentOf = (Statement: readonly Statement[]) => ({ Version: '2012-10-17', Statement });
    const dataRole = new CfnRole(this, 'DataRole', {
      assumeRolePolicyDocument: documentOf(dataRoleTrust(taskRole.roleArn, this.#parameters.TenantId)),
      policies: [{ policyName: 'data', policyDocument: documentOf(dataRolePolicy(table.tableArn)) }],
    });
    const assume = { actions: ['sts:AssumeRole', 'sts:TagSession'], resources: [dataRole.attrArn] };
    taskRole.addToPolicy(new PolicyStatement(assume));
    return { taskRole, dataRole };
  }

  #service(
    cluster: ICluster,
    { taskRole, dataRole, table }: { readonly taskRole: Role; readonly dataRole: CfnRole; readonly table: Table },
  ): FargateService {
    const { Image, CpuArchitecture: architecture, TenantId, Issuers, ServiceName } = this.#parameters;
    const cpuArchitecture = CpuArchitecture.of(architecture);
    const taskDefinition = new FargateTaskDefinition(this, 'Task', {
      ...{ cpu: 256, memoryLimitMiB: 512, taskRole },
      runtimePlatform: { cpuArchitecture, operatingSystemFamily: OperatingSystemFamily.LINUX },
    });
    const linuxParameters = new LinuxParameters(this, 'Linux', { initProcessEnabled: true });
    linuxParameters.dropCapabilities(Capability.ALL);
    const logGroup = new LogGroup(this, 'Log', { retention: RetentionDays.ONE_WEEK });
    taskDefinition.addContainer('service', {
      image: ContainerImage.fromRegistry(Image),
      // Images have immutable tags; a rehearsal has no registry that knows a digest.
      versionConsistency: VersionConsistency.DISABLED,
      portMappings: [{ containerPort: PORT, name: 'http' }],
      ...{ user: '65532:65532', readonlyRootFilesystem: true, memoryLimitMiB: 512, linuxParameters },
      healthCheck: { command: ['CMD', 'node', '-e', HEALTH_CHECK], startPeriod: Duration.seconds(30) },
      logging: LogDrivers.awsLogs({ logGroup, streamPrefix: 'service' }),
      environment: {
        AWS_REGION: this.region,
        TIERPLANE_SERVICE: ServiceName,
        TIERPLANE_TENANT: TenantId,
        TIERPLANE_TABLE: table.tableName,
        TIERPLANE_DATA_ROLE: dataRole.attrArn,
        TIERPLANE_ISSUERS: Issuers,
        // The gateway names the caller's role in a header, so the service does not ask for it here.
        TIERPLANE_IDENTITY_URL: 'https://identity.invalid',
      },
    });
    return new FargateService(this, 'Service', {
      ...{ cluster, taskDefinition, desiredCount: 1, minHealthyPercent: 100 },
      circuitBreaker: { rollback: true },
      securityGroups: [this.#securityGroup(cluster.vpc)],
      vpcSubnets: { subnets: cluster.vpc.isolatedSubnets },
    });
  }

  /** Only the load balancer reaches the tasks. */
  #securityGroup(vpc: IVpc): ISecurityGroup {
    const group = new SecurityGroup(this, 'TaskGroup', { vpc });
    group.addIngressRule(Peer.securityGroupId(this.#parameters.LoadBalancerGroupId), Port.tcp(PORT));
    return group;
  }

  /** Requests with the tenant's path in their header reach the service. */
  #route(vpc: IVpc, service: FargateService): void {
    const { ListenerArn, TenantId } = this.#parameters;
    const group = new ApplicationTargetGroup(this, 'Targets', {
      ...{ vpc, port: PORT, protocol: ApplicationProtocol.HTTP, targets: [service] },
      healthCheck: { path: '/healthz', interval: Duration.seconds(5), timeout: Duration.seconds(2) },
      deregistrationDelay: Duration.seconds(5),
    });
    const rule = new CfnListenerRule(this, 'Rule', {
      listenerArn: ListenerArn,
      priority: Token.asNumber(Fn.ref('Priority')),
      conditions: [{ field: 'http-header', httpHeaderConfig: { httpHeaderName: 'tenantPath', values: [TenantId] } }],
      actions: [{ type: 'forward', targetGroupArn: group.targetGroupArn }],
    });
    service.node.addDependency(rule);
  }
}
