import {
  DynamoDBClient,
  ExecuteStatementCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { Attempt, AttemptResult } from './attempt.ts';

/**
 * A script for the container of a service: `node /app/probe.cjs ATTEMPTS`, where ATTEMPTS is JSON. It makes each call with
 * the credentials that the container's task gets, or with a session of the service's data role, and prints what AWS
 * responds: one JSON array of results. It is in the images of rehearsals only.
 */
const TableName = process.env.TIERPLANE_TABLE;
const RoleArn = process.env.TIERPLANE_DATA_ROLE;
const sts = new STSClient({});

const CALLS: Readonly<Record<Attempt['call'], (client: DynamoDBClient, pk: string) => Promise<unknown>>> = {
  GetItem: (client, pk) => client.send(new GetItemCommand({ TableName, Key: { pk: { S: pk }, sk: { S: 'probe' } } })),
  PutItem: (client, pk) => client.send(new PutItemCommand({ TableName, Item: { pk: { S: pk }, sk: { S: 'probe' } } })),
  Query: (client, pk) => client.send(new QueryCommand({ TableName, ...byKey('pk', pk) })),
  QueryIndex: (client, pk) => client.send(new QueryCommand({ TableName, IndexName: 'index-g1', ...byKey('g1pk', pk) })),
  Scan: (client) => client.send(new ScanCommand({ TableName, Limit: 1 })),
  PartiQL: (client, pk) => {
    const Statement = `SELECT * FROM "${TableName}" WHERE pk = ?`;
    return client.send(new ExecuteStatementCommand({ Statement, Parameters: [{ S: pk }] }));
  },
};

function byKey(name: string, value: string) {
  return { KeyConditionExpression: `${name} = :key`, ExpressionAttributeValues: { ':key': { S: value } } };
}

async function run({ session, call, pk }: Attempt): Promise<AttemptResult> {
  try {
    const client = await clientFor(session);
    await CALLS[call](client, pk);
    const { Arn = '' } = await new STSClient({ credentials: client.config.credentials }).send(
      new GetCallerIdentityCommand({}),
    );
    return { allowed: true, caller: Arn };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { allowed: false, error: error.name, message: error.message };
  }
}

/** @param session undefined: the task's own credentials */
async function clientFor(session: Attempt['session']): Promise<DynamoDBClient> {
  if (session === undefined) return new DynamoDBClient({});
  const Tags = Object.entries(session.tags).map(([Key, Value]) => ({ Key, Value }));
  const command = new AssumeRoleCommand({ RoleArn, RoleSessionName: 'probe', ...(Tags.length > 0 && { Tags }) });
  const { Credentials: given } = await sts.send(command);
  return new DynamoDBClient({
    credentials: {
      accessKeyId: given?.AccessKeyId ?? '',
      secretAccessKey: given?.SecretAccessKey ?? '',
      ...(given?.SessionToken !== undefined && { sessionToken: given.SessionToken }),
    },
  });
}

async function main(): Promise<void> {
  const results: AttemptResult[] = [];
  for (const attempt of JSON.parse(process.argv[2] ?? '[]') as Attempt[]) results.push(await run(attempt));
  process.stdout.write(JSON.stringify(results));
}

void main();
