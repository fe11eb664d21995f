import { ControlPlane, type ControlPlaneAPI, type IBilling } from '@cdklabs/sbt-aws';
import { CfnOutput, CfnParameter, Duration, type Stack, Tags } from 'aws-cdk-lib';
import {
  type CfnApi,
  type CfnStage,
  CorsHttpMethod,
  type CorsPreflightOptions,
  type IHttpApi,
} from 'aws-cdk-lib/aws-apigatewayv2';
import type { HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Key } from 'aws-cdk-lib/aws-kms';
import { CfnLogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { EMAIL_PATTERN, MAX_EMAIL_LENGTH } from '../../core/fields/email.ts';
import { CORS } from '../../core/http/cors.ts';
import { AccountPages, type AccountPagesProps } from '../../infra/account-pages.ts';
import { accountRecords } from '../../infra/account-records.ts';
import { type AlarmTopics, notifyAlarms } from '../../infra/alarms.ts';
import { bundle } from '../../infra/bundle.ts';
import { boundCdkFunction } from '../../infra/cdk-function.ts';
import { deadLetterQueue } from '../../infra/dead-letter-queue.ts';
import { OutboxPublisher } from '../../infra/outbox-publisher.ts';
import { passwordKey as ownPasswordKey } from '../../infra/password-key.ts';
import * as allow from '../../infra/permissions.ts';
import { alarmOnErrors } from '../../infra/platform-function.ts';
import { platformTable } from '../../infra/platform-table.ts';
import { type PlatformProps, TierplaneStack } from '../../infra/tierplane-stack.ts';
import { addRoutes } from './added-routes.ts';
import { type AdminPool, adminPool } from './admin-pool.ts';
import { controlPlaneFunctions } from './control-plane-functions.ts';
import { keepLostResults } from './lost-results.ts';

/** What the control plane uses of the application plane. */
export interface AppPlane {
  /** The application plane's table. The control plane checks emails in it and leaves passwords there, and nothing else. */
  readonly table: Table;
  /** Encrypts these passwords. */
  readonly passwordKey: Key;
  readonly alarmTopics: AlarmTopics;
  /** URL of the administrators' site, without a slash at the end. */
  readonly adminUrl: string;
  /** URL of the tenants' site, without a slash at the end. */
  readonly appUrl: string;
}

/** An HTTP API that account pages are part of. */
export interface AccountsApi {
  readonly apiId: string;
  /** With or without a slash at the end. */
  readonly url: string;
  /** The address that mails are sent from. */
  readonly sender: string;
}

export interface ControlPlaneStackProps extends PlatformProps {
  /** @default - the control plane is installed alone: its own table and key stand in, it has no sites, and alarms notify nobody */
  readonly appPlane?: AppPlane;
  /** Makes SBT's billing hook, whose functions receive the events of tenants. @default - no billing */
  readonly billing?: (scope: Construct) => IBilling;
}

/** Where managed login may redirect on the administrator's own machine: SBT's default. */
const LOCAL = 'http://localhost';

type CallbackUrls = readonly [string, ...string[]];

/** SBT's control plane with our functions, one table, an outbox and one event bus. */
export class ControlPlaneStack extends TierplaneStack {
  /** ARN of SBT's event bus. */
  readonly busArn: string;
  /** Where the API is, and where its administrators sign in. */
  readonly signedInApi: { readonly apiUrl: string; readonly clientId: string; readonly signInUrl: string };
  /** The API as the application plane uses it for the account pages of tenants' users. */
  readonly accountsApi: AccountsApi;

  /** What the function that serves the operator's routes uses: the API, the table, and the clients of its callers. */
  readonly operated: {
    readonly httpApiId: string;
    readonly authorizerId: string;
    readonly table: Table;
    readonly machineClientId: string;
    readonly automationClientId: string;
  };

  constructor(scope: Construct, props: ControlPlaneStackProps) {
    super(scope, 'controlplane-stack', { ...props, description: 'Control plane of Tierplane' });
    const { appPlane, billing } = props;
    const { prefix, configuration } = this;
    const callbackUrls: CallbackUrls = appPlane ? [appPlane.adminUrl, LOCAL] : [LOCAL];
    const logRetention: RetentionDays = configuration.logRetentionDays;
    Tags.of(this).add('tierplane:plane', 'control');

    const adminEmail = adminEmailParameter(this);
    const table = platformTable(this, 'Table');
    const passwordKey = appPlane?.passwordKey ?? ownPasswordKey(this);
    const { auth, automationClientId, passwordClientId } = adminPool(this, 'Admin', {
      callbackUrls,
      mfa: configuration.adminMfa,
    });
    const controlPlane = new ControlPlane(this, 'ControlPlane', {
      ...{ auth, systemAdminEmail: adminEmail },
      ...(billing && { billing: billing(this) }),
      ...(appPlane && { apiCorsConfig: corsOf(appPlane) }),
    });
    const environment = {
      TIERPLANE_TABLE: table.tableName,
      TIERPLANE_APP_PLANE_TABLE: (appPlane?.table ?? table).tableName,
      TIERPLANE_BUS: controlPlane.eventManager.busName,
      TIERPLANE_PREFIX: prefix,
      TIERPLANE_ADMIN_POOL: auth.userPool.userPoolId,
      TIERPLANE_ADMIN_CLIENT: auth.userClientId,
      TIERPLANE_MACHINE_CLIENT: auth.machineClientId,
      TIERPLANE_AUTOMATION_CLIENT: automationClientId,
      TIERPLANE_PASSWORD_KEY: passwordKey.keyArn,
      TIERPLANE_SENDER: adminEmail,
      TIERPLANE_APP_URL: appPlane?.appUrl ?? LOCAL,
      TIERPLANE_RESERVED_NAMES: configuration.reservedNames.join(','),
    };

    const functions = controlPlaneFunctions(this, {
      ...{ table, passwordKey, prefix, environment, logRetention },
      userPoolArn: auth.userPool.userPoolArn,
      sender: adminEmail,
      ...(appPlane && { appPlaneTable: appPlane.table }),
    });
    this.busArn = controlPlane.eventManager.busArn;
    this.signedInApi = {
      apiUrl: controlPlane.controlPlaneAPIGatewayUrl,
      ...{ clientId: auth.userClientId, signInUrl: signInUrlOf(auth) },
    };
    removeUnused(controlPlane);
    boundCdkFunction(this, logRetention);
    const publisher = outboxPublisher(this, { controlPlane, table, environment, logRetention });
    keepLostResults(this, controlPlane);
    const api = controlPlane.node.findChild('controlPlaneApi') as ControlPlaneAPI;
    addRoutes(api, functions, { isAlone: appPlane === undefined });
    this.operated = {
      ...{ table, automationClientId, machineClientId: auth.machineClientId },
      httpApiId: api.api.httpApiId,
      // SBT declares the authorizer as any kind of one. Its id exists since the first route was added.
      authorizerId: (api.jwtAuthorizer as HttpJwtAuthorizer).authorizerId,
    };
    configureApi(api, `${prefix}-control-plane`);
    const url = controlPlane.controlPlaneAPIGatewayUrl;
    this.accountsApi = { apiId: api.api.apiId, url, sender: adminEmail };
    const pages = accountPages(this, {
      ...{ api: api.api as IHttpApi, table, auth, logRetention, sender: adminEmail },
      environment: {
        ...{ TIERPLANE_TABLE: table.tableName, TIERPLANE_PASSWORD_CLIENT: passwordClientId },
        ...{ TIERPLANE_ADMIN_POOL: auth.userPool.userPoolId, TIERPLANE_ADMIN_CLIENT: auth.userClientId },
        ...{ TIERPLANE_ACCOUNTS_URL: url, TIERPLANE_ADMIN_URL: callbackUrls[0], TIERPLANE_SENDER: adminEmail },
      },
    });
    pages.limitOn(stageOf(api));
    for (const one of controlPlane.node.findAll()) if (one instanceof CfnLogGroup) one.retentionInDays = logRetention;
    for (const one of [...Object.values(functions), publisher.function]) alarmOnErrors(one);
    if (appPlane) notifyAlarms(this, appPlane.alarmTopics);
    addOutputs(this, { prefix, auth, automationClientId, callbackUrls });
  }
}

function adminEmailParameter(stack: Stack): string {
  return new CfnParameter(stack, 'SystemAdminEmail', {
    description: 'Email address of the first system administrator, who is invited. Mails are sent from it, too.',
    allowedPattern: EMAIL_PATTERN,
    maxLength: MAX_EMAIL_LENGTH,
  }).valueAsString;
}

/**
 * The sites call the API from the browser. They send no cookies.
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
 */
function corsOf({ adminUrl, appUrl }: AppPlane): CorsPreflightOptions {
  return {
    allowOrigins: [adminUrl, appUrl],
    allowMethods: CORS.methods.map((method) => CorsHttpMethod[method]),
    allowHeaders: [...CORS.requestHeaders],
    exposeHeaders: [...CORS.responseHeaders],
    maxAge: Duration.seconds(CORS.maxAgeSeconds),
  };
}

/** Removes SBT's two tables, because one transaction writes several of our records to one table, and an unused log group. */
function removeUnused({ node }: ControlPlane): void {
  node.findChild('tenantManagementService').node.tryRemoveChild('tenantManagementTable');
  node.findChild('tenantRegistrationService').node.tryRemoveChild('tenantRegistrationTable');
  node
    .findChild('tenantConfigService')
    .node.findChild('tenantConfigLambda')
    .node.tryRemoveChild('BillingIngestorLogGroup');
}

/** The account pages of system users. */
function accountPages(
  stack: Stack,
  {
    table,
    auth,
    sender,
    ...props
  }: Pick<AccountPagesProps, 'api' | 'environment' | 'logRetention'> & {
    readonly table: Table;
    readonly auth: AdminPool['auth'];
    readonly sender: string;
  },
): AccountPages {
  return new AccountPages(stack, 'AccountPages', {
    ...props,
    realm: 'admin',
    code: bundle(stack, 'control-plane/lambda/account-pages'),
    statements: [
      ...accountRecords(table, { realms: ['admin'] }),
      allow.serveAccounts(auth.userPool.userPoolArn),
      allow.sendMail(stack, sender),
    ],
  });
}

function outboxPublisher(
  stack: Stack,
  {
    controlPlane: { eventManager },
    table,
    environment,
    logRetention,
  }: {
    readonly controlPlane: ControlPlane;
    readonly table: Table;
    readonly environment: Readonly<Record<string, string>>;
    readonly logRetention: RetentionDays;
  },
): OutboxPublisher {
  const deadLetters = deadLetterQueue(stack, 'Unpublished', 'Events of the outbox could not be published');
  return new OutboxPublisher(stack, 'Outbox', {
    ...{ table, environment, deadLetters, logRetention },
    code: bundle(stack, 'control-plane/lambda/publish-outbox'),
    statements: [allow.drainOutbox(table), allow.putEvents(eventManager.busArn, eventManager.controlPlaneEventSource)],
  });
}

function configureApi(one: ControlPlaneAPI, name: string): void {
  (one.api.node.defaultChild as CfnApi).name = name;
  stageOf(one).defaultRouteSettings = {
    throttlingBurstLimit: 200,
    throttlingRateLimit: 100,
    detailedMetricsEnabled: true,
  };
}

function stageOf({ api }: ControlPlaneAPI): CfnStage {
  return api.defaultStage?.node.defaultChild as CfnStage;
}

/** The base URL of managed login. */
function signInUrlOf(auth: AdminPool['auth']): string {
  return auth.tokenEndpoint.replace('/oauth2/token', '');
}

function addOutputs(
  stack: Stack,
  {
    prefix,
    auth,
    automationClientId,
    callbackUrls,
  }: Omit<AdminPool, 'passwordClientId'> & { readonly prefix: string; readonly callbackUrls: CallbackUrls },
): void {
  const adminDomain = signInUrlOf(auth);
  // The callback URL may be a value that is known at deployment, which cannot be encoded. In a query it needs no encoding.
  const query = `response_type=code&redirect_uri=${callbackUrls[0]}`;
  new CfnOutput(stack, 'prefix', { value: prefix });
  new CfnOutput(stack, 'adminDomain', { value: adminDomain });
  new CfnOutput(stack, 'AutomationClientId', {
    value: automationClientId,
    description: 'Client of scripts (TIERPLANE_CLIENT_ID); its secret is in the user pool',
  });
  new CfnOutput(stack, 'signIn', {
    value: `${adminDomain}/login?client_id=${auth.userClientId}&${query}`,
    description: 'Sign-in page of system administrators',
  });
}
