import type { Statement } from '../../../tenant-templates/data-role.ts';
import { IMAGE } from './image.ts';

/** What differs between the services of the tests. */
export interface ServiceOptions {
  /** Environment variables of the task. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly image?: string;
  /** Properties of the container definition beyond those of every service. */
  readonly container?: Readonly<Record<string, unknown>>;
  /** Names of volumes without a source. */
  readonly volumes?: readonly string[];
  /** Container definitions after the first. */
  readonly sidecars?: readonly Readonly<Record<string, unknown>>[];
  readonly service?: Readonly<Record<string, unknown>>;
  /** The service principal that the task role trusts. @default ecs-tasks.amazonaws.com */
  readonly trusted?: string;
  /** What the task role may do. @default - nothing */
  readonly statements?: readonly Statement[];
}

/** A service with one task behind a load balancer, as JSON. Its outputs are DnsName and TaskRole. */
export function serviceTemplate(name: string, options: ServiceOptions = {}): string {
  const Resources = {
    ...loadBalancer(name),
    Cluster: { Type: 'AWS::ECS::Cluster', Properties: { ClusterName: name } },
    TaskRole: taskRole(options),
    TaskDefinition: taskDefinition(options),
    Service: service(options.service),
  };
  const Outputs = {
    DnsName: { Value: { 'Fn::GetAtt': ['LoadBalancer', 'DNSName'] } },
    LoadBalancerArn: { Value: { Ref: 'LoadBalancer' } },
    TaskRole: { Value: { Ref: 'TaskRole' } },
  };
  return JSON.stringify({ Resources, Outputs });
}

function loadBalancer(name: string) {
  return {
    LoadBalancer: {
      Type: 'AWS::ElasticLoadBalancingV2::LoadBalancer',
      Properties: { Name: name, Scheme: 'internal', Type: 'application' },
    },
    TargetGroup: {
      Type: 'AWS::ElasticLoadBalancingV2::TargetGroup',
      Properties: {
        ...{ Port: 8080, Protocol: 'HTTP', TargetType: 'ip', VpcId: 'vpc-1' },
        ...{ HealthCheckPath: '/healthz', HealthCheckIntervalSeconds: 1, UnhealthyThresholdCount: 2 },
      },
    },
    Listener: {
      Type: 'AWS::ElasticLoadBalancingV2::Listener',
      Properties: {
        ...{ LoadBalancerArn: { Ref: 'LoadBalancer' }, Port: 80, Protocol: 'HTTP' },
        DefaultActions: [{ Type: 'forward', TargetGroupArn: { Ref: 'TargetGroup' } }],
      },
    },
  };
}

function taskRole({ trusted = 'ecs-tasks.amazonaws.com', statements = [] }: ServiceOptions) {
  const documentOf = (Statement: readonly object[]) => ({ Version: '2012-10-17', Statement });
  const trust = { Effect: 'Allow', Principal: { Service: trusted }, Action: 'sts:AssumeRole' };
  const Policies = statements.length === 0 ? [] : [{ PolicyName: 'own', PolicyDocument: documentOf(statements) }];
  return { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: documentOf([trust]), Policies } };
}

function taskDefinition({ environment = {}, image = IMAGE, container, volumes = [], sidecars = [] }: ServiceOptions) {
  const Environment = Object.entries({ AWS_REGION: 'us-east-1', ...environment }).map(([Name, Value]) => ({
    Name,
    Value,
  }));
  return {
    Type: 'AWS::ECS::TaskDefinition',
    Properties: {
      ...{ NetworkMode: 'awsvpc', RequiresCompatibilities: ['FARGATE'], Cpu: '256', Memory: '512' },
      Volumes: volumes.map((Name) => ({ Name })),
      TaskRoleArn: { 'Fn::GetAtt': ['TaskRole', 'Arn'] },
      ContainerDefinitions: [
        {
          ...{ Name: 'main', Image: image, Essential: true, Environment, VersionConsistency: 'disabled' },
          PortMappings: [{ ContainerPort: 8080, Name: 'http' }],
          ...container,
        },
        ...sidecars,
      ],
    },
  };
}

function service(properties: ServiceOptions['service']) {
  return {
    Type: 'AWS::ECS::Service',
    DependsOn: 'Listener',
    Properties: {
      ...{ Cluster: { Ref: 'Cluster' }, TaskDefinition: { Ref: 'TaskDefinition' }, DesiredCount: 1 },
      LaunchType: 'FARGATE',
      LoadBalancers: [{ ContainerName: 'main', ContainerPort: 8080, TargetGroupArn: { Ref: 'TargetGroup' } }],
      NetworkConfiguration: { AwsvpcConfiguration: { Subnets: ['subnet-1'], AssignPublicIp: 'DISABLED' } },
      DeploymentConfiguration: {
        ...{ MinimumHealthyPercent: 100, MaximumPercent: 200 },
        DeploymentCircuitBreaker: { Enable: true, Rollback: true },
      },
      ...properties,
    },
  };
}
