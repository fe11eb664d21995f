import type { Stack } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { bundle } from '../../infra/bundle.ts';
import * as allow from '../../infra/permissions.ts';
import { suppressWildcards } from '../../infra/suppress-wildcards.ts';
import { type Replacement, SbtFunctions } from './sbt-functions.ts';

export type FunctionName = 'users' | 'createAdmin' | 'tenants' | 'registrations' | 'config';

export interface ControlPlaneFunctionsProps {
  readonly table: Table;
  /** The application plane's table. @default - `table` is both planes' */
  readonly appPlaneTable?: Table;
  readonly passwordKey: Key;
  readonly userPoolArn: string;
  /** The address that mails are sent from. */
  readonly sender: string;
  /** The first part of the names of this environment's queues. */
  readonly prefix: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly logRetention: RetentionDays;
}

/** What the API's code imports on demand. */
const ON_DEMAND = ['control-plane/lambda/docs-page', 'control-plane/api/description/control-plane-document'];

/**
 * Replaces SBT's functions with ours and returns them by name. Each has its own role with the permissions it needs. Beside an
 * application plane, its operator function invites administrators of tenants and replays dead letters.
 */
export function controlPlaneFunctions(
  stack: Stack,
  props: ControlPlaneFunctionsProps,
): Readonly<Record<FunctionName, LambdaFunction>> {
  const { functions } = new SbtFunctions(stack, 'Functions', {
    replacements: replacementsFor(stack, props),
    environment: props.environment,
    logRetention: props.logRetention,
  });
  if (!props.appPlaneTable) {
    allowConsumerQueues(functions.registrations, props.prefix);
    allowTenantPools(functions.tenants);
  }
  return functions;
}

function replacementsFor(
  stack: Stack,
  { table, appPlaneTable, passwordKey, userPoolArn, sender, prefix }: ControlPlaneFunctionsProps,
): Readonly<Record<FunctionName, Replacement>> {
  const api = bundle(stack, 'control-plane/lambda/api', ON_DEMAND);
  return {
    users: {
      path: '/Admin/UserManagementServices',
      code: api,
      description: 'System users',
      statements: [...allow.writeTable(table), allow.manageUsers(userPoolArn)],
    },
    createAdmin: {
      path: '/Admin/createAdminUserFunction',
      code: bundle(stack, 'control-plane/lambda/create-admin'),
      description: 'Invites the first system administrator',
      statements: [allow.readItems(table), allow.writeItems(table), allow.createUsers(userPoolArn)],
    },
    tenants: {
      path: '/tenantManagementLambda/TenantManagementServices',
      code: api,
      description: 'Tenants',
      statements: [...allow.writeTable(table), ...(appPlaneTable ? [] : [allow.inviteTenantAdmins(stack, prefix)])],
    },
    registrations: {
      path: '/tenantRegistrationLambda/TenantRegistrationFunc',
      code: api,
      description: 'Tenant registrations, sign-up and dead letters',
      statements: [
        ...allow.writeTable(table),
        ...(appPlaneTable ? allow.announceAdministrators(appPlaneTable) : []),
        allow.sealPasswords(passwordKey),
        ...(appPlaneTable ? [] : [allow.replayTo(stack, prefix)]),
        allow.sendMail(stack, sender),
      ],
    },
    config: {
      path: '/tenantConfigLambda/TenantConfigServiceLambda',
      code: api,
      description: "Configuration for a tenant's sign-in page",
      statements: [allow.readItems(table)],
    },
  };
}

/** cdk-nag reports the wildcard in the user pools' ARN. */
function allowTenantPools(tenants: LambdaFunction): void {
  suppressWildcards(tenants, {
    reason:
      "The application plane creates the tenants' user pools. The condition allows only those of the environment.",
    appliesTo: ['Resource::arn:<AWS::Partition>:cognito-idp:<AWS::Region>:<AWS::AccountId>:userpool/*'],
  });
}

/** cdk-nag reports the wildcard in the queues' ARN. */
function allowConsumerQueues(registrations: LambdaFunction, prefix: string): void {
  suppressWildcards(registrations, {
    reason: "The application plane owns the consumers' queues. Their names start with the environment's prefix.",
    appliesTo: [`Resource::arn:<AWS::Partition>:sqs:<AWS::Region>:<AWS::AccountId>:${prefix}-*`],
  });
}
