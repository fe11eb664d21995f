import type { CfnService } from 'aws-cdk-lib/aws-ecs';
import type { Packing } from '../../../core/tier/tiers.ts';

/** A load balancer that requests for the deployment come from. */
export interface Balancer {
  readonly listenerArn: string;
  readonly securityGroupId: string;
}

/** How a new revision replaces the old one. */
export type Rollout =
  /** Tasks are replaced; a circuit breaker rolls back a revision whose tasks fail. */
  | 'rolling'
  /** A part of the requests goes to the new revision first; an alarm rolls it back, too. */
  | 'canary';

/**
 * The services of the pool or of one silo tenant, with ingress in front of them. Texts and numbers may be parameters of the
 * template.
 */
export interface DeploymentProps {
  /** The beginning of the names of the deployment's roles: `<prefix>-pool` or `<prefix>-silo-<tenant id>`. */
  readonly name: string;
  /** The only tenant that the tasks serve; '' for the pool. */
  readonly tenantId: string;
  /** The value of the header `tenantPath` of requests for this deployment. */
  readonly tenantPath: string;
  /** The name of the cluster. */
  readonly cluster: string;
  /** The Service Connect namespace to create. */
  readonly namespace: string;
  readonly packing: Packing;
  readonly rollout: Rollout;
  /** Image by service, and of `ingress`. */
  readonly images: Readonly<Record<string, string>>;
  /** ARNs of the repositories that the images are in. */
  readonly repositoryArns: readonly string[];
  /** JSON: the issuers that services accept. */
  readonly issuers: string;
  /** Name of the table of each service that keeps items. */
  readonly tables: Readonly<Record<string, string>>;
  /** ARN of the function `tenant-users`. */
  readonly usersFunctionArn: string;
  readonly cpuArchitecture: string;
  /** CPU units and MiB of a task. */
  readonly size: { readonly cpu: string; readonly memory: string };
  /** Tasks by service, or of the one task that contains all. */
  readonly counts: Readonly<Record<string, number>>;
  /** Bounds of the autoscaling. */
  readonly minTasks: number;
  readonly maxTasks: number;
  readonly launchType: 'FARGATE' | 'EC2';
  /** The capacity providers of the tasks. */
  readonly capacity: readonly CfnService.CapacityProviderStrategyItemProperty[];
  readonly vpcId: string;
  readonly subnetIds: string[];
  readonly balancers: readonly Balancer[];
  /** Of the rule at each listener. */
  readonly priority: number;
  /** The segment that precedes the service in a path of the API, such as `s1`. @default - none */
  readonly shard?: string;
  readonly logRetentionDays: number;
  /** ARN of the permissions boundary of the deployment's roles. @default - none */
  readonly boundaryArn?: string;
  /** ARN of the topic that alarms notify. @default - the stack adds one */
  readonly alarmTopicArn?: string;
}

/** The port of ingress, and of each service that has a task of its own. */
export const PORT = 8080;
