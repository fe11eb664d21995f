import { APP_PLANE_SOURCE, CONTROL_PLANE_SOURCE } from '../../../core/events/events.ts';
import { USER_POOL_TAG } from '../../../core/identity/issuers.ts';
import { HOME_PREFIX, type HomeRole, type HomeTemplates, SILO_TENANT } from './home.ts';
import { type Call, listOf, type PolicyStatement } from './policy.ts';
import { ACCOUNT, REGION } from './template.ts';

type Context = Call['context'];

/** One call that a role needs for its work, and a call beside it that must be refused. */
export interface Boundary {
  /** The AWS service that assumes the role, or `task` for the role of a task. @default 'lambda' */
  readonly by?: string;
  /** The action, on the first resource that the role's policy names for it. Undefined: the role has only a policy of AWS. */
  readonly does?: readonly [action: string, context?: Context];
  /** @default resource - that of `does` */
  readonly cannot: readonly [action: string, options?: { readonly resource?: string; readonly context?: Context }];
}

const arn = (service: string, name: string) => `arn:aws:${service}:${REGION}:${ACCOUNT}:${name}`;
const ofEnvironment = (prefix: string) => ({ [`aws:ResourceTag/${USER_POOL_TAG}`]: prefix });
const keyOf = (tenantId: string) => ({
  'aws:PrincipalTag/tenantId': SILO_TENANT,
  'dynamodb:LeadingKeys': [`${tenantId}#orders`],
});
const publishes = (own: string, other: string): Boundary => ({
  does: ['events:PutEvents', { 'events:source': [own] }],
  cannot: ['events:PutEvents', { context: { 'events:source': [other] } }],
});
const READS_A_TABLE: Boundary = { does: ['dynamodb:GetItem'], cannot: ['dynamodb:PutItem'] };
const OF_AN_INSTANCE: Boundary = {
  by: 'ec2',
  cannot: ['dynamodb:GetItem', { resource: arn('dynamodb', 'table/any') }],
};
const SMOKE_FUNCTION = arn('lambda', 'function:core-appplane-stack-SmokeRequests-0');

