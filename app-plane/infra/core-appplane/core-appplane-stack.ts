import { Duration, Fn } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import type { Construct } from 'constructs';
import { APP_PLANE_SOURCE } from '../../../core/events/events.ts';
import { notifyAlarms } from '../../../infra/alarms.ts';
import { bundle } from '../../../infra/bundle.ts';
import { boundCdkFunction } from '../../../infra/cdk-function.ts';
import { deadLetterQueue } from '../../../infra/dead-letter-queue.ts';
import { OutboxPublisher } from '../../../infra/outbox-publisher.ts';
import { drainOutbox, putEvents } from '../../../infra/permissions.ts';
import { alarmOnErrors } from '../../../infra/platform-function.ts';
import { type PlatformProps, TierplaneStack } from '../../../infra/tierplane-stack.ts';
import type { SharedInfra } from '../shared-infra/shared-infra.ts';
import { Release } from '../tenant-stacks/release.ts';
import { tenantBoundary } from '../tenant-stacks/tenant-boundary.ts';
import { DeploymentRole } from './deployment-role.ts';
import { type OperatedControlPlane, OperatorFunction } from './operator-function.ts';
import { ProvisionerFunctions, TIMEOUT_SECONDS } from './provisioner-functions.ts';
import { RequestQueue } from './request-queue.ts';
import { type SignedInApi, SiteConfigurations } from './site-configuration.ts';
import { SmokeFunction } from './smoke-function.ts';
import { TenantAccountPages, type TenantAccountPagesProps } from './tenant-account-pages.ts';
import { WorkQueue } from './work-queue.ts';

export interface CoreAppPlaneProps extends PlatformProps {
  /** The tag of the images that tenants get. */
  readonly release: string;
  /** The program's version. */
  readonly version: string;
  readonly infra: SharedInfra;
  readonly controlPlane: {
    /** ARN of SBT's event bus. */
    readonly busArn: string;
    readonly signedInApi: SignedInApi;
    readonly accountsApi: TenantAccountPagesProps['api'];
    /** Its API, of which the operator function serves some routes, and its table, which it reads. */
    readonly operated: OperatedControlPlane;
  };
  /** The stack of the pooled services, and the names of its tables. */
  readonly pool: { readonly stackName: string; readonly tableNames: readonly string[] };
}

/** AWS's advice for queues of functions: six times the function's timeout. */
const visibleAgainAfter = (timeoutSeconds: number): Duration => Duration.seconds(6 * timeoutSeconds);

/** Turns the control plane's requests into tenants: queues, functions, and the role that deploys tenants' stacks. */
export class CoreAppPlaneStack extends TierplaneStack {
  constructor(scope: Construct, props: CoreAppPlaneProps) {
    super(scope, 'core-appplane-stack', { ...props, description: 'Application plane of Tierplane' });
    const { prefix, configuration, environmentName } = this;
    const { infra, release, controlPlane } = props;
    const requests = new RequestQueue(this, 'Accept', {
      queueName: `${prefix}-app-plane-accept`,
      bus: EventBus.fromEventBusArn(this, 'Bus', controlPlane.busArn),
      detailTypes: ['onboardingRequest', 'offboardingRequest'],
      visibilityTimeout: visibleAgainAfter(TIMEOUT_SECONDS.accept),
    });
    const work = new WorkQueue(this, 'Work', {
      ...{ prefix, visibilityTimeout: visibleAgainAfter(TIMEOUT_SECONDS.reconcile) },
    });
    const boundary = tenantBoundary(this, prefix, infra.functions.tenantUsers.functionArn);
    const deploymentRole = new DeploymentRole(this, 'Deployment', {
      ...{ prefix, environmentName, boundaryArn: boundary.managedPolicyArn },
      listenerArns: infra.shards.map(({ listenerArn }) => listenerArn),
    });
    const network = this.#network(infra);
    const smoke = new SmokeFunction(this, 'Smoke', {
      ...{ infra, logRetention: configuration.logRetentionDays },
      ...(configuration.certificateHost !== undefined && { tlsHost: configuration.certificateHost }),
    });
    const functions = new ProvisionerFunctions(this, 'Provisioner', {
      ...{ infra, requests, work, network, deploymentRole, smoke, pool: props.pool },
      ...{ prefix, environmentName, configuration },
      release: new Release(this, { environmentName, configuration, release, bucket: infra.releases }),
    });
    const operator = new OperatorFunction(this, 'Operator', {
      ...{ prefix, infra, requests, work, release, pool: props.pool, controlPlane: controlPlane.operated },
      logRetention: configuration.logRetentionDays,
    });
    const publisher = this.#publisher(props);
    for (const one of [...functions.all, smoke.function, operator.function, publisher.function]) alarmOnErrors(one);
    new TenantAccountPages(this, 'Accounts', {
      ...{ prefix, table: infra.table, api: controlPlane.accountsApi, appUrl: infra.sites.app.url },
      logRetention: configuration.logRetentionDays,
    });
    this.#configureSites(props);
    notifyAlarms(this, infra.alarmTopics);
  }

  /** Tells the sites the addresses of the APIs, which are known only here. */
  #configureSites({ infra: { sites, restApi, pool }, controlPlane, version }: CoreAppPlaneProps): void {
    new SiteConfigurations(this, 'Sites', {
      ...{ sites, version, environmentName: this.environmentName, controlPlane: controlPlane.signedInApi },
      tenants: { apiUrl: restApi.url, clientId: pool.clientId, signInUrl: pool.signInUrl },
    });
    boundCdkFunction(this, this.configuration.logRetentionDays);
  }

  /**
   * JSON for the reconcile function: where tasks run, and the load balancers that reach them. It is short because the environment
   * of a function has at most 4 KB.
   */
  #network({ vpc, taskSubnetIds, shards }: SharedInfra): string {
    const listeners = this.formatArn({ service: 'elasticloadbalancing', resource: 'listener', resourceName: '' });
    const known = shards.map(({ listenerArn, securityGroupId }) => [endOf(listenerArn), securityGroupId]);
    return this.toJsonString({ vpcId: vpc.vpcId, subnetIds: taskSubnetIds, listeners, shards: known });
  }

  #publisher({ infra: { table }, controlPlane: { busArn } }: CoreAppPlaneProps): OutboxPublisher {
    return new OutboxPublisher(this, 'Outbox', {
      table,
      code: bundle(this, 'app-plane/lambda/publish-outbox'),
      environment: {
        TIERPLANE_TABLE: table.tableName,
        TIERPLANE_PREFIX: this.prefix,
        TIERPLANE_BUS: busArn,
      },
      statements: [drainOutbox(table), putEvents(busArn, APP_PLANE_SOURCE)],
      deadLetters: deadLetterQueue(this, 'Unpublished', 'Results of the application plane could not be published'),
      logRetention: this.configuration.logRetentionDays,
    });
  }
}

/** `app/<load balancer>/<id>/<id>` of a listener's ARN. */
function endOf(listenerArn: string): string {
  return Fn.select(1, Fn.split(':listener/', listenerArn));
}
