import type { Stack } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import { USER_POOL_TAG } from '../core/identity/issuers.ts';
import { emailKey, stagedKey } from '../core/identity/users/user-records.ts';
import { tableArns } from './platform-table.ts';

// Statements for the functions' roles. Every action is named and every resource is an ARN.

/** Reads items by key. */
export function readItems(table: Table): PolicyStatement {
  return new PolicyStatement({ actions: ['dynamodb:GetItem'], resources: [table.tableArn] });
}

/** The operations that a write transaction consists of. */
export function writeItems(table: Table): PolicyStatement {
  const actions = ['dynamodb:PutItem', 'dynamodb:DeleteItem', 'dynamodb:ConditionCheckItem'];
  return new PolicyStatement({ actions, resources: [table.tableArn] });
}

/** Reads items by key and by query, also through the indexes, and writes items. */
export function writeTable(table: Table): PolicyStatement[] {
  const read = new PolicyStatement({ actions: ['dynamodb:GetItem', 'dynamodb:Query'], resources: tableArns(table) });
  return [read, writeItems(table)];
}

/** Reads and removes events of the outbox, and nothing else in the table. */
export function drainOutbox(table: Table): PolicyStatement {
  return new PolicyStatement({
    actions: ['dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:DeleteItem'],
    resources: [table.tableArn],
    conditions: {
      'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['outbox', 'outbox-rejected'] },
      Null: { 'dynamodb:LeadingKeys': 'false' },
    },
  });
}

/**
 * What the control plane may do in the application plane's table (docs/decisions/0028): look an email up in the pooled realm,
 * and put the password of a tenant's first administrator. It can read no password.
 */
export function announceAdministrators(table: Table): PolicyStatement[] {
  const only = (action: string, operator: 'StringEquals' | 'StringLike', key: string) =>
    new PolicyStatement({
      actions: [`dynamodb:${action}`],
      resources: [table.tableArn],
      conditions: {
        [`ForAllValues:${operator}`]: { 'dynamodb:LeadingKeys': [key] },
        Null: { 'dynamodb:LeadingKeys': 'false' },
      },
    });
  return [only('GetItem', 'StringEquals', emailKey('pool', '').pk), only('PutItem', 'StringLike', stagedKey('*').pk)];
}

/** Publishes events with one plane's source only, so the function cannot forge events of the other plane. */
export function putEvents(busArn: string, source: string): PolicyStatement {
  return new PolicyStatement({
    actions: ['events:PutEvents'],
    resources: [busArn],
    conditions: {
      'ForAllValues:StringEquals': { 'events:source': source },
      Null: { 'events:source': 'false' },
    },
  });
}

const MANAGE_USERS = [
  ...['CreateUser', 'GetUser', 'DeleteUser'],
  ...['DisableUser', 'EnableUser', 'SetUserPassword', 'UpdateUserAttributes', 'UserGlobalSignOut'],
];

/** Creates the first administrator. */
export function createUsers(userPoolArn: string): PolicyStatement {
  return onUsers(userPoolArn, ['CreateUser', 'GetUser', 'DeleteUser']);
}

export function manageUsers(userPoolArn: string): PolicyStatement {
  return onUsers(userPoolArn, MANAGE_USERS);
}

/** Invites administrators in the tenants' user pools of this environment. */
export function inviteTenantAdmins(stack: Stack, prefix: string): PolicyStatement {
  return onTenantUsers(stack, prefix, ['CreateUser', 'DeleteUser', 'GetUser', 'SetUserPassword']);
}

/** Manages the users in the tenants' user pools of this environment, and checks a user's current password. */
export function manageTenantUsers(stack: Stack, prefix: string): PolicyStatement {
  return onTenantUsers(stack, prefix, [...MANAGE_USERS, 'InitiateAuth']);
}

/** What the account pages do with a user: check the current password, set one, end the sessions. */
const OWN_ACCOUNT = ['GetUser', 'InitiateAuth', 'SetUserPassword', 'UserGlobalSignOut'];

/** Lets system users change their own passwords. */
export function serveAccounts(userPoolArn: string): PolicyStatement {
  return onUsers(userPoolArn, OWN_ACCOUNT);
}

/** Lets the users in the tenants' user pools of this environment change their own passwords. */
export function serveTenantAccounts(stack: Stack, prefix: string): PolicyStatement {
  return onTenantUsers(stack, prefix, OWN_ACCOUNT);
}

/** The ids of tenants' user pools are not known here, but their tag is. */
function onTenantUsers(stack: Stack, prefix: string, verbs: readonly string[]): PolicyStatement {
  return new PolicyStatement({
    actions: verbs.map((verb) => `cognito-idp:Admin${verb}`),
    resources: [stack.formatArn({ service: 'cognito-idp', resource: 'userpool', resourceName: '*' })],
    conditions: { StringEquals: { [`aws:ResourceTag/${USER_POOL_TAG}`]: prefix } },
  });
}

function onUsers(userPoolArn: string, verbs: readonly string[]): PolicyStatement {
  return new PolicyStatement({ actions: verbs.map((verb) => `cognito-idp:Admin${verb}`), resources: [userPoolArn] });
}

/** Replays a dead letter to the queue of its consumer. Each consumer of the environment has a queue. */
export function replayTo(stack: Stack, prefix: string): PolicyStatement {
  const queues = stack.formatArn({ service: 'sqs', resource: `${prefix}-*` });
  return new PolicyStatement({ actions: ['sqs:GetQueueUrl', 'sqs:SendMessage'], resources: [queues] });
}

export function sendMail(stack: Stack, sender: string): PolicyStatement {
  const identity = stack.formatArn({ service: 'ses', resource: 'identity', resourceName: sender });
  return new PolicyStatement({ actions: ['ses:SendEmail'], resources: [identity] });
}

export function sealPasswords(key: Key): PolicyStatement {
  return new PolicyStatement({ actions: ['kms:Encrypt'], resources: [key.keyArn] });
}

/** Opens passwords that wait for their users. */
export function openPasswords(key: Key): PolicyStatement {
  return new PolicyStatement({ actions: ['kms:Decrypt'], resources: [key.keyArn] });
}

/** Creates streams in one log group and writes to them. */
export function writeLog(log: LogGroup): PolicyStatement {
  return new PolicyStatement({
    actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    resources: [log.logGroupArn],
  });
}
