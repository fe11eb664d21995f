import { CloudWatchLogsClient, DeleteLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  CognitoIdentityProviderClient,
  DeleteUserPoolCommand,
  DeleteUserPoolDomainCommand,
  DescribeUserPoolCommand,
  UpdateUserPoolCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import {
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  UpdateTableCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { DeleteRepositoryCommand, ECRClient } from '@aws-sdk/client-ecr';
import { DescribeKeyCommand, KMSClient, ScheduleKeyDeletionCommand } from '@aws-sdk/client-kms';
import { S3Client } from '@aws-sdk/client-s3';
import { deleteBucket } from './buckets.ts';
import type { OwnResource } from './inventory.ts';
import { type Operations, unlessGone } from './operation.ts';

/** KMS keeps a key for at least this long, in days, before it deletes it. */
const KEY_WINDOW_DAYS = 7;

/** Deletes a resource that its stack retained. */
type Delete = (id: string, operations: Operations) => Promise<void>;

const DELETE: Readonly<Record<string, Delete>> = {
  'AWS::S3::Bucket': (id) => deleteBucket(new S3Client({}), id),
  'AWS::DynamoDB::Table': deleteTable,
  'AWS::DynamoDB::GlobalTable': deleteTable,
  'AWS::Cognito::UserPool': deleteUserPool,
  'AWS::KMS::Key': scheduleKeyDeletion,
  'AWS::ECR::Repository': async (repositoryName) =>
    unlessGone(new ECRClient({}).send(new DeleteRepositoryCommand({ repositoryName, force: true }))),
  'AWS::Logs::LogGroup': async (logGroupName) =>
    unlessGone(new CloudWatchLogsClient({}).send(new DeleteLogGroupCommand({ logGroupName }))),
};

const LOG_SETTING = 'API Gateway writes the logs of all REST APIs of the account and region with it';
/** Why a retained resource may be in use by others. */
const SHARED: Readonly<Record<string, string>> = {
  'AWS::IAM::Role': LOG_SETTING,
  'AWS::ApiGateway::Account': LOG_SETTING,
};

/** Deletes what a stack retained, or says why not. */
export async function deleteRetained({ type, id }: OwnResource, operations: Operations): Promise<void> {
  const remove = DELETE[type];
  if (remove) await operations.run(`delete ${nameOf(type)} ${id}`, () => remove(id, operations));
  else if (!type.startsWith('AWS::Cognito::')) {
    operations.leave(`${nameOf(type)} ${id}`, SHARED[type] ?? 'its stack retains it');
  }
}

/** `AWS::DynamoDB::Table` as `DynamoDB Table` */
function nameOf(type: string): string {
  return type.replace(/^AWS::/, '').replace('::', ' ');
}

async function deleteTable(TableName: string): Promise<void> {
  const client = new DynamoDBClient({});
  await unlessGone(
    (async () => {
      const { Table } = await client.send(new DescribeTableCommand({ TableName }));
      if (Table?.DeletionProtectionEnabled) {
        await client.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: false }));
        await waitUntilTableExists({ client, maxWaitTime: 120 }, { TableName });
      }
      await client.send(new DeleteTableCommand({ TableName }));
    })(),
  );
}

/** A pool goes with its clients and users, once it has no domain and no deletion protection. */
export async function deleteUserPool(UserPoolId: string): Promise<void> {
  const cognito = new CognitoIdentityProviderClient({});
  const found = await cognito.send(new DescribeUserPoolCommand({ UserPoolId })).catch(async (error: unknown) => {
    await unlessGone(Promise.reject(error));
    return undefined;
  });
  if (!found) return;
  const { Domain, DeletionProtection } = found.UserPool ?? {};
  if (Domain) await unlessGone(cognito.send(new DeleteUserPoolDomainCommand({ UserPoolId, Domain })));
  if (DeletionProtection === 'ACTIVE') {
    await cognito.send(new UpdateUserPoolCommand({ UserPoolId, DeletionProtection: 'INACTIVE' }));
  }
  await unlessGone(cognito.send(new DeleteUserPoolCommand({ UserPoolId })));
}

async function scheduleKeyDeletion(KeyId: string, operations: Operations): Promise<void> {
  const kms = new KMSClient({});
  await unlessGone(
    (async () => {
      const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
      if (KeyMetadata?.KeyState !== 'PendingDeletion') {
        await kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: KEY_WINDOW_DAYS }));
      }
      operations.leave(
        `KMS key ${KeyId}`,
        `KMS deletes a key no sooner than ${KEY_WINDOW_DAYS} days after the request`,
      );
    })(),
  );
}
