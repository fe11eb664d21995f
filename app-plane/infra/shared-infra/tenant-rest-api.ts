import { Duration, Stack } from 'aws-cdk-lib';
import {
  AccessLogFormat,
  ApiKeySourceType,
  AuthorizationType,
  EndpointType,
  LogGroupLogDestination,
  MethodLoggingLevel,
  MockIntegration,
  Period,
  RestApi,
  TokenAuthorizer,
} from 'aws-cdk-lib/aws-apigateway';
import { Alarm, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { NagSuppressions } from 'cdk-nag';
import { Construct } from 'constructs';
import { CORS } from '../../../core/http/cors.ts';
import { KEY_CHECK_PATH } from '../../../core/routing/key-check.ts';
import { type TierName, tierNames } from '../../../core/tier/tiers.ts';
import { TIERS } from '../../../tenant-templates/tiers.ts';
import { Firewall } from './firewall.ts';
import { addGatewayResponses } from './gateway-responses.ts';
import { ServiceRoutes } from './service-routes.ts';
import type { ShardLoadBalancer } from './shard-load-balancer.ts';
import type { TenantRestApi as Offered } from './shared-infra.ts';

export interface TenantRestApiProps {
  /** `tierplane-<environment>`. */
  readonly prefix: string;
  readonly vpc: IVpc;
  readonly shards: readonly ShardLoadBalancer[];
  /** @see app-plane/lambda/authorizer.ts */
  readonly authorizer: IFunction;
  /** The only origin whose pages may call the API, without a slash at the end. */
  readonly appUrl: string;
  /** Host name of the load balancers' certificate. @default - they speak plain HTTP */
  readonly certificateHost?: string;
  /** @see FirewallProps */
  readonly requestsPerAddress?: number;
  readonly logRetention: RetentionDays;
}

const STAGE = 'prod';
/** How long API Gateway caches the decision for a token. A suspended tenant is served until then. */
const AUTHORIZER_TTL = Duration.seconds(30);

/** Neither headers nor queries, which may contain tokens. */
const ACCESS_LOG = {
  requestId: '$context.requestId',
  time: '$context.requestTime',
  ip: '$context.identity.sourceIp',
  method: '$context.httpMethod',
  path: '$context.path',
  status: '$context.status',
  bytes: '$context.responseLength',
  latencyMs: '$context.responseLatency',
  serviceLatencyMs: '$context.integration.latency',
  tenantId: '$context.authorizer.tenantId',
  tier: '$context.authorizer.tier',
  error: '$context.error.responseType',
  firewall: '$context.wafResponseCode',
};

/**
 * The tenants' REST API: authorizer, usage plan by tier, and a path for each service of each shard, `/s<shard>/<service>`.
 * @see docs/decisions/0035-tenants-rest-api.md
 */
export class TenantRestApi extends Construct implements Offered {
  readonly restApiId: string;
  readonly stageName = STAGE;
  readonly url: string;
  readonly usagePlanIds: Readonly<Record<TierName, string>>;

  constructor(scope: Construct, id: string, props: TenantRestApiProps) {
    super(scope, id);
    const { prefix, vpc, shards, authorizer: handler, appUrl, certificateHost, requestsPerAddress } = props;
    const api = this.#api(props);
    const authorizer = new TokenAuthorizer(this, 'Authorizer', {
      handler,
      identitySource: 'method.request.header.Authorization',
      resultsCacheTtl: AUTHORIZER_TTL,
    });
    addGatewayResponses(api, appUrl);
    new ServiceRoutes(this, 'Routes', {
      ...{ api, authorizer, prefix, vpc, shards },
      ...(certificateHost !== undefined && { certificateHost }),
    });
    addKeyCheck(api, authorizer);
    this.usagePlanIds = usagePlans(api, prefix);
    new Firewall(this, 'Firewall', {
      ...{ prefix, stageArn: api.deploymentStage.stageArn },
      ...(requestsPerAddress !== undefined && { requestsPerAddress }),
    });
    alarmOnServerErrors(api);
    const { region, urlSuffix } = Stack.of(this);
    this.restApiId = api.restApiId;
    this.url = `https://${api.restApiId}.execute-api.${region}.${urlSuffix}/${STAGE}`;
  }

  #api({ prefix, appUrl, logRetention }: TenantRestApiProps): RestApi {
    const accessLog = new LogGroup(this, 'AccessLog', { retention: logRetention });
    const api = new RestApi(this, 'Api', {
      restApiName: `${prefix}-tenants`,
      description: "The tenants' API",
      endpointTypes: [EndpointType.REGIONAL],
      apiKeySourceType: ApiKeySourceType.AUTHORIZER,
      // A setting of the account in this region. It is retained, because other APIs log with it, too.
      cloudWatchRole: true,
      defaultCorsPreflightOptions: {
        allowOrigins: [appUrl],
        allowMethods: [...CORS.methods],
        allowHeaders: [...CORS.requestHeaders],
        maxAge: Duration.seconds(CORS.maxAgeSeconds),
      },
      deployOptions: {
        stageName: STAGE,
        accessLogDestination: new LogGroupLogDestination(accessLog),
        accessLogFormat: AccessLogFormat.custom(JSON.stringify(ACCESS_LOG)),
        loggingLevel: MethodLoggingLevel.ERROR,
        // Would log whole requests and responses.
        dataTraceEnabled: false,
        metricsEnabled: true,
      },
    });
    // API Gateway would create this log itself, without a retention period.
    const executionLog = new LogGroup(this, 'ExecutionLog', {
      logGroupName: `API-Gateway-Execution-Logs_${api.restApiId}/${STAGE}`,
      retention: logRetention,
    });
    api.deploymentStage.node.addDependency(executionLog);
    suppressRules(api);
    return api;
  }
}