/** Every role of the templates, by its name as `HomeRole` has it. A new role needs a row here. */
export function roleBoundaries(home: HomeTemplates): Readonly<Record<string, Boundary>> {
  const deployment = home.arnOf('core-appplane-stack', 'AWS::IAM::Role', 'DeploymentRole');
  const tenants = 'controlplane-stack/ControlPlanetenant';
  return {
    'shared-infra-stack/UserFunctionspretokenRole': READS_A_TABLE,
    'shared-infra-stack/UserFunctionscustommessageRole': READS_A_TABLE,
    'shared-infra-stack/authorizerRole': READS_A_TABLE,
    'shared-infra-stack/UserFunctionstenantusersRole': {
      does: ['cognito-idp:AdminCreateUser', ofEnvironment(HOME_PREFIX)],
      cannot: ['cognito-idp:AdminCreateUser', { context: ofEnvironment('tierplane-test') }],
    },
    'shared-infra-stack/NetworkVpcFlowLogIAMRole': {
      ...{ by: 'vpc-flow-logs', does: ['logs:PutLogEvents'] },
      cannot: ['logs:PutLogEvents', { resource: arn('logs', 'log-group:/aws/lambda/other:log-stream:x') }],
    },
    'shared-infra-stack/RestApiCloudWatchRole': {
      by: 'apigateway',
      cannot: ['dynamodb:GetItem', { resource: home.arnOf('shared-infra-stack', 'AWS::DynamoDB::Table', 'Table') }],
    },
    'controlplane-stack/AdminuserManagementExecRole': {
      does: ['cognito-idp:AdminCreateUser'],
      cannot: ['cognito-idp:AdminCreateUser', { resource: arn('cognito-idp', 'userpool/other') }],
    },
    'controlplane-stack/AdmincreateAdminUserFunctionServiceRole': {
      ...{ does: ['cognito-idp:AdminCreateUser'], cannot: ['cognito-idp:AdminSetUserPassword'] },
    },
    'controlplane-stack/AWS679f53fac002430cb0da5b7982bd2287ServiceRole': {
      ...{ does: ['cognito-idp:DescribeUserPoolClient'], cannot: ['cognito-idp:UpdateUserPoolClient'] },
    },
    [`${tenants}ManagementServicetenantManagementLambdatenantManagementExecRole`]: {
      does: ['dynamodb:PutItem'],
      cannot: [
        'cognito-idp:AdminCreateUser',
        { resource: arn('cognito-idp', 'userpool/of-a-tenant'), context: ofEnvironment(HOME_PREFIX) },
      ],
    },
    'core-appplane-stack/OperatorRoutesRole': { does: ['ecs:UpdateService'], cannot: ['ecs:CreateService'] },
    [`${tenants}RegistrationServicetenantRegistrationLambdaTenantRegistrationFuncServiceRole`]: {
      ...{ does: ['kms:Encrypt'], cannot: ['kms:Decrypt'] },
    },
    [`${tenants}RegistrationServicedestinationEventsRole`]: {
      ...{ by: 'events', does: ['events:InvokeApiDestination'] },
      cannot: ['events:InvokeApiDestination', { resource: arn('events', 'api-destination/other/1') }],
    },
    [`${tenants}ConfigServicetenantConfigLambdaTenantConfigServiceLambdaServiceRole`]: READS_A_TABLE,
    'controlplane-stack/AccountPagesFunctionRole': {
      ...{ does: ['cognito-idp:AdminSetUserPassword'], cannot: ['cognito-idp:AdminCreateUser'] },
    },
    'controlplane-stack/OutboxPublishRole': publishes(CONTROL_PLANE_SOURCE, APP_PLANE_SOURCE),
    'core-appplane-stack/OutboxPublishRole': publishes(APP_PLANE_SOURCE, CONTROL_PLANE_SOURCE),
    'core-appplane-stack/AccountsPagesFunctionRole': {
      does: ['cognito-idp:AdminSetUserPassword', ofEnvironment(HOME_PREFIX)],
      cannot: ['cognito-idp:AdminSetUserPassword', { context: ofEnvironment('tierplane-test') }],
    },
    'core-appplane-stack/DeploymentRole': {
      ...{ by: 'cloudformation', does: ['dynamodb:CreateTable'] },
      // Without the permissions boundary.
      cannot: [
        'iam:CreateRole',
        { resource: `arn:aws:iam::${ACCOUNT}:role/${HOME_PREFIX}-silo-${SILO_TENANT}-orders` },
      ],
    },
    'core-appplane-stack/SmokeRequestsRole': {
      // Lambda creates the network interfaces; the function's code may not.
      does: ['ec2:CreateNetworkInterface'],
      cannot: ['ec2:CreateNetworkInterface', { context: { 'lambda:SourceFunctionArn': SMOKE_FUNCTION } }],
    },
    'core-appplane-stack/ProvisionerAcceptRole': {
      does: ['sqs:SendMessage'],
      cannot: ['sqs:SendMessage', { resource: arn('sqs', `${HOME_PREFIX}-app-plane-accept`) }],
    },
    'core-appplane-stack/ProvisionerDeadLettersRole': {
      ...{ does: ['dynamodb:PutItem'], cannot: ['dynamodb:Query'] },
    },
    'core-appplane-stack/ProvisionerReconcileRole': {
      does: ['cloudformation:CreateStack', { 'cloudformation:RoleArn': deployment }],
      // With the function's own permissions instead of the deployment role's.
      cannot: ['cloudformation:CreateStack'],
    },
    'core-appplane-stack/ProvisionerSweepRole': { does: ['dynamodb:Query'], cannot: ['dynamodb:PutItem'] },
    'core-appplane-stack/AWS679f53fac002430cb0da5b7982bd2287ServiceRole': {
      // Writes files of the sites.
      does: ['s3:PutObject'],
      cannot: ['s3:GetObject'],
    },
    'tenant-template-stack-advanced/AWS679f53fac002430cb0da5b7982bd2287ServiceRole': {
      does: ['ecs:PutAccountSettingDefault'],
      cannot: ['ecs:PutAccountSetting'],
    },
    'tasks/execution': { by: 'ecs-tasks', does: ['ecr:BatchGetImage'], cannot: ['ecr:PutImage'] },
    'tasks/shifting': {
      ...{ by: 'ecs', does: ['elasticloadbalancing:ModifyRule'], cannot: ['elasticloadbalancing:DeleteRule'] },
    },
    'tasks/task': { by: 'ecs-tasks', does: ['lambda:InvokeFunction'], cannot: ['lambda:UpdateFunctionCode'] },
    'tasks/data': {
      ...{ by: 'task', does: ['dynamodb:GetItem', keyOf(SILO_TENANT)] },
      cannot: ['dynamodb:GetItem', { context: keyOf(`${SILO_TENANT}1`) }],
    },
    'instances/ecs': OF_AN_INSTANCE,
  };
}

/** A resource that the role's policies name for the action. @throws Error if there is none */
export function resourceFor({ name, rights }: HomeRole, action: string): string {
  const names = (statement: PolicyStatement) =>
    statement.Effect === 'Allow' && listOf(statement.Action).includes(action);
  const statement = rights.policies.flatMap(({ Statement }) => listOf(Statement)).find(names);
  const [resource] = listOf(statement?.Resource);
  if (resource === undefined) throw new Error(`no policy of ${name} allows ${action}`);
  return resource.replaceAll('*', 'x');
}
