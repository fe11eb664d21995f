import { ControlPlane, type ControlPlaneAPI } from '@cdklabs/sbt-aws';
import { CfnOutput, CfnParameter, Duration, RemovalPolicy, Stack, type StackProps, Tags } from 'aws-cdk-lib';
import { type CfnApi, type CfnStage, HttpMethod, HttpNoneAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Alarm, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnRule } from 'aws-cdk-lib/aws-events';
import { type Policy, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnLogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { NagSuppressions } from 'cdk-nag';
import type { Construct } from 'constructs';
import { type AdminPoolProps, adminPool } from './admin-pool.ts';
import { bundle } from './bundles.ts';
import { boundCdkFunction } from './cdk-function.ts';
import { deadLetterQueue } from './dead-letter-queue.ts';
import { OutboxPublisher } from './outbox-publisher.ts';
import * as allow from './permissions.ts';
import { platformTable } from './platform-table.ts';
import { type Replacement, SbtFunctions } from './sbt-functions.ts';

export interface ControlPlaneStackProps extends StackProps {
  /** Names what is named, so that a second environment fits beside the first. */
  readonly environmentName: string;
  /** Where managed login may send an admin. @default ['http://localhost'] - SBT's own */
  readonly callbackUrls?: readonly [string, ...string[]];
  readonly mfa?: AdminPoolProps['mfa'];
  /** How long functions' and API's logs are kept. @default 3 months */
  readonly logRetention?: RetentionDays;
}

/** The ends of the paths of SBT's functions; see SbtFunctions. */
const FUNCTIONS = {
  users: '/Admin/UserManagementServices',
  createAdmin: '/Admin/createAdminUserFunction',
  tenants: '/tenantManagementLambda/TenantManagementServices',
  registrations: '/tenantRegistrationLambda/TenantRegistrationFunc',
  config: '/tenantConfigLambda/TenantConfigServiceLambda',
} as const;

/** What our API has beyond SBT's: who serves it, and why anybody may call it where no token is asked for. */
const ADDED_ROUTES: readonly [HttpMethod, string, keyof typeof FUNCTIONS, string][] = [
  [HttpMethod.POST, '/tenant-registrations/{tenantRegistrationId}/retry', 'registrations', 'token'],
  [HttpMethod.GET, '/tenants/{tenantId}/progress', 'tenants', 'token'],
  [HttpMethod.PUT, '/users/{userId}/enable', 'users', 'token'],
  [HttpMethod.PUT, '/users/{userId}/disable', 'users', 'token'],
  [HttpMethod.GET, '/operator/status', 'tenants', 'token'],
  [HttpMethod.GET, '/operator/tiers', 'tenants', 'token'],
  [HttpMethod.GET, '/operator/dead-letters', 'registrations', 'token'],
  [HttpMethod.POST, '/operator/dead-letters/{id}/replay', 'registrations', 'token'],
  [
    HttpMethod.POST,
    '/onboarding',
    'registrations',
    'A company signs itself up before it can have a token; calls are limited per address.',
  ],
  [HttpMethod.GET, '/openapi.json', 'config', 'The description of the API tells no more than its documentation.'],
  [HttpMethod.GET, '/docs', 'config', 'The documentation of the API.'],
  [HttpMethod.GET, '/healthz', 'config', 'Says only that the function answers.'],
  [HttpMethod.GET, '/readyz', 'config', 'Says only whether the table answers.'],
];

/** SBT's control plane over our handlers: one table, an outbox, one event bus. */
export class ControlPlaneStack extends Stack {
  constructor(scope: Construct, id: string, props: ControlPlaneStackProps) {
    super(scope, id, props);
    const { environmentName, callbackUrls = ['http://localhost'], logRetention = RetentionDays.THREE_MONTHS } = props;
    const prefix = `tierplane-${environmentName}`;
    Tags.of(this).add('tierplane:environment', environmentName);
    Tags.of(this).add('tierplane:plane', 'control');

    const adminEmail = new CfnParameter(this, 'SystemAdminEmail', {
      description: 'Who is invited as the first system admin; mails are sent from here, too',
      allowedPattern: '[^\\s@]{1,64}@[^\\s@.]+(\\.[^\\s@.]+)+',
    }).valueAsString;

    const table = platformTable(this, 'Table');
    const passwordKey = new Key(this, 'PasswordKey', {
      description: 'Seals passwords chosen at sign-up until the user pool has them',
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    const auth = adminPool(this, 'Admin', { callbackUrls, ...(props.mfa && { mfa: props.mfa }) });
    const controlPlane = new ControlPlane(this, 'ControlPlane', { auth, systemAdminEmail: adminEmail });
    const { eventManager } = controlPlane;

    const environment = {
      TIERPLANE_TABLE: table.tableName,
      TIERPLANE_BUS: eventManager.busName,
      TIERPLANE_PREFIX: prefix,
      TIERPLANE_ADMIN_POOL: auth.userPool.userPoolId,
      TIERPLANE_ADMIN_CLIENT: auth.userClientId,
      TIERPLANE_MACHINE_CLIENT: auth.machineClientId,
      TIERPLANE_PASSWORD_KEY: passwordKey.keyArn,
      TIERPLANE_SENDER: adminEmail,
      TIERPLANE_APP_URL: callbackUrls[0],
    };

    const api = bundle(this, 'api');
    const users = [...allow.writeTable(table), allow.manageUsers(auth.userPool.userPoolArn)];
    const replacements: Record<string, Replacement> = {
      [FUNCTIONS.users]: { code: api, description: 'System users', statements: users },
      [FUNCTIONS.createAdmin]: {
        code: bundle(this, 'create-admin'),
        description: 'Invites the first system admin',
        statements: [allow.readItems(table), allow.writeItems(table), allow.makeUsers(auth.userPool.userPoolArn)],
      },
      [FUNCTIONS.tenants]: { code: api, description: 'Tenants', statements: allow.writeTable(table) },
      [FUNCTIONS.registrations]: {
        code: api,
        description: 'Tenant registrations, sign-up and dead letters',
        statements: [
          ...allow.writeTable(table),
          allow.sealPasswords(passwordKey),
          allow.replayTo(this, prefix),
          allow.sendMail(this, adminEmail),
        ],
      },
      [FUNCTIONS.config]: {
        code: api,
        description: "What a tenant's login page needs",
        statements: [allow.readItems(table)],
      },
    };
    const { functions } = new SbtFunctions(this, 'Functions', { replacements, environment, logRetention });
    removeUnused(controlPlane);
    boundCdkFunction(this, logRetention);
    const registrations = functions.get(FUNCTIONS.registrations)?.role?.node.findChild('DefaultPolicy') as Policy;
    NagSuppressions.addResourceSuppressions(registrations, [
      {
        id: 'AwsSolutions-IAM5',
        reason: "Consumers' queues are the application plane's; they begin with the environment's name.",
        appliesTo: [`Resource::arn:<AWS::Partition>:sqs:<AWS::Region>:<AWS::AccountId>:${prefix}-*`],
      },
    ]);

    const unpublished = deadLetterQueue(this, 'Unpublished', 'Events of the outbox could not be published');
    const publisher = new OutboxPublisher(this, 'Outbox', {
      table,
      code: bundle(this, 'publish-outbox'),
      environment,
      statements: [
        allow.drainOutbox(table),
        allow.putControlPlaneEvents(eventManager.busArn, eventManager.controlPlaneEventSource),
      ],
      deadLetters: unpublished,
      logRetention,
    });
    keepLostResults(this, controlPlane);

    const { api: httpApi, jwtAuthorizer } = controlPlane.node.findChild('controlPlaneApi') as ControlPlaneAPI;
    for (const [method, path, name, access] of ADDED_ROUTES) {
      const served = functions.get(FUNCTIONS[name]) as LambdaFunction;
      const routes = httpApi.addRoutes({
        path,
        methods: [method],
        integration: new HttpLambdaIntegration(`${name}Integration`, served),
        authorizer: access === 'token' ? jwtAuthorizer : new HttpNoneAuthorizer(),
      });
      if (access !== 'token')
        NagSuppressions.addResourceSuppressions(routes, [{ id: 'AwsSolutions-APIG4', reason: access }]);
    }
    (httpApi.node.defaultChild as CfnApi).name = `${prefix}-control-plane`;
    const stage = httpApi.defaultStage?.node.defaultChild as CfnStage;
    stage.defaultRouteSettings = { throttlingBurstLimit: 200, throttlingRateLimit: 100, detailedMetricsEnabled: true };
    for (const one of controlPlane.node.findAll()) if (one instanceof CfnLogGroup) one.retentionInDays = logRetention;

    for (const one of [...functions.values(), publisher.function]) alarmOnErrors(one);
    const adminDomain = auth.tokenEndpoint.replace('/oauth2/token', '');
    const signIn = { response_type: 'code', redirect_uri: callbackUrls[0] };
    new CfnOutput(this, 'prefix', { value: prefix });
    new CfnOutput(this, 'adminDomain', { value: adminDomain });
    new CfnOutput(this, 'signIn', {
      value: `${adminDomain}/login?client_id=${auth.userClientId}&${new URLSearchParams(signIn)}`,
      description: 'Where a system admin signs in',
    });
  }
}

/** All our records are in one table, in transactions that SBT's two could not share; logs are ours. */
function removeUnused({ node }: ControlPlane): void {
  node.findChild('tenantManagementService').node.tryRemoveChild('tenantManagementTable');
  node.findChild('tenantRegistrationService').node.tryRemoveChild('tenantRegistrationTable');
  node
    .findChild('tenantConfigService')
    .node.findChild('tenantConfigLambda')
    .node.tryRemoveChild('BillingIngestorLogGroup');
}

/** SBT's rules hand the application plane's results to the API; what that never takes is kept. */
function keepLostResults(scope: Stack, controlPlane: ControlPlane): void {
  const queue = deadLetterQueue(
    scope,
    'LostResults',
    'Results of the application plane did not reach the control plane',
  );
  const rules = controlPlane.node.findAll().filter((one) => one instanceof CfnRule);
  for (const rule of rules) rule.addPropertyOverride('Targets.0.DeadLetterConfig', { Arn: queue.queueArn });
  NagSuppressions.addResourceSuppressions(queue, [
    { id: 'AwsSolutions-SQS3', reason: "It is the dead-letter queue of SBT's rules, which it is set on by property." },
  ]);
  queue.addToResourcePolicy(
    new PolicyStatement({
      actions: ['sqs:SendMessage'],
      principals: [new ServicePrincipal('events.amazonaws.com')],
      resources: [queue.queueArn],
      conditions: { ArnEquals: { 'aws:SourceArn': rules.map((rule) => rule.attrArn) } },
    }),
  );
}

function alarmOnErrors(one: LambdaFunction): void {
  new Alarm(one, 'Errors', {
    alarmDescription: `${one.node.id} fails`,
    metric: one.metricErrors({ period: Duration.minutes(5) }),
    threshold: 1,
    evaluationPeriods: 1,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
}
