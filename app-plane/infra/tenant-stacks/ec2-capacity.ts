import { Fn, Stack } from 'aws-cdk-lib';
import { CfnAutoScalingGroup } from 'aws-cdk-lib/aws-autoscaling';
import { CfnLaunchTemplate, CfnSecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { CfnCapacityProvider, CfnClusterCapacityProviderAssociations } from 'aws-cdk-lib/aws-ecs';
import { CfnInstanceProfile, CfnRole } from 'aws-cdk-lib/aws-iam';
import { NagSuppressions } from 'cdk-nag';
import { Construct } from 'constructs';
import type { Configuration } from '../../../infra/configuration.ts';

export interface Ec2CapacityProps {
  /** The name of the cluster, and the beginning of other names. */
  readonly name: string;
  readonly configuration: Pick<Configuration, 'ec2' | 'cpuArchitecture'>;
  readonly vpcId: string;
  readonly subnetIds: string[];
  /** ARN of the permissions boundary of the instances' role. @default - none */
  readonly boundaryArn?: string;
}

const INSTANCE_TYPES = { ARM64: 'm7g.large', X86_64: 'm7i.large' } as const;
/** The images that AWS maintains for ECS. CloudFormation reads the newest one's id when it creates or updates the stack. */
const IMAGES = {
  ARM64: '/aws/service/ecs/optimized-ami/amazon-linux-2023/arm64/recommended/image_id',
  X86_64: '/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id',
} as const;

/** The name of the capacity provider in the cluster of this name. Names must not begin with `ecs` or `aws`. */
export function ec2Provider(cluster: string): string {
  return `${cluster}-ec2`;
}

/** Instances that a cluster starts when tasks need them, and stops when none runs there: none at first. */
export class Ec2Capacity extends Construct {
  readonly provider: string;

  constructor(scope: Construct, props: Ec2CapacityProps) {
    super(scope, 'Ec2');
    this.provider = ec2Provider(props.name);
    const { configuration, subnetIds } = props;
    const template = this.#launchTemplate(props);
    const group = new CfnAutoScalingGroup(this, 'Instances', {
      ...{ minSize: '0', maxSize: String(configuration.ec2.maxInstances), vpcZoneIdentifier: subnetIds },
      launchTemplate: { launchTemplateId: template.ref, version: template.attrLatestVersionNumber },
      newInstancesProtectedFromScaleIn: true,
      tags: [{ key: 'AmazonECSManaged', value: '', propagateAtLaunch: true }],
    });
    NagSuppressions.addResourceSuppressions(group, [
      {
        id: 'AwsSolutions-AS3',
        reason: 'ECS starts and stops the instances as tasks need them; alarms watch the tasks.',
      },
    ]);
    const provider = new CfnCapacityProvider(this, 'Provider', {
      name: this.provider,
      autoScalingGroupProvider: {
        autoScalingGroupArn: group.ref,
        managedScaling: { status: 'ENABLED', targetCapacity: 100 },
        ...{ managedTerminationProtection: 'ENABLED', managedDraining: 'ENABLED' },
      },
    });
    new CfnClusterCapacityProviderAssociations(this, 'Association', {
      cluster: props.name,
      capacityProviders: ['FARGATE', 'FARGATE_SPOT', provider.ref],
      defaultCapacityProviderStrategy: [],
    });
  }

  /** Tasks cannot reach the instance metadata, which has credentials of the instance's role. */
  #launchTemplate({ name, configuration, vpcId, boundaryArn }: Ec2CapacityProps): CfnLaunchTemplate {
    const { cpuArchitecture, ec2 } = configuration;
    const group = new CfnSecurityGroup(this, 'InstanceGroup', { groupDescription: 'Instances: no requests', vpcId });
    const settings = `ECS_CLUSTER=${name}\nECS_AWSVPC_BLOCK_IMDS=true\nECS_ENABLE_TASK_IAM_ROLE=true`;
    const userData = Fn.base64(`#!/bin/bash\ncat >> /etc/ecs/ecs.config <<END\n${settings}\nEND\n`);
    return new CfnLaunchTemplate(this, 'Template', {
      launchTemplateData: {
        imageId: `{{resolve:ssm:${IMAGES[cpuArchitecture]}}}`,
        instanceType: ec2.instanceType ?? INSTANCE_TYPES[cpuArchitecture],
        iamInstanceProfile: { arn: this.#profile(name, boundaryArn).attrArn },
        securityGroupIds: [group.attrGroupId],
        metadataOptions: { httpTokens: 'required', httpPutResponseHopLimit: 1 },
        blockDeviceMappings: [{ deviceName: '/dev/xvda', ebs: { volumeSize: 30, volumeType: 'gp3', encrypted: true } }],
        userData,
      },
    });
  }

  #profile(name: string, boundaryArn: string | undefined): CfnInstanceProfile {
    const { partition } = Stack.of(this);
    const policy = `arn:${partition}:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role`;
    const role = new CfnRole(this, 'Role', {
      roleName: `${name}-ec2`,
      assumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
      },
      managedPolicyArns: [policy],
      ...(boundaryArn !== undefined && { permissionsBoundary: boundaryArn }),
    });
    NagSuppressions.addResourceSuppressions(role, [
      { id: 'AwsSolutions-IAM4', reason: 'AWS maintains the policy for the agent of ECS, whose calls change.' },
    ]);
    return new CfnInstanceProfile(this, 'Profile', { roles: [role.ref] });
  }
}