function suppressRules(api: RestApi): void {
  NagSuppressions.addResourceSuppressions(api, [
    { id: 'AwsSolutions-APIG2', reason: 'Services validate requests by their own schemas, and say what is wrong.' },
  ]);
  NagSuppressions.addResourceSuppressions(api.node.findChild('CloudWatchRole'), [
    {
      id: 'AwsSolutions-IAM4',
      reason: 'API Gateway accepts no role that has less than this policy.',
      appliesTo: ['Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs'],
    },
  ]);
}

/**
 * A path that API Gateway serves itself, for the last check of a new tenant: a request to it is counted by the tenant's key.
 * The users of a served tenant can call it, too. They get an empty response, and the request counts towards the tenant's own
 * usage plan. @see core/routing/key-check.ts
 */
function addKeyCheck(api: RestApi, authorizer: TokenAuthorizer): void {
  const ok = { statusCode: '200' };
  const integration = new MockIntegration({
    requestTemplates: { 'application/json': JSON.stringify({ statusCode: 200 }) },
    integrationResponses: [ok],
  });
  const method = api.root.addResource(KEY_CHECK_PATH).addMethod('GET', integration, {
    ...{ authorizer, authorizationType: AuthorizationType.CUSTOM, apiKeyRequired: true },
    methodResponses: [ok],
  });
  NagSuppressions.addResourceSuppressions(method, [
    {
      id: 'AwsSolutions-COG4',
      reason: 'A Lambda authorizer admits the provisioner and the users of served tenants. The response is empty.',
    },
  ]);
}

/** A plan per tier. Each tenant has an API key in the plan of its tier, which the authorizer names. */
function usagePlans(api: RestApi, prefix: string): Readonly<Record<TierName, string>> {
  const plans = tierNames(TIERS).map((tier) => {
    const { rate, burst, quotaPerDay } = TIERS[tier].usagePlan;
    const plan = api.addUsagePlan(`Plan-${tier}`, {
      name: `${prefix}-${tier}`,
      description: `Limits of each tenant of the tier ${tier}`,
      throttle: { rateLimit: rate, burstLimit: burst },
      quota: { limit: quotaPerDay, period: Period.DAY },
      apiStages: [{ stage: api.deploymentStage }],
    });
    return [tier, plan.usagePlanId];
  });
  return Object.fromEntries(plans) as Record<TierName, string>;
}

/** Errors of the services, of the authorizer and of API Gateway. */
const MAX_SERVER_ERRORS = 10;

function alarmOnServerErrors(api: RestApi): void {
  new Alarm(api, 'ServerErrors', {
    alarmDescription: `More than ${MAX_SERVER_ERRORS} requests of tenants failed with 5xx in five minutes`,
    metric: api.metricServerError({ period: Duration.minutes(5) }),
    threshold: MAX_SERVER_ERRORS,
    comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
    evaluationPeriods: 1,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
}
