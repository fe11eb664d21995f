import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId } from 'aws-cdk-lib/custom-resources';
import { NagSuppressions } from 'cdk-nag';
import type { Construct } from 'constructs';
import { tierNames } from '../../../core/tier/tiers.ts';
import { boundCdkFunction } from '../../../infra/cdk-function.ts';
import type { Configuration } from '../../../infra/configuration.ts';
import { type PlatformProps, TierplaneStack } from '../../../infra/tierplane-stack.ts';
import { TIERS } from '../../../tenant-templates/tiers.ts';
import type { SharedInfra } from '../shared-infra/shared-infra.ts';
import { fargateCluster, sharedCluster } from './cluster.ts';
import { Ec2Capacity } from './ec2-capacity.ts';

const TIER = tierNames(TIERS).find((name) => TIERS[name].isolation === 'service') ?? 'shared';

export interface SharedClusterStackProps extends PlatformProps {
  readonly infra: Pick<SharedInfra, 'vpc' | 'taskSubnetIds'>;
}

/** The cluster of tenants that have services, but no cluster of their own. Their services are in stacks of their own. */
export class SharedClusterStack extends TierplaneStack {
  readonly clusterName: string;

  constructor(scope: Construct, props: SharedClusterStackProps) {
    super(scope, `tenant-template-stack-${TIER}`, {
      ...props,
      description: 'Cluster of tenants with services of their own',
    });
    const { configuration, infra } = props;
    this.clusterName = sharedCluster(this.prefix);
    const cluster = fargateCluster(this, this.clusterName);
    if (!offersEc2(configuration)) return;
    const capacity = new Ec2Capacity(this, {
      ...{ name: this.clusterName, configuration, vpcId: infra.vpc.vpcId, subnetIds: [...infra.taskSubnetIds] },
    });
    capacity.node.addDependency(cluster);
    allowMoreInterfaces(this, configuration);
  }
}

/** Whether tenants' tasks may run on EC2 instances: some tier does by default. */
export function offersEc2({ tiers }: Pick<Configuration, 'tiers'>): boolean {
  return Object.values(tiers).some(({ capacity }) => capacity === 'ec2');
}

/**
 * Turns on the account setting `awsvpcTrunking`, without which an instance has network interfaces for two tasks only.
 * CloudFormation has no resource for it. It stays on when the stack is deleted, because other clusters may rely on it.
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-instance-eni.html
 */
function allowMoreInterfaces(stack: TierplaneStack, { logRetentionDays }: Configuration): void {
  const call = {
    ...{ service: 'ecs', action: 'PutAccountSettingDefault' },
    parameters: { name: 'awsvpcTrunking', value: 'enabled' },
    physicalResourceId: PhysicalResourceId.of('awsvpcTrunking'),
  };
  const setting = new AwsCustomResource(stack, 'InterfaceTrunking', {
    ...{ onCreate: call, onUpdate: call, installLatestAwsSdk: false },
    policy: AwsCustomResourcePolicy.fromStatements([
      new PolicyStatement({ actions: ['ecs:PutAccountSettingDefault'], resources: ['*'] }),
    ]),
  });
  NagSuppressions.addResourceSuppressions(
    setting,
    [
      {
        id: 'AwsSolutions-IAM5',
        reason: 'ecs:PutAccountSettingDefault supports no resource.',
        appliesTo: ['Resource::*'],
      },
    ],
    true,
  );
  boundCdkFunction(stack, logRetentionDays);
}
