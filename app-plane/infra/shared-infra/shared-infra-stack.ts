import { CfnOutput } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { notifyAlarms } from '../../../infra/alarms.ts';
import { bundle } from '../../../infra/bundle.ts';
import { passwordKey } from '../../../infra/password-key.ts';
import * as allow from '../../../infra/permissions.ts';
import { platformFunction } from '../../../infra/platform-function.ts';
import { platformTable } from '../../../infra/platform-table.ts';
import { type PlatformProps, TierplaneStack } from '../../../infra/tierplane-stack.ts';
import { AccessLogs } from './access-logs.ts';
import { EncryptedAlarmTopics } from './alarm-topics.ts';
import { Network } from './network.ts';
import { PooledUsers } from './pooled-users.ts';
import { ReleaseBucket } from './release-bucket.ts';
import { ShardLoadBalancer } from './shard-load-balancer.ts';
import type { SharedInfra } from './shared-infra.ts';
import { TenantRestApi } from './tenant-rest-api.ts';
import { UserFunctions } from './user-functions.ts';
import { WebSite } from './web-site.ts';

/** What all tenants share, whatever their tier: network, entry point, table, user pool, sites and alarms. */
export class SharedInfraStack extends TierplaneStack implements SharedInfra {
  readonly vpc: IVpc;
  readonly taskSubnetIds: readonly string[];
  readonly shards: readonly ShardLoadBalancer[];
  readonly table: Table;
  readonly passwordKey: Key;
  readonly pool: PooledUsers;
  readonly restApi: TenantRestApi;
  readonly functions: SharedInfra['functions'];
  readonly alarmTopics: EncryptedAlarmTopics;
  readonly sites: SharedInfra['sites'];
  readonly releases: IBucket;
  readonly #logRetention: RetentionDays;

  constructor(scope: Construct, props: PlatformProps) {
    super(scope, 'shared-infra-stack', {
      ...props,
      description: 'Network, load balancers, REST API, user pool, sites and alarms that all tenants share',
    });
    const { prefix, configuration } = this;
    this.#logRetention = configuration.logRetentionDays;
    const logs = new AccessLogs(this, 'AccessLogs', { retentionDays: configuration.logRetentionDays });
    this.alarmTopics = new EncryptedAlarmTopics(this, 'Alarms', { prefix, emails: configuration.alarmEmails });
    this.sites = {
      admin: new WebSite(this, 'AdminSite', { name: `${prefix}-admin`, logs }),
      app: new WebSite(this, 'AppSite', { name: `${prefix}-app`, logs }),
    };
    this.releases = new ReleaseBucket(this, 'Releases', { logs }).bucket;
    this.table = platformTable(this, 'Table');
    this.passwordKey = passwordKey(this);
    const users = this.#userFunctions();
    this.functions = { ...users, authorizer: this.#authorizer() };
    this.pool = new PooledUsers(this, 'Pool', { prefix, siteUrl: this.sites.app.url, ...users });
    const network = this.#network();
    this.vpc = network.vpc;
    this.taskSubnetIds = network.taskSubnetIds;
    this.shards = this.#shards(logs, network.addresses);
    this.restApi = this.#restApi();
    notifyAlarms(this, this.alarmTopics);
    this.#addOutputs();
  }

  #network(): Network {
    const { network, tiers } = this.configuration;
    const instances = Object.values(tiers).some(({ capacity }) => capacity === 'ec2');
    return new Network(this, 'Network', { ...network, instances, logRetention: this.#logRetention });
  }

  #shards(accessLogs: AccessLogs, addresses: string): ShardLoadBalancer[] {
    const { shards, certificateArn } = this.configuration;
    return Array.from({ length: shards }, (_, i) => {
      return new ShardLoadBalancer(this, `Shard${i + 1}`, {
        ...{ number: i + 1, vpc: this.vpc, addresses, accessLogs, appUrl: this.sites.app.url },
        ...(certificateArn !== undefined && { certificateArn }),
      });
    });
  }

  #restApi(): TenantRestApi {
    const { certificateHost, requestsPerAddress } = this.configuration;
    return new TenantRestApi(this, 'RestApi', {
      ...{ prefix: this.prefix, vpc: this.vpc, shards: this.shards, logRetention: this.#logRetention },
      authorizer: this.functions.authorizer,
      appUrl: this.sites.app.url,
      ...(certificateHost !== undefined && { certificateHost }),
      ...(requestsPerAddress !== undefined && { requestsPerAddress }),
    });
  }

  #userFunctions(): UserFunctions {
    const { prefix, table, passwordKey: key } = this;
    return new UserFunctions(this, 'UserFunctions', {
      ...{ prefix, table, passwordKey: key, appUrl: this.sites.app.url, logRetention: this.#logRetention },
    });
  }

  /** The authorizer has no alarm of its own, because it fails for every invalid token. The REST API's alarm counts other errors. */
  #authorizer(): LambdaFunction {
    return platformFunction(this, 'authorizer', {
      description: "Authorizes requests to the tenants' REST API",
      code: bundle(this, 'app-plane/lambda/authorizer'),
      environment: { TIERPLANE_TABLE: this.table.tableName },
      statements: [allow.readItems(this.table)],
      logRetention: this.#logRetention,
    });
  }

  #addOutputs(): void {
    new CfnOutput(this, 'restApi', { value: this.restApi.url, description: "Base URL of the tenants' API" });
    new CfnOutput(this, 'adminSite', { value: this.sites.admin.url, description: 'Site of administrators' });
    new CfnOutput(this, 'appSite', { value: this.sites.app.url, description: 'Site of tenants' });
  }
}
