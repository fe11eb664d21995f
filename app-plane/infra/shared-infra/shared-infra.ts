import type { IUserPool } from 'aws-cdk-lib/aws-cognito';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { TierName } from '../../../core/tier/tiers.ts';
import type { AlarmTopics } from '../../../infra/alarms.ts';

/** An internal load balancer with its listener. Each tenant with services of its own has a rule in one shard. */
export interface Shard {
  /** From 1. */
  readonly number: number;
  readonly loadBalancerArn: string;
  readonly dnsName: string;
  /** Its default action is 404. */
  readonly listenerArn: string;
  /** The load balancer's. Tasks accept requests from it only. */
  readonly securityGroupId: string;
}

/** A web application: static files behind CloudFront. */
export interface Site {
  readonly bucket: IBucket;
  readonly distributionId: string;
  /** Without a slash at the end. */
  readonly url: string;
}

/** The user pool of the tenants that have none of their own. */
export interface PooledUserPool {
  readonly userPool: IUserPool;
  readonly clientId: string;
  /** The base URL of managed login. */
  readonly signInUrl: string;
  /** The `iss` of its tokens. */
  readonly issuer: string;
}

/** The tenants' entry point. */
export interface TenantRestApi {
  readonly restApiId: string;
  readonly stageName: string;
  /** Without a slash at the end. The API of a tenant in shard 1 is at `<url>/s1`. */
  readonly url: string;
  readonly usagePlanIds: Readonly<Record<TierName, string>>;
}

/** What the stack shared-infra offers to the stacks after it. */
export interface SharedInfra {
  readonly vpc: IVpc;
  /** The private subnets that tasks run in, one per availability zone. */
  readonly taskSubnetIds: readonly string[];
  readonly shards: readonly Shard[];
  /** The application plane's. */
  readonly table: Table;
  /** Encrypts passwords chosen at sign-up until their users exist. */
  readonly passwordKey: Key;
  readonly pool: PooledUserPool;
  readonly restApi: TenantRestApi;
  /** Functions that the REST API and user pools invoke, or that need only what shared-infra contains. */
  readonly functions: {
    readonly authorizer: IFunction;
    readonly preToken: IFunction;
    readonly customMessage: IFunction;
    readonly tenantUsers: IFunction;
  };
  readonly alarmTopics: AlarmTopics;
  readonly sites: { readonly admin: Site; readonly app: Site };
  /** The templates of all installed releases. */
  readonly releases: IBucket;
}
