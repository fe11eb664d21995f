import { CfnCluster } from 'aws-cdk-lib/aws-ecs';
import type { Construct } from 'constructs';

/** A cluster with Container Insights, whose tasks run on Fargate and on its spare capacity. */
export function fargateCluster(scope: Construct, clusterName: string): CfnCluster {
  return new CfnCluster(scope, 'Cluster', {
    clusterName,
    clusterSettings: [{ name: 'containerInsights', value: 'enabled' }],
    capacityProviders: ['FARGATE', 'FARGATE_SPOT'],
  });
}

/** The name of the cluster of tenants that have services, but no cluster of their own. */
export function sharedCluster(prefix: string): string {
  return `${prefix}-shared`;
}
